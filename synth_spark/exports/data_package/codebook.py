"""The codebook of a package: every column of every file, and every value of the data with its counts.

The counts are those of the files: protected ones from the combinations of length 1 in ``aggregates``, synthetic ones
from ``synthetic_records``. Everything in it is in a published table.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from synth_spark.exports.data_package.data import MOST_VALUES, Written
from synth_spark.exports.data_package.release_metadata import About
from synth_spark.exports.showcase.presentation import column_view
from synth_spark.schema.fields import Field
from synth_spark.schema.plain_text import plain
from synth_spark.schema.published_columns import COLUMNS

_KINDS = {"ordered": "values in order", "country": "codes of countries (ISO 3166-1)"}
#: Most values of a column that the readable codebook lists; all of them are in codebook_values.csv.
_MOST_LISTED = 100
_PERIODS = {"half": "half-years", "day": "days", "week": "weeks (ISO 8601)"}


@dataclass(frozen=True)
class ColumnEntry:
    """A column of a file.

    Attributes:
        table: the file is ``data/<table>``, as CSV and as Parquet.
        column: its header.
        title: its name in words.
        type: string, integer, number, boolean, date, datetime, or array (of texts; in CSV a JSON array).
        meaning: what it says.
        form: what a cell holds, where it holds several values or its values have an order.
        generalisation: how finer values became these, as far as the published plan tells.
        values: number of distinct values in the file; None if there are more than `MOST_VALUES`.
        missing: number of rows without a value.
    """

    table: str
    column: str
    title: str
    type: str
    meaning: str
    form: str
    generalisation: str
    values: int | None
    missing: int


@dataclass(frozen=True)
class ValueEntry:
    """A value of a column of the data.

    Attributes:
        column: header of the column.
        value: the value.
        label: what it is shown as, where the plan says so; else empty.
        figures: its published count and, where it carries noise, standard error and interval; empty if none is
            published.
        synthetic: number of synthetic records that hold it.
    """

    column: str
    value: str
    label: str
    figures: Mapping[str, int | float]
    synthetic: int


@dataclass(frozen=True)
class Codebook:
    """All columns of the files, in their order, and all values of the data, column by column."""

    columns: tuple[ColumnEntry, ...]
    values: tuple[ValueEntry, ...]


def codebook(about: About, written: Sequence[Written], fields: Mapping[str, Field]) -> Codebook:
    """The codebook of a release.

    Args:
        about: what the release tells of itself.
        written: its tables, as they are in the package; records and aggregates are among them.
        fields: the columns of the data.
    """
    by_name = {one.name: one for one in written}
    held = by_name["synthetic_records"].contents
    synthetic = {name: content.counts or Counter[str]() for name, content in held.items()}
    views: dict[str, dict[str, Any]] = {}
    values: list[ValueEntry] = []
    for name in fields:
        singles = by_name["aggregates"].singles[name]
        views[name] = view = column_view(name, list({*singles, *synthetic[name]}), _column_view_of(about, name))
        values += [
            ValueEntry(name, value, label or "", singles.get(value, {}), synthetic[name].get(value, 0))
            for value, label in zip(view["values"], view["labels"], strict=True)
        ]
    indicators = {f"{one.column}_{one.value}": one for one in values if fields[one.column].many}
    columns = [_entry(about, one, column, fields, views, indicators) for one in written for column in one.schema]
    return Codebook(tuple(columns), tuple(values))


def generalisation(plan: Mapping[str, Any], presentation: Mapping[str, Any], column: str) -> str:
    """How values of a column became coarser before anything was counted; empty where the published plan tells nothing.

    Args:
        plan: the published plan.
        presentation: the presentation; its ``grouped`` are columns whose codes became groups.
        column: header of the column.

    >>> generalisation({"input": {"numbers": {"age": {"width": "10", "bottom": "18", "origin": "0"}}}}, {}, "age")
    'numbers became intervals of width 10; below 18 is one'
    """
    reading, parts = plan.get("input", {}), []
    bins, dates = (reading.get(key, {}).get(column) for key in ("numbers", "dates"))
    if bins:
        parts.append(_binned(bins))
    if dates:
        period = dates["to"]
        parts.append(f"dates became {_PERIODS.get(period, f'{period}s')}")
    if column in presentation.get("grouped", ()):
        parts.append("codes became groups")
    take = ((reading.get("subject") or {}).get("take") or {}).get(column)
    if take:
        parts.append(f"of several rows of a subject the {take.replace('_', ' ')} value was taken")
    return "; ".join(parts)


def _binned(bins: Mapping[str, Any]) -> str:
    if bins.get("edges"):
        return (
            f"numbers became intervals that begin at {', '.join(map(str, bins['edges']))}; below and above are two more"
        )
    if bins.get("quantiles"):
        return f"numbers became {bins['quantiles']} intervals of about as many records each"
    if not bins.get("width"):
        return "numbers became intervals, whose ends the values name"
    parts = [f"numbers became intervals of width {bins['width']}"]
    if float(bins.get("origin") or 0):
        parts[0] += f", one of which begins at {bins['origin']}"
    parts += [f"below {bins['bottom']} is one"] if bins.get("bottom") is not None else []
    parts += [f"{bins['top']} and above is one"] if bins.get("top") is not None else []
    return "; ".join(parts)


def _column_view_of(about: About, column: str) -> Mapping[str, Any]:
    view: Mapping[str, Any] = about.presentation["columns"].get(column, {})
    return view


def _entry(
    about: About,
    one: Written,
    column: pa.Field,
    fields: Mapping[str, Field],
    views: Mapping[str, Mapping[str, Any]],
    indicators: Mapping[str, ValueEntry],
) -> ColumnEntry:
    name, content = column.name, one.contents[column.name]
    own = COLUMNS.get(one.name, {}).get(name)
    title, meaning, form, coarser = name, own.meaning if own else "", "", ""
    if own is None:
        if name in fields:
            title, meaning, coarser = views[name]["title"], views[name]["description"], ""
            form = _form(fields[name], views[name]["kind"])
            coarser = generalisation(about.plan, about.presentation, name)
        elif name in indicators:
            held = indicators[name]
            title = f"{views[held.column]['title']}: {held.label or held.value}"
            meaning = f"1 where the record holds this value of {held.column}"
    values = None if content.counts is None else len(content.counts)
    return ColumnEntry(one.name, name, title, type_of(column.type), meaning, form, coarser, values, content.missing)


def _form(own: Field, kind: str) -> str:
    parts = [_KINDS[kind]] if kind in _KINDS else []
    if own.many:
        parts.append(
            "a list of values" if own.delimiter is None else f"several values, separated by {json.dumps(own.delimiter)}"
        )
    return "; ".join(parts)


def type_of(kind: pa.DataType) -> str:
    """A type as descriptors of data packages call it.

    >>> type_of(pa.int64()), type_of(pa.list_(pa.string()))
    ('integer', 'array')
    """
    if pa.types.is_list(kind):
        return "array"
    if pa.types.is_timestamp(kind):
        return "datetime"
    names = {pa.int32(): "integer", pa.int64(): "integer", pa.float64(): "number", pa.bool_(): "boolean"}
    return {**names, pa.date32(): "date"}.get(kind, "string")


def columns_table(book: Codebook) -> pa.RecordBatch:
    """The columns as rows: ``table``, ``column``, … as `ColumnEntry` names them."""
    names = list(ColumnEntry.__annotations__)
    kinds = {"values": pa.int64(), "missing": pa.int64()}
    arrays = [pa.array([getattr(one, name) for one in book.columns], kinds.get(name, pa.string())) for name in names]
    arrays = [_blank(array) for array in arrays]
    return pa.RecordBatch.from_arrays(arrays, names)


def values_table(book: Codebook, figures: Sequence[str]) -> pa.RecordBatch:
    """The values as rows: ``column``, ``value``, ``label``, the figures of the published count, ``synthetic_count``."""
    texts = [[getattr(one, name) for one in book.values] for name in ("column", "value", "label")]
    arrays = [_blank(pa.array(column, pa.string())) for column in texts]
    for name in figures:
        kind = pa.float64() if name == "standard_error" else pa.int64()
        arrays.append(pa.array([one.figures.get(name) for one in book.values], kind))
    arrays.append(pa.array([one.synthetic for one in book.values], pa.int64()))
    return pa.RecordBatch.from_arrays(arrays, ["column", "value", "label", *figures, "synthetic_count"])


def _blank(array: pa.Array) -> pa.Array:
    """Empty texts as nulls."""
    if not pa.types.is_string(array.type):
        return array
    return pa.array([text or None for text in array.to_pylist()], pa.string())


def codebook_text(about: About, book: Codebook, written: Sequence[Written], figures: Sequence[str]) -> str:
    """The codebook to be read (Markdown).

    Args:
        about: what the release tells of itself.
        book: the codebook.
        written: the tables in the package.
        figures: of published counts.
    """
    lines = [f"# Codebook: {plain(about.title)}", ""]
    for one in written:
        lines += [f"## data/{one.name}", "", f"{one.grain[:1].upper()}{one.grain[1:]}; {one.rows:,} rows.", ""]
        lines += ["| column | title | type | meaning | form | how it was made coarser | values | missing |"]
        lines += ["|---|---|---|---|---|---|---:|---:|"]
        for entry in (entry for entry in book.columns if entry.table == one.name):
            count = f"more than {MOST_VALUES:,}" if entry.values is None else f"{entry.values:,}"
            texts = (entry.column, entry.title, entry.type, entry.meaning, entry.form, entry.generalisation)
            lines.append(f"| {' | '.join([*map(plain, texts), count, f'{entry.missing:,}'])} |")
        lines.append("")
    lines += ["# Values", "", *_counts_explained(about), ""]
    by_column: dict[str, list[ValueEntry]] = {}
    for value in book.values:
        by_column.setdefault(value.column, []).append(value)
    for column, own in by_column.items():
        lines += [f"## {plain(column)}", "", f"| value | label | {' | '.join(figures)} | synthetic_count |"]
        lines += [f"|---|---|{'---:|' * (len(figures) + 1)}"]
        for value in own[:_MOST_LISTED]:
            cells = [_figure(value.figures.get(name)) for name in figures]
            lines.append(f"| {' | '.join([plain(value.value), plain(value.label), *cells, f'{value.synthetic:,}'])} |")
        if len(own) > _MOST_LISTED:
            lines.append(f"\n{len(own) - _MOST_LISTED:,} more are in codebook_values.csv.")
        lines.append("")
    return "\n".join(lines)


def _counts_explained(about: About) -> list[str]:
    if about.noisy:
        exact = "Protected counts carry noise: each has its standard error, and an interval that holds the exact count "
        exact += "in about 95 of 100 cases."
    else:
        k = about.row["k"]
        exact = (
            f"Protected counts are rounded down to a multiple of {k}, a few of them further; a value of fewer than {k} "
            "records is not told."
        )
    return [f"{exact} An empty one says that no count of the value was published."]


def _figure(value: int | float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
