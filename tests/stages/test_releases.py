"""Two published releases side by side: without Spark as with it."""

from pathlib import Path

import numpy as np
from publishing import place
from pyspark.sql import SparkSession

from synth_spark.assess.differencing import Published, differences
from synth_spark.publish.diff import compare
from synth_spark.publish.published_release import open_release


def test_both_ways_of_comparing_count_the_same(spark: SparkSession, tmp_path: Path) -> None:
    """What is said before a release is published (on Spark) is what is said of two that were."""
    rng, out = np.random.default_rng(7), tmp_path / "out"
    singles = [f"{column}:{value}" for column in "abc" for value in "uvwxyz"]
    texts = [*singles, *(f"{one};{two}" for one in singles for two in singles if one[0] < two[0])]
    exact = rng.integers(0, 60, len(texts))
    for run_id, k, columns in (("old", 10, "abc"), ("new", 3, "ab")):
        moved = exact + rng.integers(-8, 3, len(texts))
        moved[::5] = 0 if run_id == "new" else moved[::5]
        told = {text: int(count // k * k) for text, count in zip(texts, moved, strict=True) if count >= k}
        told = {text: count for text, count in told.items() if columns == "abc" or "c:" not in text}
        place(out, run_id, told, k, columns)
    old, new = open_release(out, "old"), open_release(out, "new")
    found = compare(old, new, (10, 3), 2)
    earlier = Published("old", 10, 2, 600, old.frame("aggregates", spark))
    this = Published("new", 3, 2, 600, new.frame("aggregates", spark))
    known: dict[str, float] = {}
    for one in differences(earlier, this):
        known[one.measure] = known.get(one.measure, 0) + one.value
    names = {"compared": "compared", "gone": "only_earlier", "new": "only_this", "small": "small_difference"}
    names |= {name: name for name in ("narrowed", "pinned", "contradicting")}
    assert {name: getattr(found, name) for name in names} == {name: known[other] for name, other in names.items()}
    assert min(found.new, found.gone, found.small, found.narrowed, found.pinned) > 0
