"""Sections on risk: who could be linked before, what groups disclose, what other ways and releases cost and tell."""

from synth_spark.report.blocks import Block, Chart, DataTable, Paragraphs, Section, Series, TableColumn
from synth_spark.report.material import ReportData, column, number, of_length, percent
from synth_spark.schema.metric_definitions import definition
from synth_spark.schema.metrics import Metric

_LISTED = 12


def linkable(material: ReportData) -> Section:
    """Records that could be linked in the input, by length, and by what."""
    metrics, heading = material.chosen("risk", comparison="protected"), "Who could be linked in the input"
    if not metrics:
        text = "Linkable records were not counted: more combinations are common than can be looked up for every record."
        return Section("linkable", heading, (Paragraphs((text,)),))
    lengths = sorted({one.length for one in metrics if one.length is not None})
    names = [name for name in ("unique_records", "rare_records") if any(one.measure == name for one in metrics)]
    series = tuple(
        Series(
            name.removesuffix("_records"),
            tuple((material.metric("risk", "protected", f"{name}_percent", length) or 0) / 100 for length in lengths),
        )
        for name in names
    )
    text = "".join(f"{definition(name, 'risk')} " for name in names)
    chart = Chart(
        "columns", "Records of the input that could be linked, by the shortest combination that links them",
        f"{text}Rounded down to multiples of {material.k}.", tuple(map(of_length, lengths)), series,
        "share of the records", unit="percent",
    )  # fmt: skip
    total = material.metric("risk", "protected", "risky_records_percent")
    said = (
        f"{percent(total)} of the records hold a combination of up to {material.searched} attributes that fewer than "
        f"{material.k} of them share; for that, the number of each length was rounded down."
    )
    blocks: list[Block] = [Paragraphs((said,)), chart, _risk_table(material, lengths)]
    by_column = material.chosen("risk", "linkable_percent_by_column", "sensitive")
    fields = sorted(by_column, key=lambda one: -one.value)[:_LISTED]
    blocks += _bars("The columns that link most", "linkable_percent_by_column", fields)
    attributes = material.chosen("risk", "linkable_percent", "sensitive")[:_LISTED]
    blocks += _bars("The attributes that link most", "linkable_percent", attributes)
    return Section("linkable", heading, tuple(blocks))


def _risk_table(material: ReportData, lengths: list[int]) -> DataTable:
    """Linkable records by length, and all together, rounded."""
    names = (("rare", "rare_records"), ("unique", "unique_records"), ("linkable", "risky_records"))
    heads = (
        TableColumn("combinations", number=False),
        *(column(title, measure, "risk") for title, measure in names),
        TableColumn("linkable, share", definition("risky_records", "risk")),
    )
    rows = tuple(
        (
            "all" if length is None else of_length(length),
            *(number(material.metric("risk", "protected", measure, length)) for _, measure in names),
            percent(material.metric("risk", "protected", "risky_records_percent", length)),
        )
        for length in [*lengths, None]
    )
    return DataTable(f"Linkable records, each number rounded down to a multiple of {material.k}", heads, rows)


def _bars(caption: str, measure: str, metrics: list[Metric]) -> list[Block]:
    if not metrics:
        return []
    series = (Series("linkable", tuple(one.value / 100 for one in metrics)),)
    about = tuple(one.about or "" for one in metrics)
    text = definition(measure, "risk")
    return [Chart("bars", caption, text, about, series, "share of their records", unit="percent", limits=(0, 1))]


def _three(value: float | None) -> str:
    return number(value, 3)


_NO_GROUPS = (
    "Nothing was measured: groups are looked at for columns that assessment.secrets declares as sensitive, where "
    "combinations of at least two attributes are counted and some group has at least k records. k-anonymity hides "
    "who is "
    "in a group, not what all of its members have in common."
)


def disclosure(material: ReportData) -> Section:
    """What groups disclose of declared columns."""
    metrics, heading = material.chosen("homogeneity"), "What groups disclose"
    if not metrics:
        return Section("disclosure", heading, (Paragraphs((_NO_GROUPS,)),))
    names = (
        ("groups", "groups", number), ("one value", "revealed_groups", number),
        ("share", "revealed_groups_percent", percent), ("l", "least_diversity", number),
        ("mean t", "mean_closeness", _three), ("t", "largest_closeness", _three),
    )  # fmt: skip
    heads = (
        TableColumn("column", number=False),
        TableColumn("records", number=False),
        TableColumn("groups share", number=False),
        *(column(title, measure, "homogeneity") for title, measure, _ in names),
    )
    values = {(one.about, one.comparison, one.length, one.measure): one.value for one in metrics}
    worst: dict[str | None, float] = {}
    for one in metrics:
        if one.measure == "revealed_groups_percent":
            worst[one.about] = max(one.value, worst.get(one.about, 0.0))
    shown = sorted(worst, key=lambda about: (-worst[about], str(about)))[:_LISTED]
    order = {about: place for place, about in enumerate(shown)}
    sides = {(one.about, one.comparison, one.length) for one in metrics if one.about in order}
    groups = sorted(sides, key=lambda group: (order[group[0]], group[2] or 0, group[1]))
    rows = tuple(
        (
            str(about),
            side,
            of_length(length or 0),
            *(written(values.get((about, side, length, measure))) for _, measure, written in names),
        )
        for about, side, length in groups
    )
    text = (
        "k-anonymity hides who is in a group, not what all of its members have in common. Where everyone in a "
        "group has "
        "the same value of a sensitive column, the group's size protects nobody from that being known."
    )
    most = f", the {_LISTED} of {len(worst)} that are revealed most" if len(worst) > _LISTED else ""
    table = DataTable(f"What groups of at least {material.k} records say of sensitive columns{most}", heads, rows)
    return Section("disclosure", heading, (Paragraphs((text,)), table))


