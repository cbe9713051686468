"""The walk over the quotes of a CSV file against the reader of heads, which goes by patterns."""

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth_spark.errors import InputError
from synth_spark.plan.sources.delimited.fields import UnsureError, cut, rows
from synth_spark.plan.sources.delimited.records import examine, records
from synth_spark.plan.sources.layout import CsvFile, Dialect

_SIGNS = [*(2 * ['"', "\\", "\n"]), ",", "\r", " ", "a", "é", "\t", "\x01"]
_DIALECTS = [
    Dialect("utf-8", delimiter, '"', escape, multiline)
    for delimiter, escape, multiline in itertools.product([",", " ", "é"], ['"', "\\"], [True, False])
]


def walked(file: CsvFile, dialect: Dialect, chunk: int) -> list[list[str]] | None:
    """The rows that the walk finds; None if it refuses the file."""
    try:
        examine(file, dialect)
        found = [record for batch in records(file, dialect, 0, chunk) for record in batch.to_pylist()]
    except InputError:
        with pytest.raises(InputError):  # whatever the size of its pieces
            list(records(file, dialect))
        return None
    return [cut(record, dialect) for record in found]


def looked_at(text: str, dialect: Dialect, size: int) -> list[list[str]] | None:
    """The rows that the reader of heads finds; None if it is not sure."""
    pieces = (text[at : at + size] for at in range(0, len(text), size))
    try:
        return list(rows(pieces, dialect))
    except UnsureError:
        return None


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(_SIGNS), max_size=14).map("".join), st.sampled_from(_DIALECTS), st.integers(1, 5))
def test_records_end_and_are_cut_where_patterns_say(tmp_path: Path, text: str, dialect: Dialect, size: int) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(text.encode())
    assert walked(CsvFile(str(path), None, (), 0), dialect, size) == looked_at(text, dialect, size)


def test_a_line_of_excel_is_no_record_and_is_counted_as_a_line(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    file, dialect = CsvFile(str(path), None, ("a", "b", "c"), 1, separated=True), Dialect("utf-8", ";", '"', '"', False)
    path.write_text("sep=;\r\na;b;c\r\nx;y;z\r\n")
    for chunk in (1, 7, 1 << 22):
        assert [record.strip() for batch in records(file, dialect, 3, chunk) for record in batch.to_pylist()] == [
            "x;y;z"
        ]
    path.write_text("sep=;\na;b;c\nx;y\n")
    with pytest.raises(InputError) as caught:
        examine(file, dialect, 3)
    assert "has a row in line 3 with more or fewer fields" in caught.value.whole()
