"""`release` and `resume`: the same line as the command, with the same run folder and the same audit."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from synth_spark.cli.plan_summary import acceptance_lines
from synth_spark.cli.starting import libraries_of, looked
from synth_spark.cli.survival import warnings
from synth_spark.errors import AuditFailed, InputError, PlanError, RunError, SynthSparkError
from synth_spark.library.asking import VIEW, Asked, ask
from synth_spark.library.frames import Kind, given
from synth_spark.library.keys import Settings
from synth_spark.library.notebook import progress_of
from synth_spark.library.published import Release
from synth_spark.monitoring import Watch
from synth_spark.plan import Plan
from synth_spark.publish.published_release import open_release as opened
from synth_spark.storage import new_runs
from synth_spark.storage.runs.folders import run_folder

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

    from synth_spark.pipeline.run import Run
    from synth_spark.storage.run_store import RunStore

FrameT = TypeVar("FrameT")
#: Records that take minutes to release.
_MANY = 300_000
#: Runs of this process that have not ended: run folder → the kind of frames that were handed in; the last one last.
_UNFINISHED: dict[str, Kind] = {}


@overload
def release(
    data: str | PathLike[str] | Plan, plan: Plan | str | PathLike[str] | None = None, **settings: Unpack[Settings]
) -> "Release[pd.DataFrame]": ...


@overload
def release(
    data: FrameT, plan: Plan | str | PathLike[str] | None = None, **settings: Unpack[Settings]
) -> Release[FrameT]: ...


def release(data: Any, plan: Any = None, **settings: Unpack[Settings]) -> Release[Any]:
    """Make, audit and publish a release, as ``synth-spark run`` does.

    Args:
        data: the records: a frame of Spark, pandas, Polars or Arrow, or the path of a file or folder; or a plan, or
            the path of a plan file, that says where they are.
        plan: a plan, or the path of a plan file, for everything but the place of the records.
        settings: keys of the plan, which go before those of ``plan``; see `Settings`.

    Returns:
        The release. Its tables are frames of the kind that came in; of a path or a plan they are pandas frames.

    Raises:
        HeldError: the audit holds it back. Nothing of it is handed out.
        PlanError: a key is not understood, or differential privacy has no ledger.
        InputError: the records are missing, malformed or not fit for a release.
        SynthSparkError: as the command ends with; its run folder can be taken up by `resume`.

    >>> import pyarrow as pa
    >>> cases = pa.table({"gender": ["Woman", "Man"] * 60, "year": ["2020", "2021", "2022"] * 40})
    >>> release(cases, kk=10)
    Traceback (most recent call last):
    ...
    synth_spark.errors.PlanError: kk: is not a key of the plan; did you mean 'k'?
    >>> release(cases, epsilon=1.0)
    Traceback (most recent call last):
    ...
    synth_spark.errors.PlanError: ledger: is not named, and differential privacy is paid for from a ledger that all \
