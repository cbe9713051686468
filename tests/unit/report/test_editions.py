"""What the edition for everyone refuses to be made of."""

from dataclasses import replace

import pytest

from synth_spark.report.differences import differences
from synth_spark.report.editions import public
from synth_spark.report.material import Marginal, ReportData
from synth_spark.report.suppression import suppression
from synth_spark.report.utility import marginals
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


def test_a_list_that_is_cut_says_where_all_of_it_is() -> None:
    several = [Marginal("a", f"v{n:02}", 10 * n, 10 * n) for n in range(12)]
    flags = [Marginal(f"b{n:02}", "1", 10, 10) for n in range(31)]
    moved = [Metric("drift", "earlier_to_this", "tvd", f"c{n}", None, 0.1) for n in range(13)]
    compared = Metric("difference", "earlier_to_this", "compared", "one", None, 5.0)
    cut = replace(MATERIAL, marginals=(*several, *flags), metrics=(*moved, compared))
    whole = replace(cut, marginals=(*several[:8], *flags[:30]), metrics=(*moved[:12], compared))
    told, short = (repr([marginals(one), differences(one)]) for one in (cut, whole))
    for text in (
        "a (and 4 more values, all in the tables)",
        "Columns of one value, the 30 most frequent of 31; all are in the tables",
        "How far columns moved since one, the 12 of 13 that moved most; all are in the table differences",
    ):
        assert text in told
        assert text not in short


def test_what_was_lowered_is_told_in_numbers() -> None:
    assert suppression(MATERIAL) is None
    section = suppression(replace(MATERIAL, suppressed=SUPPRESSED))
    assert section is not None
    rows = getattr(section.blocks[1], "rows", ())
    assert [row[1] for row in rows] == ["12", "3", "50", "0.500\u00a0%", "7"]
