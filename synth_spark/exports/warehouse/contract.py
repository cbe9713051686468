"""What the tables of a release look like in a warehouse, and which changes its readers bear. No Spark here.

A contract is a list of tables, each a list of columns with a name, a type and the header it had. The name is the
header, wherever a warehouse takes it (`names`). The types of columns that synth-spark itself names are fixed
(`published_columns`); a column of the data is text. In a table come first the release's name, then the columns that
synth-spark names, then those of the data, so that a column more is a column at the end.

``VERSION`` counts changes of the contract that are no additions. In version 1 columns had names in lower snake case
instead of their headers.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from synth_spark.errors import PublishError
from synth_spark.exports.warehouse.names import unique_names
from synth_spark.exports.warehouse.statements import KINDS
from synth_spark.schema.published_columns import COLUMNS, RUN_ID, RUN_ID_MEANING

VERSION = 2
#: Tables whose columns are values: one that nobody has any more is a column without a value, not one less.
_VALUES_AS_COLUMNS = ("synthetic_indicators",)
_TYPES = {kind: kind for kind in KINDS} | {"array<string>": "list"}


@dataclass(frozen=True)
class ColumnContract:
    """A column of a warehouse's table.

    Attributes:
        name: its name there.
        header: its name in the published table; empty for the name of the release.
        kind: a key of `statements.KINDS`.
        note: what is to be known of its values, beside the header.
    """

    name: str
    header: str
    kind: str
    note: str = ""

    @property
    def comment(self) -> str:
        """The header as it was, on a line of its own, and what else is to be known."""
        return "\n".join(part for part in (self.header, self.note) if part)


@dataclass(frozen=True)
class TableContract:
    """A table of a warehouse: its name, the published table's, its columns in order, and what a row is."""

    name: str
    header: str
    columns: tuple[ColumnContract, ...]
    comment: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Contract:
    """The tables of a release in a warehouse."""

    version: int
    tables: tuple[TableContract, ...]

    def table(self, header: str) -> TableContract | None:
        """The table that a published one becomes."""
        return next((table for table in self.tables if table.header == header), None)

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def load(cls, text: str) -> "Contract":
        """From JSON, as `dump` wrote it."""
        content = json.loads(text)
        tables = [
            TableContract(**{**table, "columns": tuple(ColumnContract(**column) for column in table["columns"])})
            for table in content["tables"]
        ]
        return cls(content["version"], tuple(tables))


def contract_of(manifest: dict[str, Any], notes: dict[str, str], earlier: Contract | None = None) -> Contract:
    """The contract of a release.

    Args:
        manifest: of the release.
        notes: header of a column of the data → what is to be known of its values.
        earlier: contract of the release that was loaded before; what it names keeps its name and place, if it is of the
            same version.

    Raises:
        PublishError: a column is of a type that no contract has, or of another one than the contract says.
    """
    earlier_names = {table.header: table.name for table in earlier.tables} if earlier else {}
    headers = list(manifest["tables"])
    tables = [
        _table(name, header, manifest["tables"][header], notes, earlier.table(header) if earlier else None)
        for name, header in zip(unique_names(headers, earlier_names), headers, strict=True)
    ]
    return Contract(VERSION, tuple(tables))


def _table(
    name: str, header: str, entry: dict[str, Any], notes: dict[str, str], earlier: TableContract | None
) -> TableContract:
    types = {column["name"]: column["type"] for column in entry["schema"]}
    kinds = {column: _kind(header, column, type_) for column, type_ in types.items()}
    before = {column.header: column for column in earlier.columns if column.header} if earlier else {}
    kept = list(before) if header in _VALUES_AS_COLUMNS else [column for column in before if column in kinds]
    fixed = COLUMNS.get(header, {})
    own = [column for column in fixed if column in kinds and column not in before]
    order = [*kept, *own, *(column for column in kinds if column not in before and column not in own)]
    names = unique_names(order, {column: before[column].name for column in before}, [RUN_ID])
    columns = [ColumnContract(RUN_ID, "", "string", RUN_ID_MEANING)]
    for column, called in zip(order, names, strict=True):
        kind = kinds.get(column) or before[column].kind
        remarks = [] if column in fixed else [notes.get(column, "")]
        remarks += ["a JSON array of texts"] if kind == "list" else []
        columns.append(ColumnContract(called, column, kind, "; ".join(filter(None, remarks))))
    return TableContract(name, header, tuple(columns), str(entry.get("grain", "")))


def _kind(table: str, column: str, type_: str) -> str:
    kind = _TYPES.get(type_)
    if kind is None:
        remedy = "only texts, numbers, dates, times, truth values and lists of texts can be loaded"
        raise PublishError(f"table {table}, column '{column}'", "has a type that no warehouse is promised", remedy)
    wanted = COLUMNS.get(table, {}).get(column)
    if wanted is not None and kind != wanted.type:
        remedy = "load it with the version of synth-spark that made it"
        raise PublishError(f"table {table}, column '{column}'", f"is {kind}, and by contract {wanted.type}", remedy)
    return kind


def evolves(old: Contract, new: Contract) -> list[str]:
    """What readers of the old tables would trip over in the new ones; nothing, if there were only additions.

    Tables may be added, and columns at the end of a table.

    Returns:
        One clause a change: a table or column that is gone, renamed, moved or of another type; or one of the version.
    """
    if new.version != old.version:
        return [f"columns are named by version {new.version} of the contract, and were by version {old.version}"]
    problems = []
    tables = {table.name: table for table in new.tables}
    for before in old.tables:
        after = tables.get(before.name)
        if after is None:
            problems.append(f"table {before.name} is gone")
        else:
            problems += _changes(before.name, before.columns, after.columns)
    return problems


def _changes(table: str, old: Sequence[ColumnContract], new: Sequence[ColumnContract]) -> list[str]:
    places = {column.name: place for place, column in enumerate(new)}
    problems = []
    for place, column in enumerate(old):
        new_place = places.get(column.name)
        if new_place is None:
            problems.append(f"column {table}.{column.name} is gone")
        elif new[new_place].header != column.header:
            problems.append(f"column {table}.{column.name} is of another header")
        elif new[new_place].kind != column.kind:
            problems.append(f"column {table}.{column.name} was {column.kind} and is {new[new_place].kind}")
        elif new_place != place:
            problems.append(f"column {table}.{column.name} is in another place")
    return problems
