"""SQL as text: names and texts quoted, and the types of each dialect. No Spark here.

Values go into statements as parameters. Where a statement takes none (names, comments) they are quoted here, and
nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from synth_spark.schema.arrow_types import ARROW_TYPES

if TYPE_CHECKING:
    from synth_spark.exports.warehouse.contract import TableContract

#: Dialects of SQL that the types below are written in.
DIALECTS = ("postgresql", "duckdb", "snowflake", "bigquery", "redshift")


@dataclass(frozen=True)
class Kind:
    """A type of the contract.

    Attributes:
        arrow: in a batch of rows.
        sql: in a table, by dialect.
    """

    arrow: pa.DataType
    sql: dict[str, str]


_TEXT = ("text", "VARCHAR", "VARCHAR", "STRING", "VARCHAR(65535)")
#: What each dialect calls a type; times are instants, in microseconds. ``list`` is a text that holds a JSON array.
_SQL = {
    "string": _TEXT,
    "list": _TEXT,
    "int": ("integer", "INTEGER", "INTEGER", "INT64", "INTEGER"),
    "bigint": ("bigint", "BIGINT", "BIGINT", "INT64", "BIGINT"),
    "double": ("double precision", "DOUBLE", "DOUBLE", "FLOAT64", "DOUBLE PRECISION"),
    "boolean": ("boolean", "BOOLEAN", "BOOLEAN", "BOOL", "BOOLEAN"),
    "date": ("date", "DATE", "DATE", "DATE", "DATE"),
    "timestamp": (
        "timestamp with time zone",
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMP_TZ(6)",
        "TIMESTAMP",
        "TIMESTAMPTZ",
    ),
}
#: All types that a column may have.
KINDS = {
    name: Kind(ARROW_TYPES["string" if name == "list" else name], dict(zip(DIALECTS, sql, strict=True)))
    for name, sql in _SQL.items()
}


def identifier(*parts: str) -> str:
    """A name, or a path of names, quoted.

    Raises:
        ValueError: a part is empty or holds a NUL, which no database takes.

    >>> identifier("main", 'a"b')
    '"main"."a""b"'
    """
    if not all(parts) or any("\0" in part for part in parts):
        raise ValueError("a name is empty or holds a NUL")
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    r"""A text, quoted as standard SQL has it: a backslash is a backslash.

    A NUL, which no database takes, is written U+2400.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("\0", "\u2400").replace("'", "''") + "'"


def create_table(schema: str, name: str, table: "TableContract", dialect: str) -> str:
    """The statement that makes an empty table as the contract has it."""
    columns = [f"{identifier(column.name)} {KINDS[column.kind].sql[dialect]}" for column in table.columns]
    return f"CREATE TABLE {identifier(schema, name)} ({', '.join(columns)})"


def create_view(schema: str, view: str, name: str, columns: Sequence[str]) -> str:
    """The statement that makes a view of a table, or turns one that is there to it."""
    chosen = ", ".join(map(identifier, columns))
    return f"CREATE OR REPLACE VIEW {identifier(schema, view)} AS SELECT {chosen} FROM {identifier(schema, name)}"  # noqa: S608


def comments(schema: str, name: str, table: "TableContract", what: str = "TABLE") -> list[str]:
    """The statements that say of a table, or a view, and of its columns what they are."""
    whole = f"COMMENT ON {what} {identifier(schema, name)} IS {literal(table.comment)}"
    each = [
        f"COMMENT ON COLUMN {identifier(schema, name, column.name)} IS {literal(column.comment)}"
        for column in table.columns
    ]
    return [whole, *each]
