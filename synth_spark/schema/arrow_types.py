"""Types of columns: what they are in Arrow, and what Spark calls them, in short and in the JSON of a schema."""

from typing import Any

import pyarrow as pa

ARROW_TYPES = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "array<string>": pa.list_(pa.string()),
}
#: In the JSON of a schema, as far as tables that the driver makes have such columns.
_IN_JSON = {
    pa.string(): "string",
    pa.bool_(): "boolean",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.float64(): "double",
    pa.binary(): "binary",
}


def spark_schema(schema: pa.Schema) -> dict[str, Any]:
    """The schema of an Arrow table, as Spark writes it in JSON.

    Args:
        schema: of a table that the driver makes.

    Raises:
        KeyError: a column is of a type that no such table has.
    """
    fields = [
        {"name": field.name, "type": _IN_JSON[field.type], "nullable": field.nullable, "metadata": {}}
        for field in schema
    ]
    return {"type": "struct", "fields": fields}
