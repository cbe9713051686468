"""What subtracting two releases from each other tells of single people, where records were added, corrected or went.

Counts that are published were rounded down to a multiple of their release's k; of a combination that is not published
fewer than k records are known. If the published count rose by r, and no record that held the combination went, between
r − (k₁ − 1) and r + (k₂ − 1) of the added records hold it, and never fewer than none (k₁ of the earlier release, k₂ of
this one). Alone that tells no group: who sees a rise knows of a group that may be k or more, who sees none knows of one
that may be empty. Together two counts can tell: where a pair rose but one of its two attributes did not, at least one
and fewer than k of the added records hold it.

Two directions are looked at, and each always, as a correction is one record that went and one that was added:

- *added*: what is told to who assumes that no record went from the groups that a proof uses (`ADDED`): combinations
  that at least one and fewer than k of the added records hold, and combinations that the earlier release withheld
  although at least one of its records held them.
- *went*: the same with the two releases exchanged (`WENT`): what is told to who assumes that no record was added to
  the groups that a proof uses, of records that went, and of combinations that this release withholds.

The most that may hold a combination is taken from all records down: for each of its attributes, it is at most the most
that hold the others, less the least that hold them with another value of the same column (of a column with one value a
record). A count that fell by more than rounding explains contradicts the assumption of the direction *added*: it gives
no bound of its own, and neither does the number of all records where that fell. A bound below what is known to be
there contradicts the assumption, too, and is left out. Where the assumption holds, every combination that is found is
disclosed for certain; other ways to put counts together are not looked for.

What counts as few is the larger k of the two releases, in both directions. A record that went was promised k₁ and an
added one k₂, but nobody who looks on can tell a record that went and one that came from one that was corrected, and
who is in both releases was promised both.

Where the k differ, the records need not differ: both releases tell an interval of the same exact count (`KNOWN`). With
one k they never do so. Two multiples p and q of k tell p … p + k − 1 and q … q + k − 1, which are the same k numbers or
have none in common, and 0 … k − 1 is the interval of what is not published.
"""

import math
from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from synth_spark.assess.differencing import Published, comparable, side_by_side
from synth_spark.schema.fields import Field, escaped
from synth_spark.schema.metrics import COMPARED, Metric
from synth_spark.schema.sql_text import literal

#: What is told by each direction: of the records that came, or went, and of what the other release withheld.
ADDED, WENT = ("told_of_added", "told_of_earlier"), ("told_of_withdrawn", "told_of_this")
#: The figures that tell of someone by subtraction, and the one that tells of the same records under another k.
DISCLOSURES, KNOWN = (*ADDED, *WENT), "known_count"
_COLUMNS = ("release", "told", "length", "selections", "earlier", "this", "least", "most")


def told(pairs: Sequence[tuple[Published, Published]], fields: Sequence[Field]) -> DataFrame:
    """All combinations of which two releases together tell that few records hold them.

    Args:
        pairs: earlier releases, each beside the later one.
        fields: the columns of the later one.

    Returns:
        One row a (release, what is told, combination): ``release``, the earlier one's name; ``told``, one of
        `DISCLOSURES` or `KNOWN`; ``length``, ``selections``; ``earlier`` and ``this``, the counts that were compared
        (null where there is none); ``least`` and ``most``, between which the number of those records lies.
    """
    counts = _counts(pairs)
    found = counts.where(_KNOWN_FEW).selectExpr(*_row(f"'{KNOWN}'", "old", "new", _LOW, _HIGH))
    moved = counts.agg(F.bool_or(F.expr("new > old")), F.bool_or(F.expr("new < old"))).collect()[0]
    ways = [way for way, there in zip(_WAYS, moved, strict=True) if there]  # else nobody is told of that way
    if not ways:
        return found
    longest = max(min(one.longest, other.longest) for one, other in pairs)
    return found.unionAll(_subtracted(counts.selectExpr(f"inline(array({', '.join(ways)}))"), fields, longest))


#: What both releases tell of one exact count, and whether that is more than either was to tell.
_LOW, _HIGH = "greatest(old, new)", "least(old + k_old, new + k_new) - 1"
_KNOWN_FEW = (
    f"{_HIGH} >= {_LOW} AND ({_HIGH} - {_LOW} + 1 < least(k_old, k_new)"
    f" OR ({_LOW} >= 1 AND {_HIGH} < greatest(k_old, k_new)))"
)


