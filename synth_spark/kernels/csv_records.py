"""Where the records of a CSV end, by the quotes alone; and what of it no reader can be sure of."""

import sys

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.csv_state import (
    BEYOND,
    CLOSED,
    ESCAPED,
    FIELDS,
    FILLED,
    LINES,
    LOOSE,
    OPENED,
    PLACE,
    PLAIN,
    QUOTED,
    RETURNED,
    START,
    State,
)
from synth_spark.kernels.csv_words import by_words
from synth_spark.kernels.numba_cache import compiled

Units = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]

#: What ends a scan: nothing, a line break in quotes where there may be none, text behind a closing quote, a record with
#: another number of fields, an escape outside of quotes before a sign that some writers mean to be escaped by it.
FINE, BROKEN, BEHIND, UNEVEN, OUTSIDE = range(5)
_NEW_LINE, _RETURN, _BLANK = 10, 13, 32
#: Bytes of a word, and those that are looked at one by one where words are of no use.
_WORD, _SOME = 8, 64


def words_of(units: Units) -> npt.NDArray[np.uint64]:
    """Whole words of bytes, the first byte lowest; none of characters, or where a machine has the last byte lowest."""
    whole = len(units) // _WORD * _WORD if units.dtype == np.uint8 and sys.byteorder == "little" else 0
    return units[:whole].view(np.uint64)


@compiled
def find_ends(
    units: Units,
    words: npt.NDArray[np.uint64],
    state: State,
    signs: State,
    multiline: bool,
    width: int,
    ends: State,
    filled: npt.NDArray[np.bool_],
) -> tuple[int, int]:
    """Go on through a file; returns how many records end in these units, and what ended the scan.

    Args:
        units: bytes or characters that come next.
        words: the same as words, see `words_of`.
        state: of the scan, see `csv_state`; it is left as it is behind these units.
        signs: delimiter, quote and escape, as units; an escape that is the quote stands for doubled quotes.
        multiline: whether quoted values may hold line breaks.
        width: fields of a record; 0 if any number will do.
        ends: takes the place behind each record and its line end, if it has room for any.
        filled: takes whether a record is more than blanks.
    """
    at, found, fault = 0, 0, FINE
    while at < len(units) and fault == FINE:
        stop = len(units)
        if at < _WORD * len(words):
            stop = min(at + _SOME, len(units))
            if state[PLACE] not in (BEYOND, ESCAPED, LOOSE):
                passed, found = by_words(units, words, at // _WORD, state, signs, multiline, width, ends, filled, found)
                if _WORD * passed > at:
                    at = _WORD * passed
                    stop = min(at + _WORD, len(units))
        found, fault = _by_units(units[:stop], at, state, signs, multiline, width, ends, filled, found)
        at = stop
    return found, fault


@compiled
def _by_units(units, first, state, signs, multiline, width, ends, filled, found):
    """The same by every unit from a first one on, after some records; see `find_ends`."""
    place, lines, some, returned, fields = state[PLACE], state[LINES], state[FILLED], state[RETURNED], state[FIELDS]
    delimiter, quote, escape = signs[0], signs[1], signs[2]
    fault, high = FINE, max(delimiter, quote, escape, _BLANK)
    for at in range(first, len(units)):
        sign = np.int64(units[at])
        if sign > high and place in (PLAIN, QUOTED):  # most signs, for which nothing changes
            returned = 0
            continue
        is_end = sign in (_NEW_LINE, _RETURN)
        lines += is_end and not (sign == _NEW_LINE and returned == 1)
        returned = 1 if sign == _RETURN else 0
        if place in (QUOTED, ESCAPED):
            fault = BROKEN if is_end and not multiline else FINE
            if place == ESCAPED:
                place = QUOTED
            elif sign == quote:
                place = CLOSED
            elif sign == escape:
                place = ESCAPED
        elif place == LOOSE and (is_end or sign in (delimiter, quote, escape)):
            fault = OUTSIDE
            lines -= is_end
        elif is_end:
            fault = UNEVEN if some == 1 and width > 0 and fields + 1 != width else FINE
            if len(ends) > 0:
                ends[found], filled[found] = at + 1, some == 1
            found += 1
            place, some, fields = START, 0, 0
        elif sign == delimiter:
            place, some = START, 1
            fields += 1
        elif sign == quote and (place == START or (place == CLOSED and escape == quote)):
            if place == START:
                state[OPENED] = lines + 1
            place, some = QUOTED, 1
        elif sign > _BLANK or sign == quote:
            fault = BEHIND if place in (CLOSED, BEYOND) else FINE
            place, some = LOOSE if sign == escape and escape != quote else PLAIN, 1
        elif place == CLOSED:
            place = BEYOND
        elif place == LOOSE:
            place = PLAIN
        if fault != FINE:
            break
    state[PLACE], state[LINES], state[FILLED], state[RETURNED], state[FIELDS] = place, lines, some, returned, fields
    return found, fault
