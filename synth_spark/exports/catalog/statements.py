"""Statements of Spark SQL about the tables of a catalog. No Spark here.

Names are quoted. Comments are plain: a quote and a backslash are other signs in them, as sessions differ in what they
take for an escape.
"""

from collections.abc import Mapping, Sequence

from synth_spark.schema.plain_text import one_line
from synth_spark.schema.published_columns import RUN_ID, RUN_ID_MEANING
from synth_spark.schema.sql_text import quoted

#: What a session calls the catalog that it has of its own.
SESSION_CATALOG = "spark_catalog"
#: A column: its name, its type, what it means.
Column = tuple[str, str, str]
#: What names of properties begin with that are tags, in a catalog that knows no tags.
TAG = "tag."
#: The property that says which published root a table shows: the hash of the first commit there.
ROOT = "synth_spark.root"


def named(catalog: str, table: str) -> str:
    """A table by its whole name.

    >>> named("main.published", "aggregates")
    '`main`.`published`.`aggregates`'
    """
    return ".".join(map(quoted, [*catalog.split("."), table]))


def is_of_session(catalog: str) -> bool:
    """Whether a schema is one of the catalog that a session has of its own.

    >>> is_of_session("published"), is_of_session("spark_catalog.published"), is_of_session("main.published")
    (True, True, False)
    """
    return "." not in catalog or catalog.startswith(f"{SESSION_CATALOG}.")


def create_schema(catalog: str) -> str:
    """A schema that is there afterwards."""
    return f"CREATE SCHEMA IF NOT EXISTS {'.'.join(map(quoted, catalog.split('.')))}"


def create_table(
    name: str, columns: Sequence[Column], meaning: str, format_: str | None, properties: Mapping[str, str]
) -> str:
    """A table, divided by releases, that is there afterwards.

    Args:
        name: of the table, quoted.
        columns: of the published table.
        meaning: what a row is.
        format_: of its files; None: as its catalog makes tables.
        properties: name → value; one at least.
    """
    own = [column for column in columns if column[0] != RUN_ID]
    told = ", ".join(_column(*column) for column in [*own, (RUN_ID, "string", RUN_ID_MEANING)])
    using = "" if format_ is None else f" USING {format_}"
    made = f"CREATE TABLE IF NOT EXISTS {name} ({told}){using} PARTITIONED BY ({RUN_ID})"
    return f"{made} COMMENT {_text(meaning)} TBLPROPERTIES ({_pairs(properties)})"


def write_slice(name: str, run_id: str, columns: Sequence[Column], source: str) -> str:
    """The rows of a release, in place of those that were there under its name.

    Args:
        name: of the table, quoted.
        run_id: name of the release, which has been checked.
        columns: of the published table.
        source: name of a view of its rows.
    """
    own = ", ".join(quoted(column) for column, _, _ in columns if column != RUN_ID)
    return f"INSERT OVERWRITE TABLE {name} PARTITION ({RUN_ID} = '{run_id}') SELECT {own} FROM {quoted(source)}"  # noqa: S608


def create_view(view: str, table: str, run_id: str, columns: Sequence[Column], meaning: str) -> str:
    """A view of the rows of one release, in place of the one that was there."""
    told = ", ".join(f"{quoted(name)} COMMENT {_text(note)}" for name, _, note in columns)
    names = ", ".join(quoted(name) for name, _, _ in columns)
    where = f"SELECT {names} FROM {table} WHERE {RUN_ID} = '{run_id}'"  # noqa: S608
    return f"CREATE OR REPLACE VIEW {view} ({told}) COMMENT {_text(meaning)} AS {where}"


def set_tags(name: str, kind: str, tags: Mapping[str, str]) -> str:
    """Tags of a table or view, as Unity Catalog takes them.

    Args:
        name: quoted.
        kind: ``TABLE`` or ``VIEW``.
        tags: name → value; one at least.
    """
    return f"ALTER {kind} {name} SET TAGS ({_pairs(tags)})"


def set_properties(name: str, kind: str, tags: Mapping[str, str]) -> str:
    """The same tags as properties, for a catalog that knows no tags; their names begin with ``tag.``.

    >>> set_properties("`published`.`t`", "TABLE", {"domain": "it's"})
    "ALTER TABLE `published`.`t` SET TBLPROPERTIES ('tag.domain' = 'it’s')"
    """
    return f"ALTER {kind} {name} SET TBLPROPERTIES ({_pairs({f'{TAG}{tag}': value for tag, value in tags.items()})})"


def grants(view: str, readers: Sequence[str]) -> list[str]:
    """Who may read a view, as Unity Catalog takes it.

    Args:
        view: its name, quoted.
        readers: names of users, groups or principals.
    """
    return [f"GRANT SELECT ON VIEW {view} TO {quoted(reader)}" for reader in readers]


def _column(name: str, kind: str, meaning: str) -> str:
    return f"{quoted(name)} {kind} COMMENT {_text(meaning)}"


def _pairs(named: Mapping[str, str]) -> str:
    return ", ".join(f"{_text(name)} = {_text(value)}" for name, value in named.items())


def _text(text: str) -> str:
    plain = one_line(text).replace("'", "’").replace("\\", "/")
    return f"'{plain}'"