def told_metrics(found: DataFrame, pairs: Sequence[tuple[Published, Published]]) -> list[Metric]:
    """How many combinations two releases together tell of, for each earlier release and length that both report.

    Args:
        found: what `told` found, as it was kept.
        pairs: what was compared.
    """
    numbers = {(row[0], row[1], row[2]): row[3] for row in found.groupBy("release", "told", "length").count().collect()}
    return [
        Metric("difference", COMPARED, name, one.run_id, length, float(numbers.get((one.run_id, name, length), 0)))
        for one, other in pairs
        for length in range(1, min(one.longest, other.longest) + 1)
        for name in (*DISCLOSURES, KNOWN)
    ]


def as_published(found: DataFrame, pairs: Sequence[tuple[Published, Published]]) -> DataFrame:
    """What `told` found of other counts than those that were published, beside the published ones.

    Args:
        found: what it found.
        pairs: the releases as they were published.
    """
    parts = [side_by_side(*pair).withColumn("release", F.lit(pair[0].run_id)) for pair in pairs]
    counts = reduce(DataFrame.unionAll, parts).select("release", "selections", "old", "new")
    joined = F.broadcast(found.drop("earlier", "this")).join(counts, ["release", "selections"], "left")
    return joined.withColumnsRenamed({"old": "earlier", "new": "this"}).select(*_COLUMNS)


def _counts(pairs: Sequence[tuple[Published, Published]]) -> DataFrame:
    """Both releases' counts of each combination, 0 where there is none, with what is known of the two releases."""
    known = ["release", "k_old", "k_new", "grown"]
    sides = []
    for place, name in enumerate(("old", "new")):
        parts = []
        for pair in pairs:
            earlier, this = pair
            numbers = (earlier.k, this.k, this.records - earlier.records)
            literals = [F.lit(earlier.run_id), *(F.lit(number).cast("bigint") for number in numbers)]
            count = F.col("protected_count").cast("bigint").alias(name)
            about = [column.alias(each) for column, each in zip(literals, known, strict=True)]
            parts.append(comparable(pair[place], pair[1 - place]).select(*about, "length", "selections", count))
        sides.append(reduce(DataFrame.unionAll, parts))
    both = sides[0].join(sides[1], [*known, "length", "selections"], "full")
    return both.fillna(0, ["old", "new"]).select(*known, "length", "selections", "old", "new")


#: A row of `_counts` as it is looked at in each direction: in the second one the releases are exchanged.
_WAYS = tuple(
    "named_struct('way', '{0}', 'rest', '{1}', 'release', release, 'length', length, 'selections', selections, "
    "'old', {2}, 'new', {3}, 'k_old', k_{2}, 'k_new', k_{3}, 'grown', {4})".format(*names, *sides)
    for names, sides in ((ADDED, ("old", "new", "grown")), (WENT, ("new", "old", "-grown")))
)


def _subtracted(counts: DataFrame, fields: Sequence[Field], longest: int) -> DataFrame:
    """What is told to who assumes that no record left the groups that a proof uses.

    Args:
        counts: one row a direction (``way`` and ``rest`` name what it tells) and row of `_counts`; see `_WAYS`.
        fields: the columns.
        longest: longest combination that is compared.
    """
    levels: list[DataFrame] = []
    for length in range(1, longest + 1):
        above = levels[-1] if levels else None
        levels.append(_bounded(counts.where(F.col("length") == length), above, fields))
    few = "least >= 1 AND most < greatest(k_old, k_new)"
    withheld = "old = 0 AND new - most BETWEEN 1 AND k_old - 1"  # more would contradict what is not published
    came, others = (
        f"named_struct('told', {name}, 'low', {low}, 'high', {high}, 'holds', {holds})"
        for name, low, high, holds in (
            ("way", "least", "most", few),
            ("rest", "new - most", "least(k_old, new + k_new - least) - 1", withheld),
        )
    )
    bounded = reduce(DataFrame.unionAll, levels)  # levels share their steps
    found = bounded.selectExpr("*", f"inline(filter(array({came}, {others}), one -> one.holds))")
    earlier, this = (f"if(way = '{ADDED[0]}', {one}, {other})" for one, other in (("old", "new"), ("new", "old")))
    return found.selectExpr(*_row("told", earlier, this, "low", "high"))


