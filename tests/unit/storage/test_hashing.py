"""Content hashes of tables that the driver makes: those that Spark finds for the same rows."""

import pyarrow as pa
import pytest

from synth_spark.storage.hashing import arrow_sums

ROWS = pa.table(
    {
        "a": pa.array(["x", None, "ü" * 40, ""], pa.string()),
        "b": pa.array([True, False, None, True]),
        "c": pa.array([1, -5, None, 2**31 - 1], pa.int32()),
        "d": pa.array([1, -5, None, 2**63 - 1], pa.int64()),
        "e": pa.array([0.0, -0.0, float("nan"), None], pa.float64()),
        "f": pa.array([1.5, -2e300, float("inf"), 1 / 3], pa.float64()),
    }
)


def test_sums_are_those_of_spark() -> None:
    """The numbers were found by Spark 4.2.0, by `hash_sums`, of these rows."""
    assert arrow_sums(ROWS) == [-2600126836216541076, 243669894758497737]


def test_sums_are_blind_to_order_and_add_up() -> None:
    turned = ROWS.take([3, 1, 0, 2])
    assert arrow_sums(turned) == arrow_sums(ROWS)
    parts = [arrow_sums(ROWS.slice(0, 1)), arrow_sums(ROWS.slice(1))]
    assert [sum(pair) for pair in zip(*parts, strict=True)] == arrow_sums(ROWS)
    assert arrow_sums(ROWS.slice(0, 0)) == [0, 0]


@pytest.mark.parametrize("column", ["a", "b", "c", "d", "f"])
def test_every_cell_matters(column: str) -> None:
    index = ROWS.schema.get_field_index(column)
    changed = ROWS.set_column(index, column, ROWS[column].take([1, 1, 2, 3]))
    assert arrow_sums(changed) != arrow_sums(ROWS)


def test_a_type_without_a_known_hash_is_refused() -> None:
    with pytest.raises(TypeError, match="when"):
        arrow_sums(pa.table({"when": pa.array([0], pa.timestamp("us"))}))
