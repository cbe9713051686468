"""Sections on use: what of the records' statistics is in the release, and how near it is."""

from itertools import groupby

from synth_spark.evaluate.definitions import definition
from synth_spark.report.blocks import Block, Chart, Column, Paragraphs, Section, Series, Small, Table
from synth_spark.report.material import Material, column, number, of_length, percent, share, worst_table

_NAMES = {
    "sensitive_to_reportable": "sensitive → published counts",
    "sensitive_to_synthetic": "sensitive → synthetic",
    "reportable_to_synthetic": "published counts → synthetic",
}
#: Columns whose values are shown side by side, and values of each.
_MOST_COLUMNS, _MOST_VALUES = 24, 8
_WORST = 10


def comparisons(material: Material) -> list[str]:
    """The comparisons that there are measures of, in order."""
    there = {one.comparison for one in material.measures}
    return [name for name in _NAMES if name in there]


def preservation(material: Material) -> Section:
    """What is kept, by length and by count."""
    lengths, shown = range(1, material.longest + 1), comparisons(material)
    targets = [name for name in shown if name.endswith("synthetic")]
    categories = tuple(of_length(length) for length in lengths)

    def by_length(measure: str, caption: str, axis: str) -> Chart:
        series = tuple(
            Series(_NAMES[name], tuple(material.measure(name, measure, length) for length in lengths))
            for name in targets
        )
        return Chart("columns", caption, definition(measure), categories, series, axis, unit="percent", limits=(0, 1))

    def by_bin(measure: str, caption: str, axis: str) -> Chart:
        found = [material.by_bin(name, measure) for name in shown]
        bins = sorted({count_bin for values in found for count_bin in values})
        names = tuple(f"≤ {count_bin:,}" for count_bin in bins)
        series = tuple(
            Series(_NAMES[name], tuple(values.get(count_bin) for count_bin in bins))
            for name, values in zip(shown, found, strict=True)
        )
        top = 1.0 if measure == "preservation" else None
        return Chart("lines", caption, definition(measure), names, series, axis, unit="percent", limits=(0, top))

    blocks: tuple[Block, ...] = (
        by_length("kept_share_of_common", "Combinations that are kept, by length", "share of combinations"),
        by_length("mass_share_of_common", "Counts that are reproduced, by length", "share of the counts"),
        by_bin("preservation", "Preservation, by the count of a combination in the target", "mean preservation"),
        by_bin("proportional_error", "Error, by the count of a combination in the target", "mean proportional error"),
    )
    return Section("preservation", "What is preserved", blocks)


def counts(material: Material) -> Section:
    """Mean counts and errors; what is suppressed, fabricated and leaked, with both denominators."""
    shown = comparisons(material)
    heads = (
        Column("comparison", number=False),
        Column("length", number=False),
        column("mean count", "source_mean_count"),
        column("mean error", "mean_absolute_error"),
        column("mean TVD", "mean_tvd"),
        column("suppressed", "suppressed_percent_of_source"),
        column("fabricated, of source", "fabricated_percent_of_source"),
        column("fabricated, of target", "fabricated_percent_of_target"),
        column("leaked", "leaked"),
        column("emerged", "emerged"),
    )
    rows = []
    for name in shown:
        for length in [*range(1, material.longest + 1), None]:
            if material.measure(name, "tuples", length) is not None:
                rows.append((
                    _NAMES[name],
                    "all" if length is None else of_length(length),
                    number(material.measure(name, "source_mean_count", length), 1),
                    number(material.measure(name, "mean_absolute_error", length), 2),
                    number(material.measure(name, "mean_tvd", length), 4),
                    percent(material.measure(name, "suppressed_percent_of_source", length)),
                    percent(material.measure(name, "fabricated_percent_of_source", length)),
                    percent(material.measure(name, "fabricated_percent_of_target", length)),
                    number(material.measure(name, "leaked", length)),
                    number(material.measure(name, "emerged", length)),
                ))  # fmt: skip
    table = Table("Counts, errors, and what should not be there", heads, tuple(rows))
    return Section("counts", "Counts and errors", (table,))


def marginals(material: Material) -> Section:
    """Published and synthetic counts of values, column by column."""
    charts = []
    for name, values in groupby(material.marginals, key=lambda one: one.column):
        ordered = sorted(values, key=lambda one: (-max(one.protected or 0, one.synthetic or 0), one.value))
        most = ordered[:_MOST_VALUES]
        rest = len(ordered) - len(most)
        series = (
            Series("published", tuple(None if one.protected is None else float(one.protected) for one in most)),
            Series("synthetic", tuple(None if one.synthetic is None else float(one.synthetic) for one in most)),
        )
        caption = f"{name}" + (f" (and {rest} more values)" if rest else "")
        text = "Number of records with each value: as published, and among the synthetic records."
        charts.append(Chart("bars", caption, text, tuple(one.value for one in most), series, "records"))
    left = len(charts) - _MOST_COLUMNS
    note = f"The first {_MOST_COLUMNS} columns; {left} more are in the tables." if left > 0 else ""
    blocks: list[Block] = [Paragraphs((note,))] if note else []
    return Section("marginals", "Values side by side", (*blocks, Small(tuple(charts[:_MOST_COLUMNS]))))


