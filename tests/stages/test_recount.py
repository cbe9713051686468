"""The recount against combinations written out; and every kind of published count that is not so is found."""

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from pyspark.sql import SparkSession

from synth_spark.validate import Share, common_attributes, recount
from synth_spark.validate.recount import FEW_TASKS

K, R = 3, 3
Row = tuple[Any, ...]
#: Records of a column with one value, one with a list, and one with values joined by a semicolon; as text that the
#: texts of combinations must escape.
RECORDS: list[Row] = [
    *7 * [("x", ["a", "b"], "d1;d2")],
    *5 * [("y:<lt>", ["b"], None)],
    *4 * [("x", None, "d2")],
    *3 * [(None, ["a"], "d1;d2;d3")],
    *2 * [("rare", ["b", "c"], "d2")],
    *1 * [("x", ["a", "rare"], "d3")],
    *2 * [(None, None, None)],
]
NAMES = ("kind;of", "signs", "means")
SCHEMA = "`kind;of` string, signs array<string>, means string"
FORM = f"length int, {SCHEMA}, selections string, protected_count bigint"


class Column(NamedTuple):
    """What the recount must know of a column."""

    name: str
    many: bool
    delimiter: str | None


COLUMNS = (Column("kind;of", False, None), Column("signs", True, None), Column("means", True, ";"))


def attributes(record: Row) -> list[tuple[int, str]]:
    kind, signs, means = record
    own = [(0, kind)] if kind else []
    return own + [(1, sign) for sign in signs or []] + [(2, value) for value in (means or "").split(";") if value]


def stated(held: tuple[tuple[int, str], ...], count: int) -> Row:
    """A row of aggregates."""
    signs, means = ([value for column, value in held if column == each] for each in (1, 2))
    kind = next((value for column, value in held if column == 0), None)
    written = {"y:<lt>": "y<colon><lt>lt>"}
    texts = sorted(f"{('kind<semicolon>of', *NAMES[1:])[c]}:{written.get(v, v)}" for c, v in held)
    return len(held), kind, signs or None, ";".join(means) or None, ";".join(texts), count


def published() -> list[Row]:
    """The aggregates of the records, by length and text."""
    counts: Counter[tuple[tuple[int, str], ...]] = Counter()
    for record in RECORDS:
        for length in range(1, R + 1):
            counts.update(itertools.combinations(attributes(record), length))
    return sorted(
        (stated(held, count // K * K) for held, count in counts.items() if count >= K), key=lambda row: (row[0], row[4])
    )


ROWS = published()


Find = Callable[..., dict[str, int]]


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Find:
    """What is found in some rows of aggregates, and of what was lowered, apart from zeros."""
    records = spark.createDataFrame(RECORDS, SCHEMA).repartition(3).localCheckpoint()
    common = common_attributes(records, COLUMNS, K)

    def find(rows: list[Row], lowered: list[Row] | None = None, tasks: int = FEW_TASKS, **share: int) -> dict[str, int]:
        less = None if lowered is None else spark.createDataFrame(lowered, FORM)
        row = recount(records, spark.createDataFrame(rows, FORM), common, R, Share(tasks, **share), less)
        return {str(name): int(number) for name, number in row.iloc[0].items() if number}

    return find


def test_sound_counts_are_found_sound(found: Find) -> None:
    assert len(ROWS) > 30
    assert {row[0] for row in ROWS} == {1, 2, 3}
    assert found(ROWS) == {"published": len(ROWS)}
    few = found(ROWS, tasks=FEW_TASKS + 2, items=4, visits=2)
    assert few == {"published": len(ROWS)}, "in however many tasks, and however few at once"


def test_values_that_k_records_hold_are_common(spark: SparkSession) -> None:
    common = common_attributes(spark.createDataFrame(RECORDS, SCHEMA), COLUMNS, K)
    assert common.values == [["x", "y:<lt>"], ["a", "b"], ["d1", "d2", "d3"]]
    assert common.groups == [2, 1, 1, 1, 1, 1]
    twice = spark.createDataFrame([(None, ["a", "a"], "d1;d1")] * 2, SCHEMA)
    assert common_attributes(twice, COLUMNS, K).values == [[], [], []], "a record holds a value once"


def at(text: str) -> int:
    return next(place for place, row in enumerate(ROWS) if row[4] == text)


PAIR, X = at("means:d2;signs:a"), at("kind<semicolon>of:x")


def changed(place: int, **to: Any) -> list[Row]:
    names = ("length", "kind", "signs", "means", "selections", "count")
    row = tuple(to.get(name, value) for name, value in zip(names, ROWS[place], strict=True))
    return [*ROWS[:place], row, *ROWS[place + 1 :]]


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        (lambda: changed(PAIR, count=ROWS[PAIR][5] + K), {"above": 1, "different": 1}),
        (lambda: changed(PAIR, count=ROWS[PAIR][5] - K), {"different": 1}),
        (lambda: changed(PAIR, count=None), {"above": 1, "different": 1, "missing": 1}),
        (lambda: [*ROWS[:PAIR], *ROWS[PAIR + 1 :]], {"missing": 1}),
        (lambda: [*ROWS, ROWS[PAIR]], {"above": 1, "different": 1}),
        (lambda: changed(X, length=2), {"length": 1}),
        (lambda: changed(X, length=None), {"length": 1}),
        (lambda: changed(PAIR, selections="signs:a;means:d2"), {"selections": 1}),
        (lambda: changed(PAIR, selections=None), {"selections": 1}),
        # values of another code, in a column and in the text of the row
        (lambda: changed(PAIR, signs=["b"], selections="means:d2;signs:b"), {"different": 1, "missing": 1, "above": 1}),
        (lambda: [*ROWS, stated(((0, "rare"), (2, "d2")), K)], {"above": 1, "different": 1}),
        (lambda: [*ROWS, stated(((0, "y:<lt>"), (2, "d2")), K)], {"above": 1, "different": 1}),
        (lambda: [*ROWS, stated(((0, "nobody's"),), K)], {"above": 1, "different": 1}),
        (lambda: [*ROWS, (0, None, None, None, "", K)], {"above": 1, "different": 1}),
        (lambda: [*ROWS, stated(((0, "x"), (1, "a"), (1, "b"), (2, "d1")), K)], {"above": 1, "different": 1}),
        (lambda: changed(PAIR, signs=["a", "a"], length=3), {"above": 1, "different": 1, "missing": 1}),
        (list, {"missing": len(ROWS)}),
    ],
)
def test_what_is_not_so_is_found(found: Find, rows: Callable[[], list[Row]], faults: dict[str, int]) -> None:
    wrong = found(rows())
    wrong.pop("published", None)
    assert wrong == faults


def test_what_was_lowered_or_withheld_is_taken_into_account(found: Find) -> None:
    less, none = changed(X, count=ROWS[X][5] - K), [*ROWS[:PAIR], *ROWS[PAIR + 1 :]]
    assert found(less, changed(X, count=K)[X : X + 1]) == {"published": len(ROWS)}
    assert found(none, [ROWS[PAIR]]) == {"published": len(none)}
    assert found(none, changed(PAIR, count=K)[PAIR : PAIR + 1]) == {"published": len(none), "different": 1}
    # what was said to be lowered, and was not; and what nobody holds
    assert found(ROWS, changed(X, count=K)[X : X + 1]) == {"published": len(ROWS), "different": 1}
    assert found(ROWS, [stated(((0, "nobody's"),), K)]) == {"published": len(ROWS), "different": 1}
