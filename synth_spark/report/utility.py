"""Sections on use: what of the records' statistics is in the release, and how near it is."""

from collections.abc import Callable
from itertools import groupby

from synth_spark.report.blocks import (
    Block,
    Chart,
    DataTable,
    Figures,
    KeyFigure,
    Paragraphs,
    Section,
    Series,
    Small,
    TableColumn,
)
from synth_spark.report.material import Marginal, ReportData, column, number, of_length, percent, share, worst_table
from synth_spark.schema.metric_definitions import definition

_NAMES = {
    "sensitive_to_reportable": "sensitive → published counts",
    "sensitive_to_synthetic": "sensitive → synthetic",
    "reportable_to_synthetic": "published counts → synthetic",
}
#: Columns whose values are shown side by side, and values of each.
_MOST_COLUMNS, _MOST_VALUES = 24, 8
#: Columns of one value, which share a chart.
_MOST_FLAGS = 30
_WORST = 10


def comparisons(material: ReportData) -> list[str]:
    """The comparisons that there are measures of, in order."""
    there = {one.comparison for one in material.measures}
    return [name for name in _NAMES if name in there]


def preservation(material: ReportData) -> Section:
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
        by_bins = [material.by_bin(name, measure) for name in shown]
        bins = sorted({count_bin for values in by_bins for count_bin in values})
        names = tuple(f"≤ {count_bin:,}" for count_bin in bins)
        series = tuple(
            Series(_NAMES[name], tuple(values.get(count_bin) for count_bin in bins))
            for name, values in zip(shown, by_bins, strict=True)
        )
        top = 1.0 if measure == "preservation" else None
        return Chart("lines", caption, definition(measure), names, series, axis, unit="percent", limits=(0, top))

    charts = (
        by_length("kept_share_of_common", "Combinations that are kept, by length", "share of combinations"),
        by_length("mass_share_of_common", "Counts that are reproduced, by length", "share of the counts"),
        by_bin("preservation", "Preservation, by the count of a combination in the target", "mean preservation"),
        by_bin("proportional_error", "Error, by the count of a combination in the target", "mean proportional error"),
    )
    return Section("preservation", "What is preserved", (Small(charts),))


#: Columns of the table of counts: title, measure, how it is written.
_COUNTED: tuple[tuple[str, str, Callable[[float | None], str]], ...] = (
    ("mean count", "source_mean_count", lambda value: number(value, 1)),
    ("mean error", "mean_absolute_error", lambda value: number(value, 2)),
    ("mean TVD", "mean_tvd", lambda value: number(value, 4)),
    ("suppressed", "suppressed_percent_of_source", percent),
    ("fabricated, of source", "fabricated_percent_of_source", percent),
    ("of target", "fabricated_percent_of_target", percent),
    ("leaked", "leaked", number),
    ("emerged", "emerged", number),
)


def counts(material: ReportData) -> Section:
    """Mean counts and errors; what is suppressed, fabricated and leaked, with both denominators."""
    shown, lengths = comparisons(material), [*range(1, material.longest + 1), None]
    blocks: list[Block] = []
    if material.private:
        blocks.append(Paragraphs((_NO_K.format(k=material.k),)))
    heads = (TableColumn("length", number=False), *(column(title, measure) for title, measure, _ in _COUNTED))
    for name in shown:
        rows = tuple(
            (_of(length), *(written(material.measure(name, measure, length)) for _, measure, written in _COUNTED))
            for length in lengths
            if material.measure(name, "tuples", length) is not None
        )
        blocks.append(DataTable(f"Counts, errors, and what should not be there: {_NAMES[name]}", heads, rows))
    blocks.append(_rarity(material))
    grown = material.measure(shown[-1], "record_expansion_percent") if shown else None
    if grown is not None:
        text = f"There are {abs(grown):.1f} % {'more' if grown >= 0 else 'fewer'} synthetic records than records"
        blocks.append(Paragraphs((f"{text}, as far as their number may be told.",)))
    return Section("counts", "Counts and errors", tuple(blocks))


_NO_K = (
    "Differential privacy has no k. Where sensitive records are compared, a combination is called rare here below {k} "
    "records; between published counts and synthetic records none is called rare, and k is 1."
)


def _of(length: int | None) -> str:
    return "all" if length is None else of_length(length)


