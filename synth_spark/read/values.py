"""What a cell of text means: absent, a value, or several values."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from synth_spark.fields import literal_pattern
from synth_spark.plan import Input
from synth_spark.read.locations import BLANKS
from synth_spark.read.tallies import Tallies

_ZERO = "0"
_FALSE = "false"
_ZEROS = "zeros, taken as absent (see input.sensitive_zeros)"


def one_value(raw: Column, name: str, source: Input, boolean: bool, tallies: Tallies) -> Column:
    """The value of a cell, or null where it is absent; what was dropped is counted.

    Empty, blank and null markers are absent; so is 0 (and false, of a truth value) unless the column's zeros are
    sensitive. Blanks around a value decide nothing, and stay with it unless the plan has them trimmed.
    """
    text = F.trim(raw, F.lit(BLANKS))
    there = _is_there(text, name, source, boolean)
    _count(name, text, source, boolean, tallies)
    if not source.trim:
        tallies.when(
            f"column '{name}'",
            "values with blanks around them, kept as they are (see input.trim)",
            (raw != text) & there,
        )
    return F.when(there, text if source.trim else raw)


def several_values(raw: Column, name: str, source: Input, is_list: bool, boolean: bool, tallies: Tallies) -> Column:
    """The distinct values of a cell, in order, or null where there are none.

    Args:
        raw: text to be split, or a list of texts.
        name: of the column.
        source: the input.
        is_list: whether it is a list.
        boolean: whether it held truth values.
        tallies: where to count what is dropped.
    """
    delimiter = source.multi_values.get(name, "")
    pieces = raw if is_list else F.split(raw, literal_pattern(delimiter))
    texts = F.transform(pieces, lambda piece: F.trim(piece, F.lit(BLANKS)) if source.trim or not is_list else piece)
    kept = F.filter(texts, lambda text: _is_there(F.trim(text, F.lit(BLANKS)), name, source, boolean))
    values = F.array_sort(F.array_distinct(kept))
    if name not in source.sensitive_zeros:
        tallies.when(f"column '{name}'", _ZEROS, F.exists(texts, lambda text: text == _ZERO))
    return F.when(F.size(values) > 0, values)


def _is_there(text: Column, name: str, source: Input, boolean: bool) -> Column:
    absent = ["", *source.null_markers]
    if name not in source.sensitive_zeros:
        absent += [_ZERO, _FALSE] if boolean else [_ZERO]
    return ~text.isin(*absent)


def _count(name: str, text: Column, source: Input, boolean: bool, tallies: Tallies) -> None:
    if name not in source.sensitive_zeros:
        zeros = text.isin(_ZERO, _FALSE) if boolean else text == _ZERO
        tallies.when(f"column '{name}'", _ZEROS, zeros)
    if source.null_markers:
        tallies.when(f"column '{name}'", "null markers, taken as absent", text.isin(*source.null_markers))
