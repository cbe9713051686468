"""A look at every byte of the CSV files that Spark reads itself, beside the work: Spark replaces what it cannot decode.

It also takes a quote that its line does not close for a part of the value.
"""

import threading
from collections.abc import Callable, Sequence

from synth_spark.errors import SynthSparkError
from synth_spark.plan.sources.delimited.records import examine
from synth_spark.plan.sources.layout import CsvFile, Dialect

#: Files with how their records are written.
Laid = tuple[CsvFile, Dialect]


class Examination:
    """A look at files beside the work."""

    def __init__(self, files: Sequence[Laid], others: Sequence[Callable[[], None]] = ()) -> None:
        """Begin to look.

        Args:
            files: all CSV files of an input; those that tasks read themselves are looked at by them.
            others: looks at files of other formats, which raise an error; they are taken once reading has failed.
        """
        self._files, self._others = tuple(files), tuple(others)
        self._found: SynthSparkError | None = None
        self._working = threading.Thread(target=self._look, daemon=True)
        self._working.start()

    def check(self) -> None:
        """Wait for the end of the look.

        Raises:
            InputError: a file holds a byte that is not of its encoding, or a quote that is not closed.
        """
        self._working.join()
        if self._found is not None:
            raise self._found

    def reason(self) -> SynthSparkError | None:
        """What makes these files unreadable, now that reading has failed: file and line; None if it is not them."""
        self._working.join()
        if self._found is not None:
            return self._found
        try:
            for file, dialect in self._files:
                examine(file, dialect, len(file.header))
            for look in self._others:
                look()
        except SynthSparkError as error:
            return error
        return None

    def _look(self) -> None:
        try:
            for file, dialect in self._files:
                if file.by_spark(dialect):
                    examine(file, dialect)
        except SynthSparkError as error:
            self._found = error