def _rarity(material: ReportData) -> DataTable:
    """Distinct, rare and unique combinations of each table."""
    parts = ("combinations", "rare", "rare_percent", "unique", "unique_percent", "count", "mean_count")
    sides = [("sensitive", "sensitive_to_synthetic", "source"), ("synthetic", "sensitive_to_synthetic", "target")]
    if "sensitive_to_synthetic" not in comparisons(material):
        sides = [("published counts", "reportable_to_synthetic", "source"),
                 ("synthetic", "reportable_to_synthetic", "target")]  # fmt: skip
    titles = ("distinct", "rare", "rare, share", "unique", "unique, share", "sum of counts", "mean count")
    heads = (
        TableColumn("records", number=False),
        TableColumn("length", number=False),
        *(
            TableColumn(title, definition(f"source_{part}").replace(" of the source", ""))
            for title, part in zip(titles, parts, strict=True)
        ),
    )
    rows = tuple(
        (
            title,
            _of(length),
            *(
                (percent if part.endswith("percent") else number)(material.measure(name, f"{side}_{part}", length))
                for part in parts
            ),
        )
        for title, name, side in sides
        for length in [*range(1, material.longest + 1), None]
    )
    return DataTable("Distinct, rare and unique combinations", heads, rows)


def marginals(material: ReportData) -> Section:
    """Published and synthetic counts of values: columns of one value together, the others one by one."""
    columns = {name: list(values) for name, values in groupby(material.marginals, key=lambda one: one.column)}
    flags = {name: values[0] for name, values in columns.items() if len(values) == 1}
    several = {name: values for name, values in columns.items() if len(values) > 1}
    charts = [_values(name, values) for name, values in list(several.items())[:_MOST_COLUMNS]]
    blocks: list[Block] = [_single_counts(material)]
    if len(several) > _MOST_COLUMNS:
        more = len(several) - _MOST_COLUMNS
        note = f"The first {_MOST_COLUMNS} columns of several values; {more} more are in the tables."
        blocks.append(Paragraphs((note,)))
    if charts:
        blocks.append(Small(tuple(charts)))
    if flags:
        most = sorted(flags.values(), key=lambda one: (-_larger(one), one.column))[:_MOST_FLAGS]
        left_out = len(flags) > _MOST_FLAGS
        rest = f", the {_MOST_FLAGS} most frequent of {len(flags)}; all are in the tables" if left_out else ""
        names = tuple(one.column if one.value == "1" else f"{one.column}: {one.value}" for one in most)
        blocks.append(_beside(f"Columns of one value{rest}", names, most))
    return Section("marginals", "Values side by side", tuple(blocks))


def _single_counts(material: ReportData) -> Figures:
    """How near the single counts of the synthetic records are to the published ones."""
    shown = (
        ("mean share of a published single count", "mean_ratio", share),
        ("largest difference of a single count", "largest_gap", number),
        ("published values that no synthetic record has", "suppressed", number),
    )
    return Figures(
        tuple(
            KeyFigure(label, written(material.measure("reportable_to_synthetic", measure, 1)), definition(measure))
            for label, measure, written in shown
        )
    )


def _values(name: str, values: list[Marginal]) -> Chart:
    most = sorted(values, key=lambda one: (-_larger(one), one.value))[:_MOST_VALUES]
    rest = len(values) - len(most)
    more = f" (and {rest} more value{'s' if rest > 1 else ''}, all in the tables)" if rest else ""
    return _beside(f"{name}{more}", tuple(one.value for one in most), most)


def _beside(caption: str, names: tuple[str, ...], shown: list[Marginal]) -> Chart:
    """Both counts of some values."""
    text = "Number of records with each value: as published, and among the synthetic records."
    published = tuple(None if one.protected is None else float(one.protected) for one in shown)
    synthetic = tuple(None if one.synthetic is None else float(one.synthetic) for one in shown)
    return Chart(
        "bars", caption, text, names, (Series("published", published), Series("synthetic", synthetic)), "records"
    )


def _larger(one: Marginal) -> int:
    return max(one.protected or 0, one.synthetic or 0)


