"""Texts of combinations as sets: what a number means must not depend on the order in which a task gets its rows."""

import numpy as np
import pyarrow as pa

from synth_spark.validate.joint_bounds import Form, published_sets

_TEXTS = ["A:1", "B:x<colon>y", "M:1", "M:2", "A:1;B:x<colon>y", "A:1;M:2", "M:1;M:2"]


def test_sets_are_the_same_in_any_order_of_rows() -> None:
    table = pa.table({"selections": _TEXTS, "protected_count": [20, 10, 10, 10, 10, 10, 10]})
    one, texts = published_sets(table, Form(["M"], 10, 40, 2), ["C:3"])
    assert texts.to_pylist() == ["A:1", "B:x<colon>y", "C:3", "M:1", "M:2"]
    assert one.members.tolist() == [[0, -1], [1, -1], [3, -1], [4, -1], [0, 1], [0, 4], [3, 4]]
    assert (one.units.tolist(), one.records) == ([2, 1, 1, 1, 1, 1, 1], 4)
    assert len(set(one.column_of.tolist())) == 5  # each value of M is a column
    order = np.arange(len(_TEXTS))[::-1]
    other, same = published_sets(table.take(order), Form(["M"], 10, 40, 2), ["C:3"])
    assert same.equals(texts)
    assert np.array_equal(other.members, one.members[order])
