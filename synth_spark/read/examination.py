"""A look at every byte of the CSV files that Spark reads itself, beside the work: Spark replaces what it cannot decode.

It also takes a quote that its line does not close for a part of the value. Files in stores are looked at by
tasks, so that their bytes do not all come by the driver.
"""

import threading
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import SparkSession

from synth_spark.errors import SynthSparkError
from synth_spark.plan.sources.delimited.records import examine
from synth_spark.plan.sources.layout import CsvFile, Dialect
from synth_spark.plan.sources.stores import is_stored

#: Files with how their records are written.
Laid = tuple[CsvFile, Dialect]
#: Files in stores are looked at by so many tasks at most.
_TASKS = 256


class Examination:
    """A look at files beside the work."""

    def __init__(
        self, files: Sequence[Laid], others: Sequence[Callable[[], None]] = (), spark: SparkSession | None = None
    ) -> None:
        """Begin to look.

        Args:
            files: all CSV files of an input; those that tasks read themselves are looked at by them.
            others: looks at files of other formats, which raise an error; they are taken once reading has failed.
            spark: the session whose tasks look at files in stores; without one this process does.
        """
        self._spark = spark
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
            for file, dialect in self._suspects():
                examine(file, dialect)
        except SynthSparkError as error:
            self._found = error

    def _suspects(self) -> Sequence[Laid]:
        """Files that Spark reads itself: those of this machine, and those in stores in which a task found a fault."""
        own = [laid for laid in self._files if laid[0].by_spark(laid[1])]
        stored = [laid for laid in own if is_stored(laid[0].path)]
        if self._spark is None or not stored:
            return own
        numbers = self._spark.range(0, len(stored), 1, min(len(stored), _TASKS))
        try:
            broken = {row["file"] for row in numbers.mapInArrow(_looking(stored), "file long").collect()}
        except Exception:  # of a session that ends, or whose tasks reach no store: this process finds out more
            return own
        return [*(laid for laid in own if laid not in stored), *(stored[place] for place in sorted(broken))]


def _looking(stored: Sequence[Laid]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does: numbers of files → those of the files in which there is a fault."""

    def look(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in batch.column(0).to_pylist():
                try:
                    examine(*stored[place])
                except SynthSparkError:
                    yield pa.RecordBatch.from_arrays([pa.array([place], pa.int64())], names=["file"])

    return look
