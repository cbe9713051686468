"""What happens to values on the way in, counted beside the work, column by column. SENSITIVE: counts are exact."""

from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Remark:
    """One thing that was counted.

    Attributes:
        subject: what it is about: a column, a source, or the input.
        what: what happened, as the end of a sentence that begins with a number.
        count: how often.
    """

    subject: str
    what: str
    count: int


@dataclass
class Counters:
    """Things to count while rows go by. Numbers are known once what was observed has been written."""

    entries: list[tuple[str, str, Column | str]] = field(default_factory=list)
    observed: list[tuple[Observation, list[tuple[str, str]]]] = field(default_factory=list)

    def when(self, subject: str, what: str, happens: Column | str) -> None:
        """Count the rows for which something holds: a column, or the text of one."""
        # count_if would look at it twice, and take twice as long
        if isinstance(happens, str):
            self.add(subject, what, f"count(CASE WHEN {happens} THEN 1 END)")
        else:
            self.add(subject, what, F.count(F.when(happens, 1)))

    def add(self, subject: str, what: str, number: Column | str) -> None:
        """Note an aggregate: a column, or the text of one."""
        self.entries.append((subject, what, number))

    def observe(self, frame: DataFrame) -> DataFrame:
        """Let a frame count what was noted so far; the columns must be there."""
        if not self.entries:
            return frame
        observation = Observation()
        numbers = [
            F.expr(f"{number} AS t{index}") if isinstance(number, str) else number.alias(f"t{index}")
            for index, (_, _, number) in enumerate(self.entries)
        ]
        self.observed.append((observation, [(subject, what) for subject, what, _ in self.entries]))
        self.entries = []
        return frame.observe(observation, *numbers)

    def remarks(self) -> list[Remark]:
        """Everything that was counted and happened."""
        remarks = []
        for observation, entries in self.observed:
            numbers = observation.get  # fetched from the JVM each time it is asked for
            counted = ((subject, what, numbers[f"t{index}"]) for index, (subject, what) in enumerate(entries))
            remarks += [Remark(subject, what, int(number)) for subject, what, number in counted if number]
        return remarks