def distances(material: ReportData) -> Section:
    """Total variation distance of marginals of each length, and the worst ones."""
    name = _closest(material)
    lengths = [
        length
        for length in range(1, material.longest + 1)
        if material.metric("distance", name, "p95_tvd", length) is not None
    ]
    heads = (
        TableColumn("marginals", number=False),
        column("mean", "mean_tvd"),
        column("95th percentile", "p95_tvd", "distance"),
        column("largest", "largest_tvd", "distance"),
        column("k-marginal score", "k_marginal_score", "distance"),
    )
    rows = tuple(
        (
            of_length(length),
            number(material.measure(name, "mean_tvd", length), 4),
            number(material.metric("distance", name, "p95_tvd", length), 4),
            number(material.metric("distance", name, "largest_tvd", length), 4),
            number(material.metric("distance", name, "k_marginal_score", length), 1),
        )
        for length in lengths
    )
    blocks: list[Block] = [DataTable(f"Total variation distance, {_NAMES[name]}", heads, rows)]
    for length in lengths:
        metrics = [one for one in material.chosen("distance", "tvd", name) if one.length == length][:_WORST]
        metrics = [one for one in metrics if one.value > 0]
        if metrics:
            what = "columns" if length == 1 else f"{of_length(length)} of columns"
            caption = f"The {len(metrics)} {what} that differ most"
            values = tuple(one.value for one in metrics)
            about = tuple(one.about or "" for one in metrics)
            text, series = definition("tvd", "distance"), (Series("distance", values),)
            blocks.append(Chart("bars", caption, text, about, series, "distance", limits=(0, None)))
    return Section("distances", "How near the marginals are", tuple(blocks))


def associations(material: ReportData) -> Section | None:
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
    row = tuple(number(material.metric("association", name, measure, 2), 3) for measure in names)
    series = (Series("before", tuple(before.values())), Series("after", tuple(after[about] for about in before)))
    about = tuple(str(one) for one in before)
    text = f"{definition('source_association', 'association')} Pairs on the diagonal are as they were."
    chart = Chart(
        "points", "How strongly pairs of columns hang together", text, about, series,
        "Cramér's V among the synthetic records", "Cramér's V before", limits=(0, 1),
    )  # fmt: skip
    blocks: list[Block] = [DataTable(f"Differences of Cramér's V, {_NAMES[name]}", heads, (row,)), chart]
    groups = material.chosen("subgroup", "tvd", name, True)
    if groups:
        mean = material.metric("subgroup", name, "mean_tvd", 2)
        blocks.append(Paragraphs((f"Over all subgroups of one attribute the mean distance is {number(mean, 3)}.",)))
        blocks.append(worst_table("The subgroups that fare worst", "records with", groups, "subgroup"))
    return Section("associations", "Relationships and subgroups", tuple(blocks))


def sentences(material: ReportData) -> tuple[str, str]:
    """Use of the aggregates and of the synthetic records, in a sentence each."""
    suppressed = material.measure("sensitive_to_reportable", "suppressed_percent_of_source")
    error = material.measure("sensitive_to_reportable", "mean_absolute_error")
    counted = sum(material.combinations)
    aggregates = f"Use of the counts: {counted:,} combinations of up to {material.longest} attributes are published"
    if suppressed is not None:
        why = "" if material.private else f", as fewer than {material.k} records share them"
        aggregates += (
            f"; {percent(suppressed)} of the distinct ones of the input are not{why}, and those published are off by "
            f"{number(error, 2)} on average"
        )
    lost = material.measure("reportable_to_synthetic", "suppressed_percent_of_source")
    sentence = (
        f"Use of the synthetic records: they hold {percent(100 - (lost or 0))} of the published combinations and "
        f"reproduce {share(material.measure('reportable_to_synthetic', 'mass_share_of_common'))} of the published "
        "counts"
    )
    off = material.measure("sensitive_to_synthetic", "mean_absolute_error")
    if off is not None:
        sentence += f"; counts taken from them are off by {number(off, 2)} on average"
    return f"{aggregates}.", f"{sentence}."


def _closest(material: ReportData) -> str:
    """The comparison that says most of the synthetic records: with the sensitive ones where that may be published."""
    there = {one.comparison for one in material.metrics if one.topic == "distance"}
    return "sensitive_to_synthetic" if "sensitive_to_synthetic" in there else "reportable_to_synthetic"
