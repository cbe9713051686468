"""The tables of a release as sources of dbt: their names in a warehouse, their columns, and what can be tested.

dbt reads templates in texts. So no text that holds the beginning of one goes there: such a column is left out.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from synth_spark.exports.warehouse.contract import ColumnContract, TableContract, contract_of
from synth_spark.exports.warehouse.names import is_name
from synth_spark.schema.published_columns import COLUMNS
from synth_spark.schema.tables import AGGREGATES

_TEMPLATE = re.compile(r"\{[{%#]")
_HEAD = (
    "# The tables of this release as sources of dbt, as `synth-spark load` names them in a warehouse.\n"
    "# Set `schema` to where they were loaded.\n"
)
#: Column of the counts → tests of dbt that its contract allows.
_TESTS = {"selections": ["not_null", "unique"], "length": ["not_null"], "protected_count": ["not_null"]}


def dbt_sources(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """The file ``sources.yml`` of a release.

    Args:
        tables: name of a published table → its entry in the manifest: ``grain``, and ``schema`` with names and types.

    Returns:
        YAML, as dbt reads it.

    Raises:
        PublishError: a column is of a type that no warehouse is promised.
    """
    contract = contract_of({"tables": dict(tables)}, {})
    source = {
        "name": "synth_spark",
        "description": "A release of synth-spark: protected counts, and synthetic records, none of which is a person.",
        "schema": "public",
        "tables": [_table(one) for one in contract.tables],
    }
    return _HEAD + yaml.safe_dump({"version": 2, "sources": [source]}, sort_keys=False, allow_unicode=True)


def _table(table: TableContract) -> dict[str, Any]:
    columns = [one for one in table.columns if not _TEMPLATE.search(one.name + one.header)]
    return {
        "name": table.name,
        "identifier": f"latest_{table.name}",
        "description": table.comment,
        "columns": [_column(table, one) for one in columns],
    }


def _column(table: TableContract, column: ColumnContract) -> dict[str, Any]:
    told = COLUMNS.get(table.header, {}).get(column.header)
    said = {"description": told.meaning if told is not None else column.comment or column.name}
    quoted = {} if is_name(column.name) else {"quote": True}
    tests = _TESTS.get(column.header, []) if table.header == AGGREGATES.name and told is not None else []
    kind = {"data_type": "string" if column.kind == "list" else column.kind}
    return {"name": column.name, **quoted, **kind, **said, **({"data_tests": tests} if tests else {})}
