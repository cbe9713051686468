"""Stage 8: the showcase. Published tables become one offline page in which a release is explored and understood.

Nothing but published tables is read, by the same code at publication and afterwards. Equal synthetic records stand in
the page once, with how many there are; columns are codes, and the page counts them in typed arrays.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synth_spark.errors import PlanError, PublishError
from synth_spark.exports.showcase.encoding import Coded, EncodedCounts, coded, counts, distinct, narrowed
from synth_spark.exports.showcase.page import page, unknown_texts
from synth_spark.exports.showcase.payload import packed
from synth_spark.exports.showcase.presentation import charts, column_view, presentation
from synth_spark.exports.showcase.source import ShowcaseTables
from synth_spark.exports.showcase.trust_report import release_row, trust_html
from synth_spark.plan import Showcase
from synth_spark.schema.fields import Field

__all__ = ["ShowcaseTables", "check_texts", "inline", "presentation", "published_values", "showcase"]

_FIGURES = ("protected_count", "low", "high")
#: A language as browsers know it (BCP 47): its code, and what follows.
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
#: Rows of aggregates that hold all single counts: these come first, and no table has as many values.
_MOST_VALUES = 200_000


def check_texts(config: Showcase) -> None:
    """Make sure that what a plan translates is there.

    Raises:
        PlanError: a text has no place on the page, or its language is none.
    """
    if not _LOCALE.fullmatch(config.texts.get("locale", "en")):
        raise PlanError("showcase.texts.locale", "names no language", "write it as en, de-CH or pt-BR")
    for name in unknown_texts(config.texts):
        raise PlanError(
            f"showcase.texts.{name}", "is not a text of the page", "see `synth_spark/exports/showcase/app/texts.json`"
        )


def published_values(source: ShowcaseTables) -> dict[str, list[str]]:
    """The values of every column that have a published count, most frequent first.

    Args:
        source: the published tables.
    """
    return _values_of(source.head("aggregates", _MOST_VALUES), source.fields({}))


def showcase(source: ShowcaseTables) -> str:
    """The showcase of a release, as one HTML file.

    Args:
        source: the published tables.

    Raises:
        PublishError: a table is missing, or was made before there were showcases.
    """
    row = release_row(source)
    if "presentation" not in row:
        raise PublishError("table release", "says nothing of a presentation", "make a release with this version")
    presented = json.loads(row["presentation"])
    fields = source.fields(json.loads(row["plan"])["input"].get("multi_values", {}))
    held = source.rows("synthetic_records")
    shown = source.head("synthetic_records", presented["records"])
    columns = [coded(shown[field.name], field) for field in fields]
    aggregates = source.head("aggregates", max(presented["combinations"], _MOST_VALUES))
    values = _values_of(aggregates, fields)
    views = [
        column_view(field.name, list({*values[field.name], *column.values}), presented["columns"].get(field.name, {}))
        for field, column in zip(fields, columns, strict=True)
    ]
    records = distinct([column.codes for column in columns])
    published = counts(
        aggregates.slice(0, presented["combinations"]),
        fields,
        [view["values"] for view in views],
        [name for name in _FIGURES if name in aggregates.schema.names],
    )
    for view, field, column in zip(views, fields, columns, strict=True):
        view["many"] = field.many
        view["delimiter"] = field.delimiter
        view["sets"] = _sets(view["values"], column)
    described = {
        "title": row["title"],
        "about": _about(row),
        "sentences": json.loads(row["sentences"]),
        "noun": presented["noun"],
        "description": presented["description"],
        "columns": views,
        "charts": charts(views, presented),
        "groups": presented["groups"],
        "pages": presented["pages"],
        "records": {"shown": shown.num_rows, "all": held, "described": row["protected_record_count"]},
        "combinations": {"shown": min(aggregates.num_rows, presented["combinations"]), "all": row["combination_count"]},
        "longest": row["reporting_length"],
        "lengths": sorted(published),
        "noisy": "low" in aggregates.schema.names,
    }
    arrays = {f"c{index}": codes for index, codes in enumerate(records.codes)}
    arrays["weights"] = narrowed(records.weights)
    for length, own in published.items():
        arrays.update(_count_arrays(length, own))
    return page(row["title"], packed(described, arrays), trust_html(source, len(fields)), presented["texts"])


def inline(html: str, height: int = 720) -> str:
    """A showcase as HTML for the output of a notebook's cell: in a frame of its own.

    Args:
        html: the showcase.
        height: of the frame, in pixels.
    """
    return (
        f'<iframe srcdoc="{escape(html)}" sandbox="allow-scripts allow-downloads" '
        f'style="width: 100%; height: {height}px; border: 0"></iframe>'
    )


def _values_of(aggregates: pa.Table, fields: Sequence[Field]) -> dict[str, list[str]]:
    singles = aggregates.filter(pc.equal(aggregates["length"], 1))
    values = {}
    for field in fields:
        cells = singles[field.name].drop_null()
        values[field.name] = (pc.list_flatten(cells) if pa.types.is_list(cells.type) else cells).to_pylist()
    return values


def _sets(values: Sequence[str], column: Coded) -> list[int] | list[list[int]]:
    """Of each code from 1, the place of its value in what is shown, or the places of its values."""
    place = {value: index for index, value in enumerate(values)}
    places = [place[value] for value in column.values]
    if all(len(members) == 1 for members in column.sets):
        return [places[members[0]] for members in column.sets]
    return [sorted(places[member] for member in members) for members in column.sets]


def _count_arrays(length: int, own: EncodedCounts) -> dict[str, np.ndarray]:
    """Counts of one length as arrays: a place of their combinations after the other, then the figures."""
    arrays = {f"a{length}_{place}": narrowed(own.attributes[:, place]) for place in range(length)}
    return arrays | {f"n{length}_{index}": narrowed(own.figures[:, index]) for index in range(own.figures.shape[1])}


def _about(row: Mapping[str, Any]) -> dict[str, Any]:
    """The privacy terms, as far as they are numbers."""
    names = ("privacy", "k", "epsilon", "delta", "guarantee")
    return {name: row[name] for name in names if row.get(name) is not None}
