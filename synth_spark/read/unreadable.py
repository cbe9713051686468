"""Columns that the plan declares as numbers, dates or codes, and of which nearly nothing could be read as such.

A few texts that are none are absent, and counted. Where nearly all are, the declaration is wrong, and the column that
would be published is empty: that is an error.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark.errors import InputError
from synth_spark.read.counters import Counters, Remark

#: The remarks on values that a map does not list, and on codes without a group; what becomes of them follows.
UNKNOWN, NO_GROUP = "values that its map does not list", "codes without a group"
#: So large a share of the values of a declared column must be readable.
LEAST_SHARE = 0.1


@dataclass(frozen=True)
class Declared:
    """What a column can be declared as.

    Attributes:
        what: what its values should be, in the plural.
        remedy: what to do where they are not; ``{name}`` stands for the column's name.
    """

    what: str
    remedy: str

    @property
    def asked(self) -> str:
        """The name of the number of values that there were."""
        return f"values asked to be {self.what}"

    @property
    def read(self) -> str:
        """The name of the number of values that could be read."""
        return f"values read as {self.what}"


NUMBERS = Declared(
    "numbers",
    "write numbers as 1234.5 (a point, no signs between thousands), list texts that mean absent in input.null_markers, "
    "or take the column out of input.numbers",
)
DATES = Declared(
    "dates of the wanted period",
    "say how they are written, as in input.dates={{{name}: {{to: month, format: dd.MM.yyyy}}}}, choose a coarser "
    "period, or take the column out of input.dates",
)
CODES = Declared("codes of its map", "check that the map lists codes as they are written in the input")
#: Remarks for `check` alone.
INTERNAL = tuple(name for each in (NUMBERS, DATES, CODES) for name in (each.asked, each.read))


def note(counters: Counters, subject: str, declared: Declared, value: Column, read: Column) -> None:
    """Count the values of a declared column, and those that could be read.

    Args:
        counters: where to count.
        subject: the column, as remarks name it.
        declared: what its values should be.
        value: null where there is none.
        read: the same as what was declared; null where it could not be read.
    """
    counters.add(subject, declared.asked, F.count(value))
    counters.add(subject, declared.read, F.count(read))


def observe_codes(frame: DataFrame, cells: dict[str, str], counters: Counters) -> DataFrame:
    """Let a frame count the codes of columns of which those without a group become absent.

    Args:
        frame: before codes are replaced.
        cells: name of a column in the plan → its name in the frame, of texts or of lists of texts.
        counters: where to count.
    """
    types = dict(frame.dtypes)
    for name, cell in cells.items():
        several = types[cell].startswith("array")
        number = F.sum(F.array_size(F.col(cell))) if several else F.count(F.col(cell))
        counters.add(f"column '{name}'", CODES.asked, number)
    return counters.observe(frame)


def check(remarks: Iterable[Remark]) -> None:
    """Raise `InputError` for a declared column of which nearly nothing could be read as what was declared."""
    found = {(remark.subject, remark.what): remark.count for remark in remarks}
    for (subject, what), asked in found.items():
        declared = next((each for each in (NUMBERS, DATES, CODES) if what == each.asked), None)
        if declared is None:
            continue
        read = found.get((subject, declared.read), 0)
        if declared is CODES:
            read = asked - sum(found.get((subject, f"{lost} (absent)"), 0) for lost in (UNKNOWN, NO_GROUP))
        if read < LEAST_SHARE * asked:
            name = subject.rpartition("column ")[2].strip("'")
            problem = f"holds {{values}} values, of which fewer than {LEAST_SHARE:.0%} are {declared.what}"
            raise InputError(subject, problem, declared.remedy.format(name=name), {"values": asked})
