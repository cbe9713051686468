"""The log of a Delta table that is one table of one release, in a store: its first commit, and its only one.

In a store each table of a release has a folder of its own, whose files are there once and do not change. A log beside
them makes that folder a Delta table, for who reads Delta; all else goes on reading the files. The log is put there
before the release is published, and its hash is in the manifest.

Form of the log: PROTOCOL.md of delta-io/delta («Actions», «Column Mapping», «Per-file Statistics», «Schema
Serialization Format»). Where a name of a column needs it, columns are mapped by name, and the names in the files are
those of the columns: this is the form of a table whose mapping was switched on after its files were written.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from synth_spark import __version__
from synth_spark.errors import PublishError
from synth_spark.publish.copying import names_of
from synth_spark.schema.root_layout import DELTA_LOG
from synth_spark.schema.tables import Kept
from synth_spark.storage.hashing import sha256_of_text
from synth_spark.storage.places import Place, at_once
from synth_spark.storage.runs.copies import about

#: Characters that Delta refuses in the name of a column, unless columns are mapped.
_REFUSED = frozenset(" ,;{}()\n\t=")
#: Versions of the protocol that readers, and writers, must know: of a table as it is, and of one with mapped columns.
_PLAIN = {"minReaderVersion": 1, "minWriterVersion": 2}
_MAPPED = {"minReaderVersion": 2, "minWriterVersion": 5}
#: Types that every version of the protocol knows; others are features of a table.
_TYPES = re.compile(r"string|long|integer|short|byte|float|double|boolean|binary|date|timestamp|decimal\(\d+,\d+\)")
_MAPPING = "delta.columnMapping"


class DataFile(NamedTuple):
    """A Parquet file of a table.

    Attributes:
        name: in the table's folder.
        size: in bytes.
        rows: number of its rows.
    """

    name: str
    size: int
    rows: int


def needs_mapping(names: Iterable[str]) -> bool:
    """Whether a table with columns of these names can be written with Delta's column mapping only.

    >>> needs_mapping(["age", "a.b", "é/è"]), needs_mapping(["age", "year of birth"])
    (False, True)
    """
    return any(_REFUSED & set(name) for name in names)


def log_text(
    schema: Mapping[str, Any], files: Iterable[DataFile], at: int, identity: str, name: str, description: str
) -> str:
    """The only commit of a Delta table, a line of JSON an action.

    Args:
        schema: its columns, as Spark writes a schema in JSON.
        files: its files, in order.
        at: when it was made, in milliseconds since 1970 (UTC).
        identity: what no other table has in common with it; its id follows from that.
        name: of the table.
        description: what a row is.

    Returns:
        The text of ``_delta_log/00000000000000000000.json``.

    Raises:
        ValueError: a column is of a type that not every version of Delta knows; its name is not told.
    """
    mapped = needs_mapping(field["name"] for field in schema["fields"])
    ids = count(1)
    columns = _type(schema, ids if mapped else None)
    mapping = {f"{_MAPPING}.mode": "name", f"{_MAPPING}.maxColumnId": str(next(ids) - 1)}
    told = {
        "timestamp": at,
        "operation": "WRITE",
        "operationParameters": {"mode": "ErrorIfExists", "partitionBy": "[]"},
        "isBlindAppend": True,
        "engineInfo": f"synth-spark/{__version__}",
    }
    table = {
        "id": str(uuid5(NAMESPACE_URL, identity)),
        "name": name,
        "description": description,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": _json(columns),
        "partitionColumns": [],
        "createdTime": at,
        "configuration": mapping if mapped else {},
    }
    actions = [{"commitInfo": told}, {"protocol": _MAPPED if mapped else _PLAIN}, {"metaData": table}]
    actions += [
        {
            "add": {
                "path": quote(file.name),
                "partitionValues": {},
                "size": file.size,
                "modificationTime": at,
                "dataChange": True,
                "stats": _json({"numRecords": file.rows}),
            }
        }
        for file in files
    ]
    return "".join(f"{_json(action)}\n" for action in actions)


def put_log(kept: Kept, folder: Place, files: Mapping[str, Mapping[str, Any]], run_id: str, at: str) -> dict[str, Any]:
    """Put the log of a table beside its files, where none is yet, and compare it with what it should be.

    Args:
        kept: the table, as audited.
        folder: where its files are.
        files: they, name → ``bytes`` and more, as `copying.copied` gives them.
        run_id: the release.
        at: when it is published (ISO 8601, with its zone): no more of the time than that is told.

    Returns:
        SHA-256 and bytes of the log.

    Raises:
        PublishError: what is there then is another log.
        RunError: the folder, or a file of the run, cannot be read or written.
    """
    named = names_of(kept)
    rows = dict(zip(named, at_once(lambda name: kept.rows_of(named[name]), named), strict=True))
    text = log_text(
        kept.schema,
        [DataFile(name, file["bytes"], rows[name]) for name, file in sorted(files.items())],
        int(datetime.fromisoformat(at).timestamp() * 1000),
        identity=f"synth-spark:{run_id}/{kept.table.name}/{kept.content_hash}",
        name=kept.table.name,
        description=kept.table.grain,
    )
    folder.create(DELTA_LOG, text.encode())  # one that is there may be this one: its answer got lost
    found = about(folder, DELTA_LOG)
    if found["sha256"] != sha256_of_text(text):
        problem, remedy = "has another log of Delta in its folder", "publish again: synth-spark resume RUN"
        raise PublishError(f"table {kept.table.name}", problem, remedy)
    return found


def _type(kind: Any, ids: Iterator[int] | None) -> Any:
    """A type as a log has it; names of columns that are in it are mapped where there are ids for them."""
    if isinstance(kind, str):
        if not _TYPES.fullmatch(kind):
            raise ValueError(f"{kind} is no type that every version of Delta knows")
        return kind
    if kind["type"] == "struct":
        return {"type": "struct", "fields": [_field(one, ids) for one in kind["fields"]]}
    if kind["type"] == "array":
        return {"type": "array", "elementType": _type(kind["elementType"], ids), "containsNull": True}
    if kind["type"] == "map":
        parts = {name: _type(kind[name], ids) for name in ("keyType", "valueType")}
        return {"type": "map", **parts, "valueContainsNull": True}
    raise ValueError(f"{kind['type']} is no type that every version of Delta knows")


def _field(field: Mapping[str, Any], ids: Iterator[int] | None) -> dict[str, Any]:
    """A column as a log has it: whatever is read from files may be absent, and nothing else is told of it."""
    mapping = {} if ids is None else {f"{_MAPPING}.id": next(ids), f"{_MAPPING}.physicalName": field["name"]}
    return {"name": field["name"], "type": _type(field["type"], ids), "nullable": True, "metadata": mapping}


def _json(content: object) -> str:
    return json.dumps(content, separators=(",", ":"))
