"""What someone learns who holds an earlier release of the same data set besides. From published tables alone.

A count that was rounded down to a multiple of k tells an interval: the exact one is at most k − 1 above (a few, that
would have proved too much, are lower still, and nobody is told which: they are read like the others). Two releases
of the same records tell two intervals, and the exact count is in both; a combination that one of them does not publish
tells 0 … k − 1. Where records were added in between, the same figures tell how many of them hold a combination.
"""

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark.schema.metrics import COMPARED, Metric
from synth_spark.schema.sql_text import quoted


@dataclass(frozen=True)
class Published:
    """What a release has published, as far as it is compared.

    Attributes:
        run_id: its name.
        k: its privacy resolution.
        longest: its R.
        records: its number of records as it may be published, a multiple of k.
        aggregates: one row a combination: ``length``, ``selections``, ``protected_count``, and the release's columns.
    """

    run_id: str
    k: int
    longest: int
    records: int
    aggregates: DataFrame


def differences(earlier: Published, this: Published) -> list[Metric]:
    """Put both releases' counts side by side.

    Args:
        earlier: the earlier release.
        this: the later one.

    Returns:
        For each length that both report, numbers of combinations: ``compared`` (of columns that both have),
        ``only_earlier`` and ``only_this``, ``small_difference`` (published counts differ, by less than the larger k),
        ``narrowed`` (if the records are the same: an exact count is known to less than the smaller k), ``pinned`` (it
        is known exactly), and ``contradicting`` (the records cannot be the same).
    """
    numbers = {"compared": F.lit(True), **_tests(earlier.k, this.k)}
    counted = side_by_side(earlier, this).groupBy("length").agg(*(F.count_if(t).alias(n) for n, t in numbers.items()))
    rows = {row["length"]: row for row in counted.collect()}
    metrics = [
        Metric("difference", COMPARED, name, earlier.run_id, length, float(rows[length][name] if length in rows else 0))
        for length in range(1, min(earlier.longest, this.longest) + 1)
        for name in numbers
    ]
    own = len(set(this.aggregates.columns) ^ set(earlier.aggregates.columns))
    return [*metrics, Metric("difference", COMPARED, "columns_that_differ", earlier.run_id, None, float(own))]


def differing(earlier: Published, this: Published) -> DataFrame:
    """Which combinations both releases tell different things of; arguments as of `differences`.

    Returns:
        One row a combination that one of them alone publishes, whose counts differ by less than the larger k, or whose
        exact count both tell to less than the smaller k: ``length``, ``selections``, ``earlier`` and ``this`` (the
        published counts; null where there is none), and ``low`` and ``high`` (if the records are the same, the exact
        count lies between; low is above high where they cannot be).
    """
    tests = _tests(earlier.k, this.k)
    telling = reduce(Column.__or__, (F.coalesce(test, F.lit(False)) for test in tests.values()))
    columns = ("length", "selections", F.col("old").alias("earlier"), F.col("new").alias("this"), "low", "high")
    return side_by_side(earlier, this).where(telling).select(*columns)


def told_best(differing: DataFrame, most: int) -> list[Metric]:
    """The combinations of which two releases of the same records tell the exact count best; see `differing`.

    Returns:
        ``known_count``, one a combination: how many counts are possible, with the least and the largest of them.
    """
    width = (F.col("high") - F.col("low") + 1).alias("width")
    intervals = differing.where("low <= high").select(width, "high", "low", "length", "selections")
    rows = intervals.orderBy("width", "high", "length", "selections").limit(most).collect()
    return [
        Metric(
            "difference", COMPARED, "known_count", row["selections"], row["length"],
            float(row["width"]), float(row["low"]), float(row["high"]),
        )
        for row in rows
    ]  # fmt: skip


def side_by_side(earlier: Published, this: Published) -> DataFrame:
    """Combinations, of columns and lengths that both have, that either publishes.

    Returns:
        One row a combination: ``length``, ``selections``, ``old``, ``new`` (null where it is not published), and
        ``low`` … ``high``, what both tell of one count.
    """
    names = ["selections", "length", "protected_count"]
    shared = set(earlier.aggregates.columns) & set(this.aggregates.columns)
    old, new = (
        _comparable(side.aggregates, shared).select(*names).withColumnRenamed("protected_count", name)
        for side, name in ((earlier, "old"), (this, "new"))
    )
    both = old.join(new, ["selections", "length"], "full")
    low, high = (
        how(*(F.coalesce(F.col(name), F.lit(0)) + top for name, top in (("old", tops[0]), ("new", tops[1]))))
        for how, tops in ((F.greatest, (0, 0)), (F.least, (earlier.k - 1, this.k - 1)))
    )
    reported = both.where(F.col("length") <= min(earlier.longest, this.longest))
    return reported.select("length", "selections", "old", "new", low.alias("low"), high.alias("high"))


def _tests(earlier_k: int, k: int) -> dict[str, Column]:
    """What is asked of every combination of `side_by_side`."""
    width, differ = F.col("high") - F.col("low") + 1, F.abs(F.col("old") - F.col("new"))
    return {
        "only_earlier": F.col("new").isNull(),
        "only_this": F.col("old").isNull(),
        "small_difference": (differ > 0) & (differ < max(earlier_k, k)),
        "narrowed": (width > 0) & (width < min(earlier_k, k)),
        "pinned": width == 1,
        "contradicting": width < 1,
    }


def _comparable(aggregates: DataFrame, shared: set[str]) -> DataFrame:
    """Combinations of columns that both releases have."""
    for name in aggregates.columns:
        if name not in shared:
            aggregates = aggregates.where(F.col(quoted(name)).isNull())
    return aggregates
