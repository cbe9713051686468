"""Which values there are, under differential privacy: noisy counts of attributes, and those that noise lets exist.

A value whose existence is private is released only if its noisy count passes a threshold that a value of one subject
alone passes with the probability that δ allows for. Columns' names, and values declared public, are taken as known.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synth_spark.errors import InputError
from synth_spark.plan import DifferentialPrivacy
from synth_spark.privacy import Delta, Rho, value_sigmas, value_threshold
from synth_spark.privacy.mechanisms import Noise
from synth_spark.schema.fields import Field

SCHEMA = pa.schema([("column", pa.int32()), ("value", pa.string()), ("count", pa.int64()), ("sigma", pa.float64())])


def candidates(marginals: pa.Table, fields: Sequence[Field], records: int, terms: DifferentialPrivacy) -> pa.Table:
    """The attributes that are counted: all that occur, or that are declared; in an order that tells nothing.

    Args:
        marginals: one row an attribute: ``column``, ``value``, ``count``, exact.
        fields: of the records.
        records: number of records.
        terms: what is declared.

    Returns:
        ``column``, ``value`` (null: absent, counted where that may be published), ``count``, ``private``.

    Raises:
        InputError: a column is declared that is not there.
    """
    declared = terms.declared
    for name in declared:
        if name not in [field.name for field in fields]:
            raise InputError("privacy.public_domain", f"names no column '{name}'", "see input.columns")
    parts = []
    for index, field in enumerate(fields):
        own = marginals.filter(pc.equal(marginals["column"], index)).sort_by("value").select(["value", "count"])
        private = not terms.conditional and field.name not in declared
        if field.name in declared:
            listed = pa.array(sorted(set(declared[field.name])), pa.string())
            at = pc.index_in(listed, value_set=own["value"].combine_chunks())
            counts = pc.fill_null(own["count"].combine_chunks().take(at), 0)
            own = pa.table({"value": listed, "count": counts})
        absent = records - (pc.sum(own["count"]).as_py() or 0)
        shown = field.name in declared if declared else absent > 0  # taken from the data, as its values are
        if not private and not field.many and shown and field.name not in terms.never_absent:
            row = pa.table({"value": pa.array([None], pa.string()), "count": pa.array([absent], pa.int64())})
            own = pa.concat_tables([own.cast(row.schema), row])
        column = pa.array(np.full(own.num_rows, index), pa.int32())
        flag = pa.array([private] * own.num_rows, pa.bool_())
        parts.append(pa.table({"column": column, "value": own["value"], "count": own["count"], "private": flag}))
    return pa.concat_tables(parts)


def noisy(
    counted: pa.Table, fields: Sequence[Field], held: Sequence[int], rho: Rho, delta: Delta, noise: Noise
) -> pa.Table:
    """Draw the noise of single counts, and drop the private values that it does not let exist.

    Args:
        counted: see `candidates`.
        fields: of the records.
        held: the most values of each field that a subject has.
        rho: what the counts may cost.
        delta: what the existence of private values may cost.
        noise: where it comes from.

    Returns:
        One row a value: ``column``, ``value``, ``count`` (noisy), ``sigma``; in the order of column and value.
    """
    columns, private = counted["column"].to_numpy(), counted["private"].to_numpy(zero_copy_only=False)
    sigmas = value_sigmas(rho, table_sizes(counted, len(fields)), list(held))
    counts = counted["count"].to_numpy().astype(np.int64)
    most = np.full(len(counts), np.iinfo(np.int64).min)
    for index, sigma in enumerate(sigmas):
        own = columns == index
        counts[own] += noise.gaussian(int(own.sum()), sigma)
        if (private & own).any():
            most[private & own] = value_threshold(sigma, delta, sum(held))
    kept = counts > most
    scale = np.array([float(sigma) for sigma in sigmas])[columns]
    arrays = [counted["column"], counted["value"], pa.array(counts), pa.array(scale)]
    return pa.table(arrays, schema=SCHEMA).filter(pa.array(kept))


def table_sizes(counted: pa.Table, fields: int) -> list[int]:
    """Cells of every field's table; 1 each where one of them is private, as their numbers are then, too."""
    if pc.any(counted["private"]).as_py():
        return [1] * fields
    return [int(size) for size in np.bincount(counted["column"].to_numpy(), minlength=fields)]
