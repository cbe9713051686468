"""What someone learns who holds an earlier release of the same data set besides. From published tables alone.

A count that was rounded down to a multiple of k tells an interval: the exact one is at most k − 1 above (a few, that
would have proved too much, are lower still, and nobody is told which: they are read like the others). Two releases
of the same records tell two intervals, and the exact count is in both; a combination that one of them does not publish
tells 0 … k − 1. Where records were added in between, the same figures tell how many of them hold a combination.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark.schema.metrics import COMPARED, Metric
from synth_spark.schema.published_columns import COUNT_COLUMNS
from synth_spark.schema.sql_text import quoted

#: Columns of aggregates that are none of the data.
NO_COLUMNS = {"length", "selections", *COUNT_COLUMNS}


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
        is known exactly), ``contradicting`` (the records cannot be the same), ``rose`` and ``fell`` (the published
        count did, by more than rounding explains). Of the releases: ``columns_that_differ``, ``columns_shared``, and
        ``lengths_not_compared``, those that one of the two alone reports.
    """
    numbers = {"compared": F.lit(True), **_tests(earlier.k, this.k)}
    counted = side_by_side(earlier, this).groupBy("length").agg(*(F.count_if(t).alias(n) for n, t in numbers.items()))
    rows = {row["length"]: row for row in counted.collect()}
    metrics = [
        Metric("difference", COMPARED, name, earlier.run_id, length, float(rows[length][name] if length in rows else 0))
        for length in range(1, min(earlier.longest, this.longest) + 1)
        for name in numbers
    ]
    mine, theirs = (set(side.aggregates.columns) - NO_COLUMNS for side in (this, earlier))
    whole = {
        "columns_that_differ": len(mine ^ theirs),
        "columns_shared": len(mine & theirs),
        "lengths_not_compared": abs(earlier.longest - this.longest),
    }
    return [*metrics, *(Metric("difference", COMPARED, n, earlier.run_id, None, float(v)) for n, v in whole.items())]


def side_by_side(earlier: Published, this: Published) -> DataFrame:
    """Combinations, of columns and lengths that both have, that either publishes.

    Returns:
        One row a combination: ``length``, ``selections``, ``old``, ``new`` (null where it is not published), and
        ``low`` … ``high``, what both tell of one count.
    """
    old = comparable(earlier, this).withColumnRenamed("protected_count", "old")
    new = comparable(this, earlier).withColumnRenamed("protected_count", "new")
    both = old.join(new, ["selections", "length"], "full")
    low, high = (
        how(*(F.coalesce(F.col(name), F.lit(0)) + top for name, top in (("old", tops[0]), ("new", tops[1]))))
        for how, tops in ((F.greatest, (0, 0)), (F.least, (earlier.k - 1, this.k - 1)))
    )
    return both.select("length", "selections", "old", "new", low.alias("low"), high.alias("high"))


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
        "rose": F.coalesce("new", F.lit(0)) - F.coalesce("old", F.lit(0)) >= earlier_k,
        "fell": F.coalesce("old", F.lit(0)) - F.coalesce("new", F.lit(0)) >= k,
    }


def comparable(one: Published, other: Published) -> DataFrame:
    """What a release publishes of combinations of columns and of lengths that another one has, too.

    Args:
        one: the release.
        other: the other one.

    Returns:
        One row a combination: ``selections``, ``length``, ``protected_count``.
    """
    aggregates, theirs = one.aggregates, set(other.aggregates.columns)
    for name in aggregates.columns:
        if name not in theirs:
            aggregates = aggregates.where(F.col(quoted(name)).isNull())
    reported = aggregates.where(F.col("length") <= min(one.longest, other.longest))
    return reported.select("selections", "length", "protected_count")