def _row(told: str, earlier: str, this: str, low: str, high: str) -> list[str]:
    """The columns of `told`, of the expressions of what is told, of both counts and of the bounds."""
    counts = (f"nullif({earlier}, 0L) AS earlier", f"nullif({this}, 0L) AS this")
    return ["release", f"{told} AS told", "length", "selections", *counts, f"{low} AS least", f"{high} AS most"]


def _bounded(level: DataFrame, above: DataFrame | None, fields: Sequence[Field]) -> DataFrame:
    """Combinations of one length with the ``least`` and the ``most`` of the records that came that may hold them.

    Args:
        level: of one length; see `_counts`.
        above: what this returned of those one shorter; None: there are none, but all records.
        fields: the columns.
    """
    single = ", ".join(map(literal, _single(fields)))
    places = level.selectExpr(
        "*", "split(selections, ';') AS attributes",
        "explode(sequence(0, size(split(selections, ';')) - 1)) AS place",
    )  # fmt: skip
    edges = places.selectExpr(
        *level.columns,
        "greatest(0, new - old - (k_old - 1)) AS least",
        "if(new - old + k_new - 1 < 0, null, new - old + k_new - 1) AS own_most",
        "grown + k_new - 1 AS all_most",  # below nobody where all records are fewer: such a bound is left out
        "array_join(filter(attributes, (_, at) -> at != place), ';') AS parent",
        f"substring_index(get(attributes, place), ':', 1) IN ({single}) AS single",
        "substring_index(get(attributes, place), ':', 1) AS column",
    )  # fmt: skip
    others = "if(single, sum(least) OVER (PARTITION BY way, release, parent, column) - least, 0) AS others"
    joined = edges.selectExpr("*", others)
    if above is None:
        joined = joined.withColumn("parent_most", F.col("all_most"))
    else:
        parents = above.selectExpr("way", "release", "selections AS parent", "most AS parent_most")
        joined = joined.join(parents, ["way", "release", "parent"], "left")
    keys = ("way", "release", "selections")
    firsts = [F.first(name).alias(name) for name in (*level.columns, "least") if name not in keys]
    bound = "min(if(parent_most - others >= least, parent_most - others, null))"
    most = F.expr(f"least({bound}, first(own_most)) AS most")
    return joined.groupBy(*keys).agg(*firsts, most)


def drift(earlier: Published, this: Published, fields: Sequence[Field]) -> list[Metric]:
    """How far the published single counts moved, column by column.

    Args:
        earlier: the earlier release.
        this: the later one.
        fields: the columns that both have.

    Returns:
        For each column, ``tvd``: half the sum of |p − q| over its values, where p and q are their shares of the
        records of the two releases (of the values, where a record may have several); what no value stands for is one
        more. And ``largest_tvd``.
    """
    parts = []
    for side, name in ((earlier, "before"), (this, "now")):
        singles = side.aggregates.where("length = 1")
        count = F.col("protected_count").alias(name)
        parts.append(singles.select("selections", F.substring_index("selections", ":", 1).alias("column"), count))
    both = parts[0].join(parts[1], ["selections", "column"], "full").fillna(0, ["before", "now"])
    totals = Window.partitionBy("column")
    shares: list[Column] = []
    for name, records in (("before", earlier.records), ("now", this.records)):
        held = F.sum(name).over(totals)
        whole = F.when(F.col("column").isin(*_single(fields)), F.greatest(held, F.lit(records))).otherwise(held)
        shares += [F.col(name) / F.greatest(whole, F.lit(1)), held / F.greatest(whole, F.lit(1))]
    moved = both.select("column", (shares[0] - shares[2]).alias("gap"), (shares[1] - shares[3]).alias("rest"))
    gaps = moved.groupBy("column").agg(F.collect_list("gap").alias("gaps"), F.first("rest").alias("rest")).collect()
    # exactly rounded, so the order in which rows arrive does not matter
    distances = {row["column"]: math.fsum(map(abs, [*row["gaps"], row["rest"]])) / 2 for row in gaps}
    figures = {field.name: distances.get(escaped(field.name), 0.0) for field in fields}
    by_column = [Metric("drift", COMPARED, "tvd", name, 1, value) for name, value in figures.items()]
    return [Metric("drift", COMPARED, "largest_tvd", None, 1, max(figures.values(), default=0.0)), *by_column]


def _single(fields: Sequence[Field]) -> list[str]:
    """The columns with one value a record, as texts of combinations write them."""
    return ["", *(escaped(field.name) for field in fields if not field.many)]
