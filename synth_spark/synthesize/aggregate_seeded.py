"""Records put together from released combinations; nothing else is seen here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from synth_spark.kernels.cells import Codes, Ints, starts_of
from synth_spark.kernels.keyed_random import derive, stream
from synth_spark.kernels.marginals.assembly import Assembly, assemble, combinations
from synth_spark.kernels.marginals.starting import shares
from synth_spark.plan import Synthesis
from synth_spark.schema.domain import Domain, build
from synth_spark.schema.fields import Field
from synth_spark.synthesize.constraints import AttributeRule
from synth_spark.synthesize.shards import SHARD, in_shards


@dataclass(frozen=True)
class ReleasedCombinations:
    """What records are put together from.

    Attributes:
        frame: the released combinations, as they are published.
        domain: of their values: `released_domain`.
        records: number of records, as it is published.
        longest: R.
    """

    frame: DataFrame
    domain: Domain
    records: int
    longest: int


def released_domain(singles: pa.Table, fields: Sequence[Field]) -> Domain:
    """The values that released combinations hold.

    Args:
        singles: the released combinations of length 1, as they are published.
        fields: what their columns are.
    """
    parts = []
    for index, field in enumerate(fields):
        cells = singles.column(index + 1).combine_chunks()
        held = cells.is_valid()
        values = _values_of(cells.filter(held), field)
        counts = singles["protected_count"].combine_chunks().filter(held)
        column = pa.array(np.full(len(values), index), pa.int32())
        parts.append(pa.table({"column": column, "value": values, "count": counts}))
    return build(fields, pa.concat_tables(parts), 0, 1)


def seeded_records(
    released: ReleasedCombinations, required: int, rules: Sequence[AttributeRule], config: Synthesis, seed: int
) -> DataFrame:
    """Make records.

    Args:
        released: what they are put together from.
        required: a record holds no combination up to this length that was not released.
        rules: that every record keeps.
        config: parameters of the synthesis.
        seed: of all random choices.

    Returns:
        One row a record: ``record`` (codes of the domain), ``copies`` (1).
    """
    domain = released.domain
    starts = starts_of(np.array(domain.cards, np.int64))
    singles, longer = _combinations(released.frame.toArrow(), domain, starts, released.longest)
    column = np.repeat(np.arange(len(domain.columns)), domain.cards)
    combined = combinations(column, singles, longer, released.records)
    counts = np.ceil(combined.counts * config.scale).astype(np.int64) if config.scale != 1 else combined.counts
    expected = config.records or max(
        [released.records, *(int(own.sum()) for own in np.split(counts[1 : 1 + starts[-1]], starts[1:-1]))]
    )
    parts = max(1, math.ceil(expected / SHARD))

    def shard(part: int) -> Codes:
        phases = np.random.default_rng(derive(seed, "phases")).random(counts.size)
        own = shares(counts.astype(float), part, parts, phases)
        number = int(shares(np.array([float(config.records or 0)]), part, parts, np.zeros(1))[0])
        if config.records is not None and number == 0:
            return np.zeros((0, len(domain.columns)), np.uint16)
        state = stream(seed, "assemble", part)
        how = Assembly(required, config.weight_percentile, config.synthetic_counts)
        synthetic = assemble(combined, own, state, how, number)
        return np.where(synthetic > 0, synthetic.astype(np.int64) - starts[:-1], 0).astype(np.uint16)

    return in_shards(released.frame.sparkSession, parts, shard, rules)


def _values_of(cells: pa.Array, field: Field) -> pa.Array:
    """The values of cells that hold one each."""
    return field.lists(cells).flatten() if field.many else cells


def _combinations(table: pa.Table, domain: Domain, starts: Ints, longest: int) -> tuple[Ints, list[tuple[Ints, Ints]]]:
    """Counts of the attributes, and for each longer length attributes and counts."""
    lengths = table["length"].to_numpy()
    cells = [table.column(index + 1).combine_chunks() for index in range(len(domain.fields))]
    codes, counts = domain.encode(cells), table["protected_count"].to_numpy()
    places, columns = np.nonzero(codes)
    attributes = starts[columns] + codes[places, columns] - 1
    cuts = np.searchsorted(places, np.arange(len(codes) + 1))
    singles, longer = np.zeros(starts[-1], np.int64), []
    for length in range(1, longest + 1):
        own = np.flatnonzero(lengths == length)
        rows = attributes[cuts[own][:, None] + np.arange(length)]
        if length == 1:
            singles[rows[:, 0]] = counts[own]
        elif len(own):
            longer.append((rows, counts[own]))
    return singles, longer
