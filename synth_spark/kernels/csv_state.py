"""What a walk over the quotes of a CSV knows of the record that it is in."""

import numpy as np
import numpy.typing as npt

State = npt.NDArray[np.int64]

#: Places in the state of a scan: where in a field it is, line ends seen, whether the record is more than blanks,
#: whether the last sign was a carriage return, fields of the record so far, the line in which the open quote is.
PLACE, LINES, FILLED, RETURNED, FIELDS, OPENED = range(6)
#: Places in a field; CLOSED is right behind a closing quote, BEYOND behind blanks that follow it, LOOSE right behind an
#: escape outside of quotes.
START, PLAIN, QUOTED, CLOSED, BEYOND, ESCAPED, LOOSE = range(7)


def begin() -> State:
    """The state at the beginning of a file."""
    return np.zeros(6, np.int64)
