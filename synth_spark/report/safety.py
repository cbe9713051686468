"""Sections on risk: who could be linked before, what attacks gain after, and what other ways would have cost."""

from synth_spark.evaluate.definitions import definition
from synth_spark.evaluate.findings import Finding
from synth_spark.report.blocks import Block, Chart, Column, Figure, Figures, Paragraphs, Section, Series, Table
from synth_spark.report.material import Material, column, number, of_length, percent

_LISTED = 12
_MODEL_NAMES = {"pmse": "pMSE", "pmse_ratio": "pMSE ratio", "auc": "AUC"}
#: Fewest attacks that a rate is told of.
_LEAST_ATTACKS = 20


def linkable(material: Material) -> Section | None:
    """Records that could be linked in the input, by length, and by what."""
    found = material.chosen("risk", comparison="protected")
    if not found:
        return None
    lengths = sorted({one.length for one in found if one.length is not None})
    names = [name for name in ("unique_records", "rare_records") if any(one.measure == name for one in found)]
    series = tuple(
        Series(
            name.removesuffix("_records"),
            tuple((material.finding("risk", "protected", f"{name}_percent", length) or 0) / 100 for length in lengths),
        )
        for name in names
    )
    text = "".join(f"{definition(name, 'risk')} " for name in names)
    chart = Chart(
        "columns", "Records of the input that could be linked, by the shortest combination that links them",
        f"{text}Rounded down to multiples of {material.k}.", tuple(map(of_length, lengths)), series,
        "share of the records", unit="percent",
    )  # fmt: skip
    total = material.finding("risk", "protected", "risky_records_percent")
    said = (
        f"{percent(total)} of the records hold a combination of up to {material.searched} attributes that fewer than "
    )
    blocks: list[Block] = [Paragraphs((f"{said}{material.k} of them share.",)), chart]
    fields = sorted(material.chosen("risk", "linkable_percent_by_column"), key=lambda one: -one.value)[:_LISTED]
    blocks += _bars("The columns that link most", "linkable_percent_by_column", fields)
    attributes = material.chosen("risk", "linkable_percent")[:_LISTED]
    blocks += _bars("The attributes that link most", "linkable_percent", attributes)
    return Section("linkable", "Who could be linked in the input", tuple(blocks))


def _bars(caption: str, measure: str, found: list[Finding]) -> list[Block]:
    if not found:
        return []
    series = (Series("linkable", tuple(one.value / 100 for one in found)),)
    about = tuple(one.about or "" for one in found)
    text = definition(measure, "risk")
    return [Chart("bars", caption, text, about, series, "share of their records", unit="percent", limits=(0, 1))]


def disclosure(material: Material) -> Section | None:
    """What groups disclose of declared columns."""
    found = material.chosen("homogeneity")
    if not found:
        return None
    names = (
        ("groups", "groups", 0), ("one value", "revealed_groups", 0), ("in per cent", "revealed_groups_percent", 1),
        ("l", "least_diversity", 0), ("mean t", "mean_closeness", 3), ("t", "largest_closeness", 3),
    )  # fmt: skip
    heads = (
        Column("column", number=False),
        Column("records", number=False),
        Column("groups share", number=False),
        *(column(title, measure, "homogeneity") for title, measure, _ in names),
    )
    values = {(one.about, one.comparison, one.length, one.measure): one.value for one in found}
    groups = dict.fromkeys((one.about, one.comparison, one.length) for one in found)
    rows = tuple(
        (
            str(about),
            side,
            of_length(length or 0),
            *(number(values.get((about, side, length, measure)), digits) for _, measure, digits in names),
        )
        for about, side, length in groups
    )
    text = (
        "k-anonymity hides who is in a group, not what all of its members have in common. Where everyone in a "
        "group has "
        "the same value of a sensitive column, the group's size protects nobody from that being known."
    )
    table = Table("What groups of at least k records say of sensitive columns", heads, rows)
    return Section("disclosure", "What groups disclose", (Paragraphs((text,)), table))


