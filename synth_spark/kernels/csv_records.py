"""Where the records of a CSV end, by the quotes alone; and what of it no reader can be sure of."""

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.numba_cache import compiled

Units = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
State = npt.NDArray[np.int64]

#: Places in the state of a scan: where in a field it is, line ends seen, whether the record is more than blanks,
#: whether the last sign was a carriage return, fields of the record so far, the line in which the open quote is.
PLACE, LINES, FILLED, RETURNED, FIELDS, OPENED = range(6)
#: Places in a field; CLOSED is right behind a closing quote, BEYOND behind blanks that follow it, LOOSE right behind an
#: escape outside of quotes.
START, PLAIN, QUOTED, CLOSED, BEYOND, ESCAPED, LOOSE = range(7)
#: What ends a scan: nothing, a line break in quotes where there may be none, text behind a closing quote, a record with
#: another number of fields, an escape outside of quotes before a sign that some writers mean to be escaped by it.
FINE, BROKEN, BEHIND, UNEVEN, OUTSIDE = range(5)
_NEW_LINE, _RETURN, _BLANK = 10, 13, 32


def begin() -> State:
    """The state at the beginning of a file."""
    return np.zeros(6, np.int64)


@compiled
def find_ends(
    units: Units, state: State, signs: State, multiline: bool, width: int, ends: State, filled: npt.NDArray[np.bool_]
) -> tuple[int, int]:
    """Go on through a file; returns how many records end in these units, and what ended the scan.

    Args:
        units: bytes or characters that come next.
        state: of the scan, see above; it is left as it is behind these units.
        signs: delimiter, quote and escape, as units; an escape that is the quote stands for doubled quotes.
        multiline: whether quoted values may hold line breaks.
        width: fields of a record; 0 if any number will do.
        ends: takes the place behind each record and its line end.
        filled: takes whether a record is more than blanks.
    """
    place, lines, some, returned, fields = state[PLACE], state[LINES], state[FILLED], state[RETURNED], state[FIELDS]
    delimiter, quote, escape = signs[0], signs[1], signs[2]
    found, fault, high = 0, FINE, max(delimiter, quote, escape, _BLANK)
    for at in range(len(units)):
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
