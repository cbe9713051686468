"""What a cell of text means: absent, a value, or several values."""

from collections.abc import Iterable

from pyspark.sql import Column
from pyspark.sql import functions as F

from synth_spark.plan import Input
from synth_spark.plan.sources.header import BLANKS
from synth_spark.read.counters import Counters
from synth_spark.schema.fields import literal_pattern
from synth_spark.schema.sql_text import literal

_ZERO = "0"
_FALSE = "false"
_ZEROS = "zeros, taken as absent (see input.sensitive_zeros)"


def one_value(raw: str, name: str, source: Input, boolean: bool, counters: Counters) -> Column:
    """The value of a cell, or null where it is absent; what was dropped is counted.

    Empty, blank and null markers are absent; so is 0 (and false, of a truth value) unless the column's zeros are
    sensitive. Blanks around a value decide nothing, and stay with it unless the plan has them trimmed.

    Args:
        raw: the column as it came.
        name: the column's name in the plan.
        source: the input.
        boolean: whether it held truth values.
        counters: where to count what is dropped.
    """
    text = f"btrim({raw}, {literal(BLANKS)})"
    there = f"{text} NOT IN {_any_of(_absent(name, source, boolean))}"
    if name not in source.sensitive_zeros:
        counters.when(f"column '{name}'", _ZEROS, f"{text} IN {_any_of(_zeros(boolean))}")
    if source.null_markers:
        markers = f"{text} IN {_any_of(source.null_markers)}"
        counters.when(f"column '{name}'", "null markers, taken as absent", markers)
    if not source.trim:
        blanks = f"{raw} != {text} AND {there}"
        counters.when(f"column '{name}'", "values with blanks around them, kept as they are (see input.trim)", blanks)
    return F.expr(f"CASE WHEN {there} THEN {text if source.trim else raw} END")


def several_values(raw: Column, name: str, source: Input, is_list: bool, boolean: bool, counters: Counters) -> Column:
    """The distinct values of a cell, in order, or null where there are none.

    Args:
        raw: text to be split, or a list of texts.
        name: of the column.
        source: the input.
        is_list: whether it is a list.
        boolean: whether it held truth values.
        counters: where to count what is dropped.
    """
    delimiter = source.multi_values.get(name, "")
    pieces = raw if is_list else F.split(raw, literal_pattern(delimiter))
    texts = F.transform(pieces, lambda piece: F.trim(piece, F.lit(BLANKS)) if source.trim or not is_list else piece)
    absent = _absent(name, source, boolean)
    kept = F.filter(texts, lambda text: ~F.trim(text, F.lit(BLANKS)).isin(*absent))
    values = F.array_sort(F.array_distinct(kept))
    if name not in source.sensitive_zeros:
        counters.when(f"column '{name}'", _ZEROS, F.exists(texts, lambda text: text == _ZERO))
    return F.when(F.size(values) > 0, values)


def _absent(name: str, source: Input, boolean: bool) -> list[str]:
    """What a cell holds, apart from blanks, that has no value."""
    return ["", *source.null_markers, *(() if name in source.sensitive_zeros else _zeros(boolean))]


def _zeros(boolean: bool) -> tuple[str, ...]:
    return (_ZERO, _FALSE) if boolean else (_ZERO,)


def _any_of(texts: Iterable[str]) -> str:
    return f"({', '.join(map(literal, texts))})"
