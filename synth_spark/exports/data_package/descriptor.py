"""The package as machines read it: datapackage.json, a descriptor of Frictionless Data (version 1 of the standard)."""

import json
from collections.abc import Sequence
from typing import Any

from synth_spark.exports.data_package.archive import Entry
from synth_spark.exports.data_package.citation import contributors, licence_name
from synth_spark.exports.data_package.codebook import Codebook
from synth_spark.exports.data_package.data import Written
from synth_spark.exports.data_package.release_metadata import About
from synth_spark.exports.spreadsheets import inert_text

_INERT = (
    "Texts and headers that begin with =, +, -, @, a tab or a line break have an apostrophe before them, so that no "
    "spreadsheet runs them; README.md says how to take it away."
)
_DIALECT = {
    "delimiter": ",",
    "lineTerminator": "\r\n",
    "quoteChar": '"',
    "doubleQuote": True,
    "skipInitialSpace": False,
    "header": True,
    "caseSensitiveHeader": True,
}


def descriptor(about: About, book: Codebook, written: Sequence[Written], entries: Sequence[Entry]) -> str:
    """The descriptor of a package (JSON): its files with columns, bytes and hashes, licence and contributors.

    Args:
        about: what the release tells of itself.
        book: the codebook.
        written: the tables in the package.
        entries: its files so far.
    """
    terms, by_path = about.terms, {entry.path: entry for entry in entries}
    resources = []
    for one in written:
        for form in ("csv", "parquet"):
            resources.append(_resource(book, one, form, by_path.pop(f"data/{one.name}.{form}")))
    resources += [_document(entry) for entry in by_path.values()]
    content: dict[str, Any] = {
        "profile": "data-package",
        "name": about.name,
        "id": f"https://doi.org/{terms.doi}" if terms.doi else None,
        "title": about.title,
        "description": about.description or None,
        "version": about.version,
        "created": about.published.isoformat(),
        "homepage": terms.url,
        "keywords": list(terms.keywords) or None,
        "licenses": _licences(about),
        "contributors": contributors(about) or None,
        "temporal": terms.temporal,
        "spatial": list(terms.spatial) or None,
        "synth_spark": {"run_id": about.run_id, "privacy": about.row["privacy"], "guarantee": about.row["guarantee"]},
        "resources": resources,
    }
    given = {key: value for key, value in content.items() if value is not None}
    return json.dumps(given, indent=1, ensure_ascii=False) + "\n"


def _licences(about: About) -> list[dict[str, str]] | None:
    """The licence; the standard asks for a name of the Open Definition's kind, or a path."""
    if not (about.terms.licence or about.terms.licence_url or about.terms.licence_text):
        return None
    licence = {"name": about.licence.id if about.licence else None, "path": about.licence_url or "LICENCE.txt"}
    licence["title"] = about.licence.title if about.licence else licence_name(about)
    return [{key: value for key, value in licence.items() if value is not None}]


def _resource(book: Codebook, one: Written, form: str, entry: Entry) -> dict[str, Any]:
    columns = [
        {
            key: value
            for key, value in {
                "name": inert_text(column.column) if form == "csv" else column.column,
                "type": column.type,
                "title": column.title,
                "description": "; ".join(filter(None, (column.meaning, column.form, column.generalisation))),
            }.items()
            if value or key in ("name", "type")
        }
        for column in book.columns
        if column.table == one.name
    ]
    media = "text/csv" if form == "csv" else "application/vnd.apache.parquet"
    resource: dict[str, Any] = {
        "name": one.name if form == "csv" else f"{one.name}-parquet",
        "path": entry.path,
        "profile": "tabular-data-resource" if form == "csv" else "data-resource",
        "title": one.grain,
        **({"description": _INERT} if form == "csv" else {}),
        "format": form,
        "mediatype": media,
        "bytes": entry.size,
        "hash": f"sha256:{entry.sha256}",
        "schema": {"fields": columns, "missingValues": [""]},
    }
    # the standard's tables are text: its library counts no bytes of Parquet, and reads missing integers as NaN
    return resource | ({"encoding": "utf-8", "dialect": _DIALECT} if form == "csv" else {"type": "file"})


def _document(entry: Entry) -> dict[str, Any]:
    stem, _, suffix = entry.path.rpartition(".")
    media = {"md": "text/markdown", "html": "text/html", "csv": "text/csv", "json": "application/json"}
    return {
        "name": f"{stem.lower()}-{suffix}",
        "path": entry.path,
        "profile": "data-resource",
        "format": suffix,
        "mediatype": media.get(suffix, "application/yaml" if suffix == "cff" else "text/plain"),
        "bytes": entry.size,
        "hash": f"sha256:{entry.sha256}",
    }
