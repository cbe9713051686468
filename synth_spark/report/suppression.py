"""The section on what is published less than rounding would have left, for those who sign the release."""

from synth_spark.report.blocks import DataTable, Paragraphs, Section, TableColumn
from synth_spark.report.material import ReportData, number, percent

_WHY = (
    "Counts that are each rounded down can prove together that a group of fewer than {k} records exists. Some are "
    "published lower by further multiples of {k} for that reason, and some are withheld; records lose values that "
    "would prove the same, to records of these values alone, or of published combinations. Counts that wait for k more "
    "records, as they follow an earlier release in steps, are among them. How many, is told here alone: a release that "
    "says so tells how it was before."
)


def suppression(material: ReportData) -> Section | None:
    """How many counts were lowered, and how many records made otherwise; None where that was not done."""
    sums = material.suppressed
    if sums is None:
        return None
    before = sums["published"] + sums["lost"]
    rows = [
        ("published counts that were lowered", number(sums["lowered"])),
        ("of them withheld", number(sums["withheld"])),
        ("sum of what they were lowered by", number(sums["lost"])),
        ("share of the sum of all counts, as rounded", percent(100 * sums["lost"] / before if before else None, 3)),
    ]
    if "changed" in sums:
        rows.append(("synthetic records that are others than were grown", number(sums["changed"])))
    heads = (TableColumn("what", number=False), TableColumn("number"))
    table = DataTable("Lowered, withheld and made otherwise", heads, tuple(rows))
    return Section(
        "suppression", "What counts would have proved together", (Paragraphs((_WHY.format(k=material.k),)), table)
    )
