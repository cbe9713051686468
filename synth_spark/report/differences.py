"""The section on earlier releases: what each of them and this one tell together; which combinations, for who signs."""

from collections.abc import Sequence

from synth_spark.report.blocks import Block, Chart, DataTable, Paragraphs, Section, Series, TableColumn
from synth_spark.report.material import ReportData, Told, column, number, of_length
from synth_spark.schema.metric_definitions import definition
from synth_spark.schema.metrics import Metric

#: Most columns that are shown to have moved.
_LISTED = 12
_SIDE_BY_SIDE = (
    "compared", "only_earlier", "only_this", "small_difference", "narrowed", "pinned", "contradicting", "rose", "fell",
)  # fmt: skip
_BY_SUBTRACTION = ("told_of_added", "told_of_earlier", "told_of_withdrawn", "told_of_this")
#: What is told → of which records.
_OF = {
    "told_of_added": "of the records added since",
    "told_of_earlier": "of the earlier records, which that release withheld",
    "told_of_withdrawn": "of the records that went since",
    "told_of_this": "of the records of this release, which it withholds",
    "known_count": "of the records, if the same ones hold it in both",
}
_NO_EARLIER = (
    "No earlier release was compared: no k-anonymous one that readers may hold is published where this one goes, and "
    "none was named (assessment.earlier). Two releases of the same data set together tell more than each of them. "
    "Private releases need no comparison: the ledger adds up what they cost."
)


def differences(material: ReportData, public: bool = False) -> Section | None:
    """What earlier releases and this one tell together; which combinations, for those who sign."""
    metrics, heading = material.chosen("difference"), "Together with earlier releases"
    if not metrics:
        return None if public else Section("differences", heading, (Paragraphs((_NO_EARLIER,)),))
    texts = _not_compared(metrics)
    releases = list(dict.fromkeys(one.about or "" for one in metrics if one.measure == "compared"))
    if not releases:
        return Section("differences", heading, (Paragraphs(tuple(texts)),))
    texts += [
        f"Compared with {len(releases)} earlier releases: {', '.join(releases)}."
        if len(releases) > 1
        else f"Compared with the earlier release {releases[0]}.",
        "Someone who holds both and believes that they are of the same records knows the counts in the column narrowed "
        "to fewer numbers than the smaller k, those in the column pinned exactly. Where records came or went in "
        "between, counts that differ tell how many of these hold a combination.",
    ]
    blocks: list[Block] = [Paragraphs(tuple(texts)), _side_by_side(metrics, releases)]
    blocks += _told(material, metrics, releases)
    if material.told and not public:
        blocks.append(_listed(material.told))
    return Section("differences", heading, (*blocks, _moved(material, releases[-1])))


def _not_compared(metrics: Sequence[Metric]) -> list[str]:
    """What was not looked for, in sentences."""
    by_measure = {
        name: [one.about or "" for one in metrics if one.measure == name and bool(one.value) is wanted]
        for name, wanted in (("not_read", True), ("columns_shared", False), ("lengths_not_compared", True))
    }
    said = {
        "not_read": "Not compared, as nobody can read them any more, though readers may hold them: {}.",
        "columns_shared": "Not compared, as they have no column of this release: {}.",
        "lengths_not_compared": "Not compared in all lengths of combinations, as one of the two releases reports "
        "shorter ones alone: {}.",
    }
    texts = [said[name].format(", ".join(names)) for name, names in by_measure.items() if names]
    return [*texts, "What was not compared was not looked for: nobody knows what it tells together."] if texts else []


def _side_by_side(metrics: Sequence[Metric], releases: Sequence[str]) -> DataTable:
    """One row a release and length: how many combinations are told in which way."""
    lengths = sorted({one.length for one in metrics if one.length is not None})
    values = {(one.about, one.measure, one.length): one.value for one in metrics}
    heads = (
        TableColumn("earlier release", number=False),
        TableColumn("combinations", number=False),
        *(column(name.replace("_", " "), name, "difference") for name in _SIDE_BY_SIDE),
    )
    rows = tuple(
        (release, of_length(length), *(number(values.get((release, name, length))) for name in _SIDE_BY_SIDE))
        for release in releases
        for length in lengths
        if (release, "compared", length) in values
    )
    return DataTable("Both releases", heads, rows)


def _told(material: ReportData, metrics: Sequence[Metric], releases: Sequence[str]) -> list[Block]:
    """One row a release: of how many combinations something is told of few."""
    names = (*_BY_SUBTRACTION, "known_count")
    total = sum(int(one.value) for one in metrics if one.measure in _BY_SUBTRACTION)
    known = sum(int(one.value) for one in metrics if one.measure == "known_count")
    texts = (
        "Who holds two releases can subtract the counts of one from those of the other. To who assumes that no record "
        "went from the groups that are compared, that tells of added records; to who assumes that none came to them, "
        f"of records that went. In {total:,} cases it tells of a combination that at least one, but fewer than k (the "
        f"larger one of both releases; {material.k} in this one), of the added records, of those that went, or of "
        "those that one of the releases withholds hold it. Each count was compared with those of the combinations that "
        "lack one of its attributes, from the number of all records down; other ways to put counts together were not "
        "tried.",
        f"Where two releases have different k, both tell an interval of the count, if the same records hold the "
        f"combination: that tells too much in {known:,} cases.",
    )
    heads = (
        TableColumn("earlier release", number=False),
        *(column(name.replace("_", " "), name, "difference") for name in names),
    )
    sums = {(release, name): 0.0 for release in releases for name in names}
    for one in metrics:
        if (one.about, one.measure) in sums:
            sums[one.about or "", one.measure] += one.value
    rows = tuple((release, *(number(sums[release, name]) for name in names)) for release in releases)
    return [Paragraphs(texts), DataTable("Told by subtraction", heads, rows)]


def _listed(told: Sequence[Told]) -> DataTable:
    """The combinations that are told of, those of the fewest first."""
    rows = tuple((one.selections, _in_words(one), one.release, number(one.earlier), number(one.this)) for one in told)
    heads = (
        TableColumn("combination", number=False),
        TableColumn("what is told", "At least … at most; of which records.", number=False),
        TableColumn("earlier release", number=False),
        TableColumn("published then", "A dash: not published."),
        TableColumn("published now", "A dash: not published."),
    )
    caption = (
        f"The {len(told)} combinations that are told of, those of the fewest records first; all are in the table "
        "differing of the run folder. Where the run folders say how counts were before some were lowered, conclusions "
        "are drawn from those"
    )
    return DataTable(caption, heads, rows)


def _in_words(one: Told) -> str:
    """What is told of a combination.

    >>> _in_words(Told("first", "told_of_added", 2, "a:x;b:y", 20, 30, 1, 9))
    '1 to 9 of the records added since'
    """
    how_many = f"{one.least:,} to {one.most:,}" if one.least < one.most else f"exactly {one.least:,}"
    return f"{how_many} {_OF[one.told]}"


def _moved(material: ReportData, release: str) -> Chart:
    """How far columns moved since the last release that was compared."""
    every = sorted(material.chosen("drift", "tvd"), key=lambda one: -one.value)
    moved = every[:_LISTED]
    series = (Series("distance", tuple(one.value for one in moved)),)
    about, caption = tuple(one.about or "" for one in moved), f"How far columns moved since {release}"
    if len(every) > len(moved):
        caption += f", the {len(moved)} of {len(every)} that moved most; all are in the table differences"
    return Chart("bars", caption, definition("tvd", "drift"), about, series, "distance", limits=(0, 1))