def distances(material: Material) -> Section:
    """Total variation distance of marginals of each length, and the worst ones."""
    name = _closest(material)
    lengths = [
        length
        for length in range(1, material.longest + 1)
        if material.finding("distance", name, "p95_tvd", length) is not None
    ]
    heads = (
        Column("marginals", number=False),
        column("mean", "mean_tvd"),
        column("95th percentile", "p95_tvd", "distance"),
        column("largest", "largest_tvd", "distance"),
        column("k-marginal score", "k_marginal_score", "distance"),
    )
    rows = tuple(
        (
            of_length(length),
            number(material.measure(name, "mean_tvd", length), 4),
            number(material.finding("distance", name, "p95_tvd", length), 4),
            number(material.finding("distance", name, "largest_tvd", length), 4),
            number(material.finding("distance", name, "k_marginal_score", length), 1),
        )
        for length in lengths
    )
    blocks: list[Block] = [Table(f"Total variation distance, {_NAMES[name]}", heads, rows)]
    for length in lengths:
        found = [one for one in material.chosen("distance", "tvd", name) if one.length == length][:_WORST]
        found = [one for one in found if one.value > 0]
        if found:
            what = "columns" if length == 1 else f"{of_length(length)} of columns"
            caption = f"The {len(found)} {what} that differ most"
            values = tuple(one.value for one in found)
            about = tuple(one.about or "" for one in found)
            text, series = definition("tvd", "distance"), (Series("distance", values),)
            blocks.append(Chart("bars", caption, text, about, series, "distance", limits=(0, None)))
    return Section("distances", "How near the marginals are", tuple(blocks))


def associations(material: Material) -> Section | None:
    """Cramér's V before and after, and subgroups."""
    name = _closest(material)
    before = {one.about: one.value for one in material.chosen("association", "source_association", name)}
    after = {one.about: one.value for one in material.chosen("association", "target_association", name)}
    if not before:
        return None
    heads = (
        column("mean difference", "mean_difference", "association"),
        column("95th percentile", "p95_difference", "association"),
        column("largest", "largest_difference", "association"),
    )
    names = ("mean_difference", "p95_difference", "largest_difference")
    row = tuple(number(material.finding("association", name, measure, 2), 3) for measure in names)
    series = (Series("before", tuple(before.values())), Series("after", tuple(after[about] for about in before)))
    about = tuple(str(one) for one in before)
    text = f"{definition('source_association', 'association')} Pairs on the diagonal are as they were."
    chart = Chart(
        "points", "How strongly pairs of columns hang together", text, about, series,
        "Cramér's V among the synthetic records", "Cramér's V before", limits=(0, 1),
    )  # fmt: skip
    blocks: list[Block] = [Table(f"Differences of Cramér's V, {_NAMES[name]}", heads, (row,)), chart]
    groups = material.chosen("subgroup", "tvd", name, True)
    if groups:
        mean = material.finding("subgroup", name, "mean_tvd", 2)
        blocks.append(Paragraphs((f"Over all subgroups of one attribute the mean distance is {number(mean, 3)}.",)))
        blocks.append(worst_table("The subgroups that fare worst", "records with", groups, "subgroup"))
    return Section("associations", "Relationships and subgroups", tuple(blocks))


def sentences(material: Material) -> tuple[str, str]:
    """Use of the aggregates and of the synthetic records, in a sentence each (specification 5)."""
    suppressed = material.measure("sensitive_to_reportable", "suppressed_percent_of_source")
    error = material.measure("sensitive_to_reportable", "mean_absolute_error")
    counted = sum(material.combinations)
    aggregates = f"Use of the counts: {counted:,} combinations of up to {material.longest} attributes are published"
    if suppressed is not None:
        aggregates += (
            f"; {percent(suppressed)} of the distinct ones are not, most of them rare, and those published are off by "
            f"{number(error, 2)} on average"
        )
    lost = material.measure("reportable_to_synthetic", "suppressed_percent_of_source")
    made = (
        f"Use of the synthetic records: they hold {percent(100 - (lost or 0))} of the published combinations and "
        f"reproduce {share(material.measure('reportable_to_synthetic', 'mass_share_of_common'))} of the published "
        "counts"
    )
    off = material.measure("sensitive_to_synthetic", "mean_absolute_error")
    if off is not None:
        made += f"; counts taken from them are off by {number(off, 2)} on average"
    return f"{aggregates}.", f"{made}."


def _closest(material: Material) -> str:
    """The comparison that says most of the synthetic records: with the sensitive ones where that may be told."""
    there = {one.comparison for one in material.findings if one.topic == "distance"}
    return "sensitive_to_synthetic" if "sensitive_to_synthetic" in there else "reportable_to_synthetic"
