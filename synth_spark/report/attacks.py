"""Sections on what was attacked and trained: the rehearsal of a release, with a control."""

from synth_spark.report.blocks import (
    Block,
    Chart,
    DataTable,
    Figures,
    KeyFigure,
    Paragraphs,
    Section,
    Series,
    TableColumn,
)
from synth_spark.report.material import ReportData, column, number, percent
from synth_spark.schema.metric_definitions import definition
from synth_spark.schema.metrics import Metric

_MODEL_NAMES = {"pmse": "pMSE", "pmse_ratio": "pMSE ratio", "auc": "AUC"}
#: Fewest attacks that a rate is reported of.
_LEAST_ATTACKS = 20


def attacks(material: ReportData) -> Section:
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
    heads = (TableColumn("attack", number=False), *(column(name, name, "attack") for name in shown))
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
    blocks: list[Block] = [
        Paragraphs((intro, *_in_vain(material))),
        chart,
        DataTable("Attacks in numbers", heads, rows),
    ]
    smoke = material.chosen("attack", comparison="nearest record")
    if smoke:
        blocks.append(Paragraphs((_nearest({one.measure: one.value for one in smoke}),)))
    return Section("attacks", heading, tuple(blocks))


def _in_vain(material: ReportData) -> list[str]:
    """What is said of attacks that could not be tried often enough for a rate."""
    return [
        f"“{_attack(one)}” has no rate: {one.value:,.0f} of the descriptions that were looked at fit one synthetic "
        f"record alone, and {_LEAST_ATTACKS} are needed."
        for one in material.chosen("attack", "attacks")
        if one.value < _LEAST_ATTACKS
    ]


def _nearest(values: dict[str, float]) -> str:
    """The smoke test in sentences, with the reason why it is no more than that."""
    used, held_out = (
        f"{number(values.get(f'mean_distance_{side}'), 2)} columns on average and is the same as "
        f"{percent(100 * values.get(f'identical_share_{side}', 0))} of them"
        for side in ("used", "held_out")
    )
    return (
        "A smoke test, and no more than that: the nearest synthetic record differs from records that were used in "
        f"{used}; "
        f"from records that were held out in {held_out}. Where the first are much nearer than the second, records are "
        "copied. Where they are not, that shows nothing: the distance to the nearest record sees whole records only, "
        "not "
        "what combinations of some of their columns give away, and data sets that pass this test have been attacked "
        "with "
        "success (Yao et al. 2025). Decide by the attacks above."
    )


def _attack(one: Metric) -> str:
    return one.comparison if one.about is None else f"{one.comparison}: {one.about}"


def _cell(one: Metric | None, name: str) -> str:
    if one is None:
        return "–"
    if name == "attacks":
        return number(one.value)
    if one.low is None or one.high is None:
        return percent(100 * one.value)
    if name == "risk":
        return f"{100 * one.value:.1f} ({100 * one.low:.1f} – {100 * one.high:.1f})\u00a0%"
    return f"{100 * one.value:.1f} ± {100 * max(one.high - one.value, one.value - one.low):.1f}\u00a0%"


def models(material: ReportData) -> Section | None:
    """Whether synthetic records can be distinguished from real ones, and whether models learn the same from them."""
    metrics = material.chosen("model")
    if not metrics:
        return None
    general = [one for one in metrics if one.about is None]
    figures = Figures(
        tuple(
            KeyFigure(_MODEL_NAMES[one.measure], _short(one.value), definition(one.measure, "model")) for one in general
        )
    )
    targets = dict.fromkeys(one.about for one in metrics if one.about is not None)
    names = {"trained on synthetic": "synthetic_accuracy", "trained on real": "real_accuracy", "majority": "majority"}
    values = {(one.about, one.measure): one.value for one in metrics}
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
    sentences = (
        "A regression that is to tell synthetic records from real ones, by their values alone, shows how alike they "
        "are "
        "(AUC: 0.5 is guessing, 1 is always right). Models that are trained on synthetic records, and tested on real "
        "ones "
        "that neither saw, show what the records are worth in use."
    )
    return Section("models", "Synthetic records in models", (Paragraphs((sentences,)), figures, chart))


def _short(value: float) -> str:
    """A figure with as many digits as mean something."""
    return number(value, 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 4)