def attacks(material: Material) -> Section:
    """The three attacks with a control; a nearest-record check as a smoke test."""
    risks = material.chosen("attack", "risk")
    heading = "What attacks gain"
    if not risks:
        text = (
            "Attacks were not measured: they need a rehearsal, a second release of a part of the records that is never "
            "published. Set assessment.rehearsal in the plan, or add --assess."
        )
        return Section("attacks", heading, (Paragraphs((text,)),))
    names = tuple(_attack(one) for one in risks)
    series = Series(
        "risk",
        tuple(one.value for one in risks),
        tuple(one.low for one in risks),
        tuple(one.high for one in risks),
    )
    chart = Chart(
        "intervals", "Risk of each attack, with its 95 % interval; 0 is none", definition("risk", "attack"), names,
        (series,), "risk", unit="percent", limits=(0, 1),
    )  # fmt: skip
    values = {(one.comparison, one.about, one.measure): one for one in material.chosen("attack")}
    shown = ("attacks", "main", "control", "baseline", "risk")
    heads = (Column("attack", number=False), *(column(name, name, "attack") for name in shown))
    rows = tuple(
        (
            _attack(one),
            *(_cell(values.get((one.comparison, one.about, name)), name) for name in shown),
        )
        for one in material.chosen("attack", "attacks")
    )
    intro = (
        "The release was rehearsed: another one was made, in the same way, of a part of these records, and "
        "attacked. An "
        "attack counts for as much as it succeeds more often against records that went into the rehearsal than against "
        "records that did not. Singling out looks for a description that fits one record; linkability for records of "
        "one person in two sets of columns; inference for the value of a column, all others being known."
    )
    vain = [one for one in material.chosen("attack", "attacks") if one.value < _LEAST_ATTACKS]
    told = tuple(
        f"No rate is told of {_attack(one)}: it could be tried {one.value:,.0f} times only, as hardly a description of "
        "synthetic records fits one of them alone."
        for one in vain
    )
    blocks: list[Block] = [Paragraphs((intro, *told)), chart, Table("Attacks in numbers", heads, rows)]
    smoke = material.chosen("attack", comparison="nearest record")
    if smoke:
        text = ", ".join(f"{one.measure.replace('_', ' ')} {number(one.value, 3)}" for one in smoke)
        blocks.append(
            Paragraphs((
                f"Distance to the nearest synthetic record, as a smoke test only: {text}. Equal figures for both "
                "do not "
                "show that nothing leaks; data sets that pass this test have been attacked with success.",
            ))
        )  # fmt: skip
    return Section("attacks", heading, tuple(blocks))


def _attack(one: Finding) -> str:
    return one.comparison if one.about is None else f"{one.comparison}: {one.about}"


def _cell(one: Finding | None, name: str) -> str:
    if one is None:
        return "–"
    if name == "attacks":
        return number(one.value)
    interval = "" if one.low is None or one.high is None else f" ({100 * one.low:.1f} – {100 * one.high:.1f})"
    return f"{100 * one.value:.1f} %{interval}"


def models(material: Material) -> Section | None:
    """Whether synthetic records can be told from real ones, and whether models learn the same from them."""
    found = material.chosen("model")
    if not found:
        return None
    general = [one for one in found if one.about is None]
    figures = Figures(
        tuple(
            Figure(_MODEL_NAMES[one.measure], number(one.value, 4), definition(one.measure, "model")) for one in general
        )
    )
    targets = dict.fromkeys(one.about for one in found if one.about is not None)
    names = {"trained on synthetic": "synthetic_accuracy", "trained on real": "real_accuracy", "majority": "majority"}
    values = {(one.about, one.measure): one.value for one in found}
    series = tuple(
        Series(name, tuple(values.get((about, measure)) for about in targets)) for name, measure in names.items()
    )
    text = (
        "Accuracy, on real records that neither saw, of a model that predicts the column from all others: trained on "
        "synthetic records, trained on as many real ones, and by always guessing the most frequent value."
    )
    chart = Chart(
        "bars", "Models trained on synthetic records, and on real ones", text, tuple(map(str, targets)), series,
        "accuracy", unit="percent", limits=(0, 1),
    )  # fmt: skip
    return Section("models", "Synthetic records in models", (figures, chart))


_REDACTION = (
    "Classical k-anonymisation takes away cases or cells until nobody stands out. “Suppress cases” keeps records that, "
    "as a whole, at least {k} records share; “suppress linkable cases” keeps those without a rare combination of up to "
    "{longest} attributes; “suppress cells” blanks values until there is none. Each is shown at its best: what is "
    "taken away makes more combinations rare, which is not counted."
)


def redaction(material: Material) -> Section | None:
    """What classical ways would have lost."""
    found = material.chosen("redaction")
    if not found:
        return None
    lengths = range(1, material.searched + 1)
    values = {(one.about, one.measure, one.length): one.value for one in found}
    losses = {
        str(way): [
            values.get((way, "lost_cells_percent", None)),
            *(values.get((way, "lost_combinations_percent", length)) for length in lengths),
        ]
        for way in dict.fromkeys(one.about for one in found)
    }
    cases = {way: percent(values.get((way, "lost_cases_percent", None))) for way in losses}
    losses["these synthetic records"] = _own_losses(material)
    cases["these synthetic records"] = "none: no record is a case"
    told = definition("lost_combinations_percent", "redaction")
    heads = (
        Column("way", number=False),
        column("cases lost", "lost_cases_percent", "redaction"),
        column("values lost", "lost_cells_percent", "redaction"),
        *(Column(f"{of_length(length)} lost", told) for length in lengths),
    )
    rows = tuple((way, cases[way], *map(percent, lost)) for way, lost in losses.items())
    series = tuple(
        Series(way, tuple(None if value is None else value / 100 for value in lost)) for way, lost in losses.items()
    )
    text = "Share of the values, and of the combinations that at least k records share, that are lost. Less is better."
    categories = ("values", *(of_length(length) for length in lengths))
    chart = Chart("columns", "What is lost", text, categories, series, "share lost", unit="percent", limits=(0, 1))
    intro = Paragraphs((_REDACTION.format(k=material.k, longest=material.searched),))
    return Section("redaction", "What redaction would have lost", (intro, Table("Losses", heads, rows), chart))


