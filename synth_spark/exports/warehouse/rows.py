"""The rows of a published table as a warehouse takes them: a few at a time, in the columns and types of a contract."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from synth_spark.exports.warehouse.contract import TableContract
from synth_spark.exports.warehouse.statements import KINDS
from synth_spark.schema.fields import json_arrays


def schema_of(table: TableContract) -> pa.Schema:
    """Names and types of the rows that go into a table."""
    return pa.schema([(column.name, KINDS[column.kind].arrow) for column in table.columns])


def contracted(batches: Iterable[pa.RecordBatch], table: TableContract, run_id: str) -> pa.RecordBatchReader:
    """Rows in the columns and types of a contract, read as they are asked for.

    Args:
        batches: rows as published.
        table: the contract.
        run_id: name of the release; the first column.
    """
    schema = schema_of(table)

    def converted() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            arrays = [pa.repeat(pa.scalar(run_id), batch.num_rows)]
            for column in table.columns[1:]:
                place = batch.schema.get_field_index(column.header)
                arrays.append(_cell(batch.column(place) if place >= 0 else pa.nulls(batch.num_rows), column.kind))
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, converted())


def _cell(cells: pa.Array, kind: str) -> pa.Array:
    if pa.types.is_list(cells.type) or pa.types.is_large_list(cells.type):
        return json_arrays(cells)
    return cells.cast(KINDS[kind].arrow)
