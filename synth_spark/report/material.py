"""What a report is written from: figures, verdicts and the facts of a release, gathered beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synth_spark.report.blocks import DataTable, TableColumn
from synth_spark.schema.metric_definitions import definition
from synth_spark.schema.metrics import Metric
from synth_spark.schema.verdicts import Result

#: What lengths of combinations are called.
_LENGTHS = {1: "singles", 2: "pairs", 3: "triples"}


@dataclass(frozen=True)
class Marginal:
    """A value of a column, with its counts.

    Attributes:
        column: name of its field.
        value: the value.
        protected: its published count; None if it is not published.
        synthetic: records of the synthetic ones that hold it; None if none does.
    """

    column: str
    value: str
    protected: int | None
    synthetic: int | None


@dataclass(frozen=True)
class Told:
    """A combination of which an earlier release and this one together tell that few records hold it.

    Attributes:
        release: the earlier one's name.
        told: what is told; a measure of the topic difference.
        length: of the combination.
        selections: its text.
        earlier: its count as published then; None if it was not.
        this: its count as published now; None if it is not.
        least: fewest of the records that it is told of.
        most: most of them.
    """

    release: str
    told: str
    length: int
    selections: str
    earlier: int | None
    this: int | None
    least: int
    most: int


@dataclass(frozen=True)
class ReportData:
    """Everything that the sections of a report speak of.

    Attributes:
        title: of the release.
        run_id: its name.
        private: whether it is under differential privacy.
        guarantee: what holds, in plain words.
        measured: how that was made sure, in one sentence.
        k: privacy resolution; of a private release, below which a combination is called rare.
        longest: R, of what is published.
        searched: longest combination that was counted to look for rare ones.
        columns: number of columns.
        records: number of records as it may be published.
        synthetic_records: number of synthetic records.
        combinations: number of published combinations by length, from 1.
        settings: what was asked for: (key, value), both as text.
        measures: as far as the edition may tell.
        metrics: as far as the edition may tell.
        marginals: of published values.
        results: of the audit, as far as the edition may tell.
        withheld: rules whose outcome it may not tell.
        told: combinations that earlier releases and this one tell of, those of the fewest records first; only for
            those who sign.
        suppressed: for those who sign: what `aggregate.lowered_sums` adds up, and ``changed`` records, where they
            were separated; None where nothing is lowered, or it may not be told.
    """

    title: str
    run_id: str
    private: bool
    guarantee: str
    measured: str
    k: int
    longest: int
    searched: int
    columns: int
    records: int
    synthetic_records: int
    combinations: tuple[int, ...]
    settings: tuple[tuple[str, str], ...]
    measures: tuple[Metric, ...]
    metrics: tuple[Metric, ...]
    marginals: tuple[Marginal, ...]
    results: tuple[Result, ...]
    withheld: int = 0
    told: tuple[Told, ...] = ()
    suppressed: Mapping[str, int] | None = None

    def measure(self, comparison: str, name: str, length: int | None = None) -> float | None:
        """A measure over all bins; None if it is not there."""
        for one in self.measures:
            if (one.comparison, one.measure, one.length, one.count_bin) == (comparison, name, length, None):
                return one.value
        return None

    def by_bin(self, comparison: str, name: str) -> dict[int, float]:
        """A measure by bins of target counts, in order, where there are combinations."""
        sizes = self._bins(comparison, "population")
        return {count_bin: value for count_bin, value in self._bins(comparison, name).items() if sizes[count_bin]}

    def _bins(self, comparison: str, name: str) -> dict[int, float]:
        bins = [one for one in self.measures if (one.comparison, one.measure, one.length) == (comparison, name, None)]
        return {one.count_bin: one.value for one in sorted(bins, key=lambda one: one.count_bin or 0) if one.count_bin}

    def chosen(
        self, topic: str, measure: str | None = None, comparison: str | None = None, about: bool | None = None
    ) -> list[Metric]:
        """Metrics of a topic, with or without something that they are about."""
        return [
            one
            for one in self.metrics
            if one.topic == topic
            and measure in (None, one.measure)
            and comparison in (None, one.comparison)
            and about in (None, one.about is not None)
        ]

    def metric(self, topic: str, comparison: str, measure: str, length: int | None = None) -> float | None:
        """A metric about nothing in particular; None if it is not there."""
        return next((one.value for one in self.chosen(topic, measure, comparison, False) if one.length == length), None)


def of_length(length: int) -> str:
    """What combinations of a length are called."""
    return _LENGTHS.get(length, f"length {length}")


def number(value: float | None, digits: int = 0) -> str:
    """A number as text; a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def share(value: float | None, digits: int = 1) -> str:
    """A share (1 is all) in per cent."""
    return "–" if value is None else f"{100 * value:.{digits}f}\u00a0%"


def percent(value: float | None, digits: int = 1) -> str:
    """A figure that is in per cent already."""
    return "–" if value is None else f"{value:.{digits}f}\u00a0%"


def column(name: str, measure: str, topic: str | None = None) -> TableColumn:
    """A column of figures, with their definition."""
    return TableColumn(name, definition(measure, topic))


def worst_table(caption: str, what: str, metrics: Sequence[Metric], topic: str) -> DataTable:
    """The figures of a topic that are about something, as a table."""
    head = (TableColumn(what, number=False), column("distance", metrics[0].measure, topic))
    rows = tuple((one.about or "", number(one.value, 3)) for one in metrics)
    return DataTable(caption, head, rows)
