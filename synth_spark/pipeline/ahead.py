"""Work that a later stage will ask for, begun while the stages before it leave cores idle.

A small run spends its time in one thread of the JVM: plans are made and code is compiled for the first time, while the
other cores wait. What a stage will need, and could be computed already, runs beside in a thread of its own. It writes
nothing into the manifest; the stage that asks for it does, in its turn, so a run that ends early has lost nothing and
recorded nothing that it should not have.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from pyspark.sql import SparkSession

from synth_spark.runtime.session import described, tag_of

T = TypeVar("T")


class Ahead:
    """What was begun early for a run, by the name of the stage that will ask for it."""

    def __init__(self, spark: SparkSession, run_id: str) -> None:
        self._spark, self._run_id = spark, run_id
        self._begun: dict[str, tuple[threading.Thread, Future[Any]]] | None = None

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """While the body runs, one stage follows another and work may begin early; nothing is left running after it."""
        self._begun = {}
        try:
            yield
        finally:
            left, self._begun = self._begun, None
            for stage, (thread, _) in left.items():
                with suppress(Exception):  # a session that has ended
                    self._spark.interruptTag(tag_of(self._run_id, stage))
                thread.join()

    def begin(self, stage: str, work: Callable[[], Any]) -> None:
        """Let work that a stage will ask for run beside, if that is allowed now; else nothing is done."""
        if self._begun is None:
            return
        outcome: Future[Any] = Future()

        def beside() -> None:
            try:
                with described(self._spark, self._run_id, stage):
                    given = work()
                outcome.set_result(given)
            except BaseException as error:  # raised where it is asked for
                outcome.set_exception(error)

        thread = threading.Thread(target=beside, name=f"ahead-{stage}", daemon=True)
        self._begun[stage] = thread, outcome
        thread.start()

    def take(self, stage: str, work: Callable[[], T]) -> T:
        """What the work gives: as it was begun early, or done now.

        Raises:
            Exception: whatever the work raised.
        """
        if self._begun is None or stage not in self._begun:
            return work()
        given: T = self._begun[stage][1].result()
        del self._begun[stage]  # and not before: whoever is interrupted here leaves nothing running
        return given
