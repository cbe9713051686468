"""Stage 1: sources of any kind become RECORDS, one row a record: strings, and lists of strings. SENSITIVE.

Columns are named by position (c0, c1, …) from here on, so no header can confuse what follows; fields travel beside.
"""

from synth_spark.plan.sources.header import check_header
from synth_spark.read.constraints import breaks
from synth_spark.read.counters import Counters, Remark
from synth_spark.read.failures import explain_failure
from synth_spark.read.records import (
    Records,
    Sizes,
    check,
    check_identifier,
    is_identifier,
    open_records,
    report_text,
    sizes,
)
from synth_spark.read.subjects import IN_SEVERAL_SOURCES
from synth_spark.storage.inventory import Addition, Inventory, additions, check_unchanged, inventory, pinned

__all__ = [
    "IN_SEVERAL_SOURCES",
    "Addition",
    "Counters",
    "Inventory",
    "Records",
    "Remark",
    "Sizes",
    "additions",
    "breaks",
    "check",
    "check_header",
    "check_identifier",
    "check_unchanged",
    "explain_failure",
    "inventory",
    "is_identifier",
    "open_records",
    "pinned",
    "report_text",
    "sizes",
]