def _own_losses(material: Material) -> list[float | None]:
    """What the synthetic records lack: of the values, and of the combinations of each length, in per cent."""
    source, target = (material.measure("sensitive_to_synthetic", name, 1) for name in ("source_count", "target_count"))
    kept = [
        material.measure("sensitive_to_synthetic", "kept_share_of_common", length)
        for length in range(1, material.searched + 1)
    ]
    cells = None if not source or target is None else 100 * (1 - target / source)
    return [cells, *(None if one is None else 100 * (1 - one) for one in kept)]


def differences(material: Material) -> Section | None:
    """What an earlier release and this one tell together."""
    found = material.chosen("difference")
    if not found:
        return None
    names = ("compared", "only_earlier", "only_this", "small_difference", "narrowed", "pinned", "contradicting")
    lengths = sorted({one.length for one in found if one.length is not None})
    heads = (
        Column("combinations", number=False),
        *(column(name.replace("_", " "), name, "difference") for name in names),
    )
    rows = tuple(
        (of_length(length), *(number(_about_two(found, name, length)) for name in names)) for length in lengths
    )
    pinned = sum(_about_two(found, "pinned", length) or 0 for length in lengths)
    narrowed = sum(_about_two(found, "narrowed", length) or 0 for length in lengths)
    texts = [
        f"Compared with the release {found[0].about}. Someone who holds both and believes that they are of the same "
        f"records knows {narrowed:,.0f} counts to less than the smaller k, {pinned:,.0f} of them exactly.",
        "Where records were added in between, counts that differ tell how many of the added ones hold a combination.",
    ]
    if pinned:
        texts.append("To tell less, publish both with the same k and the same columns, or withdraw the earlier one.")
    blocks: list[Block] = [Paragraphs(tuple(texts)), Table("Both releases", heads, rows)]
    if any(one.measure == "told_of_added" for one in found):
        blocks += _added(material, found, lengths)
    return Section("differences", "Together with an earlier release", tuple(blocks))


def _added(material: Material, found: list[Finding], lengths: list[int]) -> list[Block]:
    """What subtracting tells where records were only added, and how far columns moved."""
    names = ("told_of_added", "told_of_earlier")
    told = sum(_about_two(found, name, length) or 0 for name in names for length in lengths)
    text = (
        "This release adds records to the earlier one; none of those went. Subtracting its counts from these tells, of "
        f"{told:,.0f} combinations, that at least one and fewer than {material.k} of the added or of the earlier "
        "records hold it. Each count was compared with those of the combinations that lack one of its attributes, from "
        "the number of all records down; other ways to put counts together were not tried."
    )
    heads = (
        Column("combinations", number=False),
        *(column(name.replace("_", " "), name, "difference") for name in names),
    )
    rows = tuple(
        (of_length(length), *(number(_about_two(found, name, length)) for name in names)) for length in lengths
    )
    moved = sorted(material.chosen("drift", "tvd"), key=lambda one: -one.value)[:_LISTED]
    series = (Series("distance", tuple(one.value for one in moved)),)
    about = tuple(one.about or "" for one in moved)
    chart = Chart("bars", "How far columns moved", definition("tvd", "drift"), about, series, "distance", limits=(0, 1))
    return [Paragraphs((text,)), Table("Told by subtraction", heads, rows), chart]


def _about_two(found: list[Finding], name: str, length: int) -> float | None:
    return next((one.value for one in found if one.measure == name and one.length == length), None)


def sentences(material: Material) -> tuple[str, str]:
    """Privacy of the input and of the synthetic records, in a sentence each (specification 5)."""
    unique = material.finding("risk", "sensitive", "records_with_unique_percent")
    rare = material.finding("risk", "sensitive", "records_with_rare_percent")
    before = (
        f"Privacy of the input: {percent(rare)} of the records hold a combination of up to {material.searched} "
        "attributes "
        f"that fewer than {material.k} share"
    )
    if rare is not None and unique is not None:
        before += f": {percent(unique)} a unique one, {percent(max(0.0, rare - unique))} rare ones alone"
    leaked = [
        material.measure(name, measure)
        for name in ("sensitive_to_synthetic",)
        for measure in ("leaked", "emerged", "fabricated")
    ]
    after = f"Privacy of the release: {material.guarantee} {material.measured}"
    if not material.private and None not in leaked:
        after += (
            f" Of the combinations of the synthetic records, {number(leaked[0])} are rare in the input, "
            f"{number(leaked[1])} became frequent although they are rare there, and {number(leaked[2])} do not "
            "exist there."
        )
    return f"{before}.", after