_REDACTION = (
    "Classical k-anonymisation takes away cases or cells until nobody stands out. “Suppress cases” keeps records that, "
    "as a whole, at least {k} records share; “suppress linkable cases” keeps those without a rare combination of up to "
    "{longest} attributes; “suppress cells” blanks values until there is none. Each is shown at its best: what is "
    "taken away makes more combinations rare, which is not counted."
)


def redaction(material: ReportData) -> Section:
    """What classical ways would have lost."""
    metrics, heading = material.chosen("redaction"), "What redaction would have lost"
    if not metrics:
        text = (
            "What suppressing cases or cells would have lost of these records was not calculated. Set "
            "assessment.redaction in the plan, or add --assess."
        )
        return Section("redaction", heading, (Paragraphs((text,)),))
    lengths = range(1, material.searched + 1)
    values = {(one.about, one.measure, one.length): one.value for one in metrics}
    losses = {
        str(way): [
            values.get((way, "lost_cells_percent", None)),
            *(values.get((way, "lost_combinations_percent", length)) for length in lengths),
        ]
        for way in dict.fromkeys(one.about for one in metrics)
    }
    cases = {way: percent(values.get((way, "lost_cases_percent", None))) for way in losses}
    losses["these synthetic records"] = _own_losses(material)
    cases["these synthetic records"] = "none: no record is a case"
    meaning = definition("lost_combinations_percent", "redaction")
    heads = (
        TableColumn("way", number=False),
        column("cases lost", "lost_cases_percent", "redaction"),
        column("values lost", "lost_cells_percent", "redaction"),
        *(TableColumn(f"{of_length(length)} lost", meaning) for length in lengths),
    )
    rows = tuple((way, cases[way], *map(percent, lost)) for way, lost in losses.items())
    series = tuple(
        Series(way, tuple(None if value is None else value / 100 for value in lost)) for way, lost in losses.items()
    )
    text = "Share of the values, and of the combinations that at least k records share, that are lost. Less is better."
    categories = ("values", *(of_length(length) for length in lengths))
    chart = Chart("columns", "What is lost", text, categories, series, "share lost", unit="percent", limits=(0, 1))
    intro = Paragraphs((_REDACTION.format(k=material.k, longest=material.searched),))
    return Section("redaction", heading, (intro, DataTable("Losses", heads, rows), chart))


def _own_losses(material: ReportData) -> list[float | None]:
    """What the synthetic records lack: of the values, and of the combinations of each length, in per cent."""
    source, target = (material.measure("sensitive_to_synthetic", name, 1) for name in ("source_count", "target_count"))
    kept = [
        material.measure("sensitive_to_synthetic", "kept_share_of_common", length)
        for length in range(1, material.searched + 1)
    ]
    cells = None if not source or target is None else 100 * (1 - target / source)
    return [cells, *(None if one is None else 100 * (1 - one) for one in kept)]


def sentences(material: ReportData) -> tuple[str, str]:
    """Privacy of the input and of the synthetic records, in a sentence each."""
    unique = material.metric("risk", "sensitive", "records_with_unique_percent")
    rare = material.metric("risk", "sensitive", "records_with_rare_percent")
    if rare is None:
        before = "Privacy of the input: who could be linked was not counted, as too many combinations are common"
    else:
        before = (
            f"Privacy of the input: {percent(rare)} of the records hold a combination of up to {material.searched} "
            f"attributes that fewer than {material.k} share"
        )
        if unique is not None:
            before += f": {percent(unique)} a unique one, {percent(max(0.0, rare - unique))} only rare ones"
    return f"{before}.", f"Privacy of the release: {material.guarantee} {material.measured}{_leaks(material)}"


def _leaks(material: ReportData) -> str:
    """What of the synthetic records' combinations is rare in the input, or is not there; empty if not measured."""
    names = ("leaked", "emerged", "fabricated", "source_combinations")
    leaked, emerged, fabricated, distinct = (material.measure("sensitive_to_synthetic", name) for name in names)
    if leaked is None or emerged is None or fabricated is None:
        return ""
    if material.private:
        of_all = f", {percent(100 * (leaked + emerged) / distinct, 2)} of the distinct ones there" if distinct else ""
        return (
            f" {number(leaked + emerged)} combinations that fewer than {material.k} records of the input "
            f"share{of_all}, "
            f"are in the synthetic records, too; {number(fabricated)} are in the synthetic records alone. Noise makes "
            "combinations and leaves some that are real; which is which, the release does not tell."
        )
    if not leaked + emerged + fabricated:
        return " None of the combinations of the synthetic records is rare in the input, and none is missing there."
    return (
        f" Of the combinations of the synthetic records, {number(leaked)} are rare in the input, {number(emerged)} "
        "became "
        f"frequent although they are rare there, and {number(fabricated)} do not exist there."
    )
