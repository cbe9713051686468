"""The first line of a CSV file."""

import pytest

from synth_spark.errors import InputError
from synth_spark.read.locations import read_header


def test_a_first_line_that_is_no_csv_is_refused() -> None:
    """As of a file in UTF-16 that is read as UTF-8: a carriage return inside a name."""
    with pytest.raises(InputError, match="begins with what is no line of CSV"):
        read_header("a\x00,\x00b\x00\r\x01", ",")
