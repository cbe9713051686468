"""Stage 1: sources of any kind become RECORDS, one row a record: strings, and lists of strings. SENSITIVE.

Columns are named by position (c0, c1, …) from here on, so no header can confuse what follows; fields travel beside.
"""

from synth_spark.read.constraints import breaks
from synth_spark.read.locations import check_header, read_header
from synth_spark.read.records import (
    Records,
    Sizes,
    check,
    explain_failure,
    is_identifier,
    open_records,
    report_text,
    sizes,
)
from synth_spark.read.tallies import Tallies, Tally

__all__ = [
    "Records",
    "Sizes",
    "Tallies",
    "Tally",
    "breaks",
    "check",
    "check_header",
    "explain_failure",
    "is_identifier",
    "open_records",
    "read_header",
    "report_text",
    "sizes",
]
