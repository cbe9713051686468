"""Which combinations are rare among the synthetic records, beside the sensitive ones."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from synth_spark.kernels.arrow_codec import unpack_ints
from synth_spark.kernels.cells import Ints, starts_of
from synth_spark.kernels.counting.count_differences import align
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.schema.domain import Domain

_ROWS = pa.schema(
    [("length", pa.int32()), ("combination", pa.string()), ("synthetic", pa.int64()), ("sensitive", pa.int64())]
)
_SCHEMA = "length int, combination string, synthetic bigint, sensitive bigint"


def rare_combinations(
    sensitive: DataFrame, synthetic: DataFrame, domain: Domain, resolved: ResolvedPlan, k: int
) -> DataFrame:
    """List the combinations that fewer than k synthetic records hold.

    SDS lists the records that hold them, too; here a combination is a row, and its records are those with its values.

    Args:
        sensitive: counts of the sensitive records, one row a bucket.
        synthetic: counts of the synthetic records, one row a bucket.
        domain: names of columns and values.
        resolved: the numbering of combinations.
        k: below which a combination is rare, and unit of rounding.

    Returns:
        One row a combination: ``length``, ``combination`` (its attributes, column by column), ``synthetic`` (its count
        there, 1 to k - 1), ``sensitive`` (its count there, rounded down to a multiple of k; 0 below k).
    """
    space = resolved.cells
    starts = starts_of(np.array(resolved.cards, np.int64))
    texts = pa.array([f"{column.name}: {value}" for column in domain.columns for value in column.values], pa.string())

    def compare(left: pa.Table, right: pa.Table) -> pa.Table:
        cells, exact, synthetic_counts = align(*_vector(left), *_vector(right))
        rare = (synthetic_counts > 0) & (synthetic_counts < k)
        cells, exact, synthetic_counts = cells[rare], exact[rare] // k * k, synthetic_counts[rare]
        cuts = np.searchsorted(cells, space.length_bounds())
        parts = []
        for length in range(1, space.max_length + 1):
            part = slice(cuts[length - 1], cuts[length])
            columns, codes = space.decode(cells[part], length)
            places = starts[columns] + codes - 1
            held = [texts.take(pa.array(places[:, position])) for position in range(length)]
            text = pc.binary_join_element_wise(*held, "; ") if length > 1 else held[0]
            lengths = pa.array(np.full(len(places), length, np.int32))
            parts.append(
                pa.table([lengths, text, pa.array(synthetic_counts[part]), pa.array(exact[part])], schema=_ROWS)
            )
        return pa.concat_tables(parts).combine_chunks()

    return sensitive.groupBy("bucket").cogroup(synthetic.groupBy("bucket")).applyInArrow(compare, _SCHEMA)


def _vector(bucket: pa.Table) -> tuple[Ints, Ints]:
    if bucket.num_rows == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return unpack_ints(bucket["cells"][0]), unpack_ints(bucket["counts"][0])
