"""What subtracting an earlier release from this one tells, where records were added in between and none went.

Counts that are published were rounded down to a multiple of their release's k; of a combination that is not published
fewer than k records are known. If the published count rose by r, between r − (k₁ − 1) and r + (k₂ − 1) of the added
records hold it, and never fewer than none (k₁ of the earlier release, k₂ of this one). Alone that tells no group: who
sees a rise knows of a group that may be k or more, who sees none knows of one that may be empty. Together two counts
can tell: where a pair rose but one of its two attributes did not, at least one and fewer than k of the added records
hold it. What is looked for are combinations for which the published counts, taken together so, tell

- of the added records: that at least one and fewer than k₂ hold it; or
- of the earlier records: that at least one and fewer than k₂ held it, which the earlier release had not disclosed.

The most that may hold a combination is taken from all records down: for each of its attributes, it is at most the most
that hold the others, less the least that hold them with another value of the same column (of a column with one value a
record). Every such combination is disclosed for certain; other ways to put counts together are not looked for.

A count may also have fallen by k or more: records went, or less is published of those that are there (counts that
would prove too much are lowered). It says nothing of added records, so its combination is bounded by others alone; what
a fall tells of the records that went is not looked for.
"""

import math
from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from synth_spark.assess.differencing import Published, side_by_side
from synth_spark.schema.fields import Field, escaped
from synth_spark.schema.metrics import COMPARED, Metric
from synth_spark.schema.sql_text import literal

#: The two figures that tell of someone, by what they tell of.
DISCLOSURES = ("told_of_added", "told_of_earlier")


def subtracted(earlier: Published, this: Published, fields: Sequence[Field]) -> list[Metric]:
    """How many combinations the two releases together tell someone of, for each length that both report.

    Args:
        earlier: the earlier release.
        this: the later one; if its records are those and added ones, what is disclosed is true.
        fields: the columns that both have.

    Returns:
        For each length: ``fell``, combinations of which records went, or less is published; and, unless all of the
        records are fewer,
        ``told_of_added`` and ``told_of_earlier``; see above.
    """
    both = side_by_side(earlier, this).fillna(0, ["old", "new"])
    most_rise = this.records - earlier.records + this.k - 1
    above = this.aggregates.sparkSession.range(1).select(
        F.lit("").alias("parent"), F.lit(most_rise).cast("bigint").alias("parent_most")
    )
    unpublished = F.least(F.lit(earlier.k - 1), F.col("new") + (this.k - 1) - F.col("least"))  # most of the earlier
    tests = {
        "fell": F.col("new") - F.col("old") + (this.k - 1) < 0,
        DISCLOSURES[0]: (F.col("least") >= 1) & (F.col("most") < this.k),
        DISCLOSURES[1]: (F.col("old") == 0) & (F.col("new") - F.col("most") >= 1) & (unpublished < this.k),
    }
    lengths = range(1, min(earlier.longest, this.longest) + 1)
    levels: list[DataFrame] = []
    for length in lengths:
        level = _bounded(both.where(F.col("length") == length), above, fields, (earlier.k, this.k))
        levels.append(level.select(F.lit(length).alias("length"), *(test.alias(name) for name, test in tests.items())))
        above = level.select(F.col("selections").alias("parent"), F.col("most").alias("parent_most"))
    numbers = (F.count_if(name).alias(name) for name in tests)
    counted = reduce(DataFrame.unionAll, levels).groupBy("length").agg(*numbers)  # levels share their steps
    rows = {row["length"]: row.asDict() for row in counted.collect()}
    metrics = [
        Metric("difference", COMPARED, name, earlier.run_id, length, float(rows.get(length, {}).get(name, 0)))
        for length in lengths
        for name in tests
    ]
    return metrics if most_rise >= 0 else [one for one in metrics if one.measure == "fell"]


def _bounded(level: DataFrame, above: DataFrame, fields: Sequence[Field], ks: tuple[int, int]) -> DataFrame:
    """Combinations of one length with the ``least`` and the ``most`` of the added records that may hold them.

    Args:
        level: ``selections``, ``old``, ``new``.
        above: of those one shorter: ``parent``, their text, and ``parent_most``.
        fields: the columns.
        ks: privacy resolution of the earlier release and of this one.
    """
    single = ", ".join(map(literal, _single(fields)))
    taken = level.selectExpr(
        "*", "new - old AS rise", "split(selections, ';') AS attributes",
        "explode(sequence(0, size(split(selections, ';')) - 1)) AS place",
    )  # fmt: skip
    edges = taken.selectExpr(
        "selections", "old", "new",
        f"greatest(0, rise - {ks[0] - 1}) AS least",
        f"if(rise + {ks[1] - 1} < 0, null, rise + {ks[1] - 1}) AS own_most",  # what fell says nothing of added records
        "array_join(filter(attributes, (_, at) -> at != place), ';') AS parent",
        f"substring_index(get(attributes, place), ':', 1) IN ({single}) AS single",
        "substring_index(get(attributes, place), ':', 1) AS column",
    )  # fmt: skip
    others = "if(single, sum(least) OVER (PARTITION BY parent, column) - least, 0) AS others"
    joined = edges.selectExpr("*", others).join(above, "parent")
    return joined.groupBy("selections").agg(
        *map(F.expr, ("first(old) AS old", "first(new) AS new", "first(least) AS least")),
        F.expr("least(min(parent_most - others), first(own_most)) AS most"),
    )


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