releases share; name a file that is kept: ledger="ledger.jsonl" (synth-spark ledger grant sets what it allows)
    """
    asked = ask(data, plan, settings)
    watch = Watch()
    try:
        watch.planned(asked.plan)
        run = _begin(asked)
    except BaseException as error:
        watch.ended(error)
        raise
    return _finish(run, asked.given.kind, {}, watch)


def begin(data: Any, plan: Any = None, **settings: Unpack[Settings]) -> "Run":
    """Make the run folder of a release, and do nothing else; what `release` begins with.

    Raises:
        SynthSparkError: as `release` does; then there is no run folder.
    """
    return _begin(ask(data, plan, settings))


@overload
def resume(
    run: str | PathLike[str] | None = None,
    data: None = None,
    accept: Mapping[str, str] | None = None,
    spark: "SparkSession | None" = None,
    quiet: bool = False,
) -> Release[Any]: ...


@overload
def resume(
    run: str | PathLike[str] | None,
    data: FrameT,
    accept: Mapping[str, str] | None = None,
    spark: "SparkSession | None" = None,
    quiet: bool = False,
) -> Release[FrameT]: ...


def resume(
    run: str | PathLike[str] | None = None,
    data: Any = None,
    accept: Mapping[str, str] | None = None,
    spark: "SparkSession | None" = None,
    quiet: bool = False,
) -> Release[Any]:
    """Run what an interrupted or held run has left to do, as ``synth-spark resume`` does.

    Args:
        run: its run folder; default: the last one of this process that has not ended.
        data: the frame of Spark that it reads, once more; needed only where its session is gone and it had not been
            read. A frame in memory was copied, and is read from there.
        accept: warnings that may be broken: name of the rule → why that is accepted; see ``--accept`` of the command.
        spark: the session; default: the frame's, the one that is there, or a new one.
        quiet: whether nothing is said of progress.

    Returns:
        The release, as `release` gives it.

    Raises:
        RunError: there is no such run, or no run of this process has been left.
        HeldError: the audit holds it back. Nothing of it is handed out.
        SynthSparkError: as the command ends with.

    >>> resume()
    Traceback (most recent call last):
    ...
    synth_spark.errors.RunError: run: is not named, and every run of this process has ended; name a run folder
    """
    from synth_spark.pipeline.run import Run
    from synth_spark.storage.run_store import RunStore
    from synth_spark.validate import check_accepted

    left = [] if run is not None else [address for address in _UNFINISHED if run_folder(address).is_there()]
    if run is None and not left:
        raise RunError("run", "is not named, and every run of this process has ended", "name a run folder")
    store = RunStore.open(str(run) if run is not None else left[-1])
    handed = given(data) if data is not None else None
    kind = handed.kind if handed is not None else _kind_of(store)
    check_accepted(store.plan, list(accept or {}))
    session = session_of(store.plan, spark or (handed.spark if handed is not None else None))
    if not store.done("read"):
        _show_again(session, store, data if kind == "spark" else None)
    return _finish(Run(session, store, progress_of(session, quiet)), kind, accept or {}, Watch())


def _kind_of(store: "RunStore") -> Kind:
    """The kind of frames that a run was begun with, as far as that is known."""
    spark = (store.plan.input.table or "").startswith(VIEW)
    return _UNFINISHED.get(store.address, "spark" if spark else "pandas")


def _show_again(spark: "SparkSession", store: "RunStore", frame: Any) -> None:
    """Let Spark read the frame of a run that has not read it.

    Raises:
        InputError: its session is gone, and the frame was not given.
    """
    view = store.plan.input.table
    if view is None or not view.startswith(VIEW):
        return
    if frame is not None:
        frame.createOrReplaceTempView(view)
    elif not spark.catalog.tableExists(view):
        problem = "is gone with its session, and had not been read"
        raise InputError("data", problem, "give the frame again: synth_spark.resume(run, frame)")


def _begin(asked: Asked) -> "Run":
    """Check what is asked for, write a frame in memory to where it is read, and make the run folder."""
    from synth_spark.pipeline import api

    run_id = new_runs.name_of(asked.plan)
    api.check(asked.plan, run_id)
    asked.write()
    try:
        return _started(asked)
    except BaseException:
        asked.forget()
        raise


def _started(asked: Asked) -> "Run":
    """Look at the records that are in place, find a session, and make the run folder."""
    from synth_spark.pipeline import api

    shape = looked(asked.plan)
    long = shape is None or shape.records > _MANY
    session = session_of(asked.plan, asked.settings.get("spark") or asked.given.spark, long)
    _check_sees(session, asked)
    progress = progress_of(session, asked.quiet)
    for remark in [*acceptance_lines(asked.plan), *(warnings(asked.plan, shape) if shape is not None else [])]:
        progress.say(remark)
    asked.show()
    return api.start(session, asked.plan, progress)


def _check_sees(spark: "SparkSession", asked: Asked) -> None:
    """Refuse temporary folders where tasks run on other machines."""
    from synth_spark.runtime.session import sees_this_machine

    if asked.temporary and not sees_this_machine(spark):
        problem = "is not named, and tasks on other machines do not see the temporary folder of this one"
        raise PlanError("work", problem, "name folders that all of them share: work=…, output=…")


def session_of(plan: Plan, spark: "SparkSession | None" = None, long: bool = False) -> "SparkSession":
    """The session for a plan: the one that is given, one that is there, or a new one, which stays.

    Raises:
        EngineError: no usable Java for a new one.
    """
    importing = threading.Thread(target=import_module, args=("synth_spark.pipeline.api",), daemon=True)
    importing.start()
    from synth_spark.runtime.session import found_session, warm_workers

    if spark is None:
        spark = found_session(libraries_of(plan), long)
        threading.Thread(target=warm_workers, args=(spark,), daemon=True).start()
    importing.join()
    return spark


def _finish(run: "Run", kind: Kind, accept: Mapping[str, str], watch: Watch) -> Release[Any]:
    """Do what a run has left to do, watched as the command watches it, and hand out what was published."""
    from synth_spark.pipeline import api
    from synth_spark.pipeline.audit import accept as accepted
    from synth_spark.pipeline.stages import runner

    _UNFINISHED.pop(run.store.address, None)
    _UNFINISHED[run.store.address] = kind
    watch.begun(run.store, run.progress, runner(run).stages)

    def work() -> None:
        for rule, reason in accept.items():
            accepted(run, rule, reason)
        api.resume(run)

    carried_out(run, watch, work)
    _UNFINISHED.pop(run.store.address, None)
    _drop_view(run)
    return Release(opened(run.plan.output.path, run.store.run_id), kind, run.spark, run.store.address)


def carried_out(run: "Run", watch: Watch, work: Callable[[], None]) -> None:
    """Do the work of a run; how it ends is told to whoever watches, and in words to who called.

    Raises:
        HeldError: the audit holds the release back.
        KeyboardInterrupt: as it came, with a word on what can be resumed.
        SynthSparkError: as the work raised it, or the plain reason that the machine gives for an error.
    """
    from synth_spark.library.held import held_back
    from synth_spark.runtime.engine_failures import engine_failure
    from synth_spark.runtime.logs import as_they_were

    try:
        with as_they_were(), _interruptible(run):
            work()
    except BaseException as error:
        if watch.put_in_place() and isinstance(error, Exception):
            watch.ended()
            said = error if isinstance(error, SynthSparkError) else type(error).__name__
            run.progress.say(f"{run.store.run_id} is published; what comes after that failed ({said})")
            return
        watch.ended(error)
        if isinstance(error, KeyboardInterrupt):
            error.add_note(f"what was kept can be resumed: synth_spark.resume({run.store.address!r})")
        if isinstance(error, AuditFailed):
            raise held_back(run, error) from None
        known = None if isinstance(error, SynthSparkError | KeyboardInterrupt) else engine_failure(error)
        if known is not None:
            raise known from None
        raise
    watch.ended()


@contextmanager
def _interruptible(run: "Run") -> Iterator[None]:
    """Let what Spark does for a run end with the work that waits for it."""
    from synth_spark.pipeline.stages import runner
    from synth_spark.runtime.session import tag_of

    try:
        yield
    except KeyboardInterrupt:
        for stage in runner(run).stages:
            with suppress(Exception):  # a session that has ended
                run.spark.interruptTag(tag_of(run.store.run_id, stage))
        raise


def _drop_view(run: "Run") -> None:
    """Forget the name of a frame that was read."""
    view = run.plan.input.table
    if view is not None and view.startswith(VIEW):
        with suppress(Exception):  # a session that has ended has forgotten it
            run.spark.catalog.dropTempView(view)
