"""The walk over the quotes of a CSV file against the reader of heads, which goes by patterns."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth_spark.errors import InputError
from synth_spark.kernels import csv_records as kernel
from synth_spark.kernels import csv_state
from synth_spark.kernels.csv_words import by_words
from synth_spark.plan.sources.delimited import records as walks
from synth_spark.plan.sources.delimited.fields import UnsureError, cut, rows
from synth_spark.plan.sources.delimited.records import examine, records
from synth_spark.plan.sources.layout import CsvFile, Dialect

_SIGNS = [*(2 * ['"', "\\", "\n"]), ",", "\r", " ", "a", "é", "\t", "\x01"]
#: What is mostly passed by in words: fields, delimiters and line ends as most files have them.
_FIELDS = ['"v1"', '"a,b"', '"x ""y"" z"', '""', '"p\nq"', '"p\r\nq"', "plain", "", "é", " ", "long" * 5, '"""', "a,b"]
_BEHIND = [",", ",", ",", "\n", "\r\n", "\r", "é"]
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


#: Texts of mostly whole fields, with a few signs anywhere.
_TEXTS = st.lists(
    st.tuples(st.sampled_from(_FIELDS), st.sampled_from(_BEHIND), st.sampled_from([*(20 * [""]), *_SIGNS])).map(
        "".join
    ),
    max_size=24,
).map("".join)


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(_TEXTS, st.sampled_from(_DIALECTS), st.integers(1, 70))
def test_long_records_end_and_are_cut_where_patterns_say(
    tmp_path: Path, text: str, dialect: Dialect, size: int
) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(text.encode())
    assert walked(CsvFile(str(path), None, (), 0), dialect, size) == looked_at(text, dialect, size)


def scanned(pieces: list[bytes], dialect: Dialect, width: int, by_words: bool, telling: bool = True) -> list[object]:
    """What the kernel says behind each piece: ends, which records are more than blanks, the fault and its state."""
    state, said = csv_state.begin(), []
    signs = np.array([ord(sign) for sign in dialect.delimiter + dialect.quote + dialect.escape], np.int64)
    for piece in pieces:
        units = np.frombuffer(piece, np.uint8)
        words = kernel.words_of(units) if by_words else kernel.words_of(units[:0])
        ends, filled = np.zeros(len(units) * telling, np.int64), np.zeros(len(units) * telling, np.bool_)
        found, fault = kernel.find_ends(units, words, state, signs, dialect.multiline, width, ends, filled)
        said.append((found, fault, ends[:found].tolist(), filled[:found].tolist(), state.tolist()))
        if fault != kernel.FINE:
            break
    return said


_OF_BYTES = [dialect for dialect in _DIALECTS if dialect.delimiter.isascii()]


@settings(max_examples=1500, deadline=None)
@given(
    st.one_of(_TEXTS.map(str.encode), st.lists(st.sampled_from(_SIGNS), max_size=80).map("".join).map(str.encode)),
    st.sampled_from(_OF_BYTES),
    st.integers(0, 4),
    st.lists(st.integers(1, 90), min_size=1, max_size=5),
)
def test_words_say_what_their_bytes_say(data: bytes, dialect: Dialect, width: int, sizes: list[int]) -> None:
    """Whatever the seams between pieces: the same records, faults, lines and places behind every piece."""
    seams = [0, *itertools.accumulate(itertools.islice(itertools.cycle(sizes), len(data) + 1))]
    pieces = [data[at:to] for at, to in itertools.pairwise(seams) if at < len(data)]
    told = scanned(pieces, dialect, width, by_words=False)
    assert scanned(pieces, dialect, width, by_words=True) == told
    untold = [(found, fault, state) for found, fault, _, _, state in told]
    said = scanned(pieces, dialect, width, by_words=True, telling=False)
    assert [(found, fault, state) for found, fault, _, _, state in said] == untold


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.one_of(_TEXTS, st.lists(st.sampled_from([*_SIGNS, " " * 9, "plain"]), max_size=30).map("".join)),
    st.sampled_from(_DIALECTS),
    st.integers(1, 12),
)
def test_a_look_that_passes_by_what_has_no_quotes_misses_nothing(
    tmp_path: Path, text: str, dialect: Dialect, size: int
) -> None:
    """Pieces of blanks, or of control signs, belong to the field that began before them."""
    file = CsvFile(str(tmp_path / "c.csv"), None, (), 0)
    Path(file.path).write_bytes(text.encode())

    def said() -> str:
        try:
            examine(file, dialect)
        except InputError as error:
            return error.whole()
        return ""

    with pytest.MonkeyPatch.context() as patch:
        whole = said()
        patch.setattr(walks, "_LOOK", size)
        assert said() == whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{walks.__name__}._Scan.is_inside", True)  # nothing is passed by
        assert said() == whole


def test_most_of_a_quoted_file_is_passed_by_in_words() -> None:
    """A walk that looks at every byte says the same: this tells that it does not."""
    units = np.frombuffer(b'"v1",,"say ""hi""","a,b",plain\r\n' * 1000, np.uint8)
    state, signs, nothing = csv_state.begin(), np.array([ord(sign) for sign in ',""'], np.int64), np.zeros(0, np.int64)
    words = kernel.words_of(units)
    passed, found = by_words(units, words, 0, state, signs, False, 5, nothing, np.zeros(0, np.bool_), 0)
    assert (passed, found) == (
        len(words),
        2000,
    )  # carriage returns and line feeds end one each


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
