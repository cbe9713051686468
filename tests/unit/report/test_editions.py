"""What the edition for everyone refuses to be made of."""

from dataclasses import replace

import pytest

from synth_spark.report.editions import public
from synth_spark.report.material import ReportData
from synth_spark.report.suppression import suppression
from synth_spark.schema.metrics import Metric

SUPPRESSED = {"lowered": 12, "withheld": 3, "lost": 50, "published": 9_950, "changed": 7}
MATERIAL = ReportData(
    title="Cases", run_id="one", private=False, guarantee="", measured="", k=10, longest=3, searched=3, columns=4,
    records=100, synthetic_records=90, combinations=(1, 2, 3), settings=(), measures=(), metrics=(), marginals=(),
    results=(),
)  # fmt: skip


def test_the_public_edition_refuses_what_tells_of_exact_counts() -> None:
    exact = Metric("risk", "sensitive_to_synthetic", "linkable", None, None, 1.0)
    for material in (replace(MATERIAL, metrics=(exact,)), replace(MATERIAL, suppressed=SUPPRESSED)):
        with pytest.raises(ValueError, match="public report"):
            public(material)


def test_what_was_lowered_is_told_in_numbers() -> None:
    assert suppression(MATERIAL) is None
    section = suppression(replace(MATERIAL, suppressed=SUPPRESSED))
    assert section is not None
    rows = getattr(section.blocks[1], "rows", ())
    assert [row[1] for row in rows] == ["12", "3", "50", "0.500\u00a0%", "7"]
