"""The columns that synth-spark names: those that plans refuse as headers of the data, of types that warehouses have."""

from synth_spark.exports.warehouse.statements import KINDS
from synth_spark.plan.names import RESERVED, RESERVED_WITH_NOISE
from synth_spark.schema.published_columns import COLUMNS, NOISY_COLUMNS, aggregate_columns


def test_no_column_of_the_data_may_be_called_as_one_of_aggregates() -> None:
    assert {"run_id", *COLUMNS["aggregates"]} == {*RESERVED, *RESERVED_WITH_NOISE}
    assert NOISY_COLUMNS == RESERVED_WITH_NOISE


def test_aggregates_hold_what_is_declared_of_them() -> None:
    assert set(aggregate_columns(["a"], noisy=True)) - {"a"} == set(COLUMNS["aggregates"])
    assert aggregate_columns(["a", "b"], noisy=False) == ["length", "a", "b", "selections", "protected_count"]


def test_every_column_has_a_type_of_warehouses_and_a_meaning() -> None:
    for columns in COLUMNS.values():
        for column in columns.values():
            assert column.type in KINDS
            assert column.meaning
