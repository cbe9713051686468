"""What commands begin with: the plan that was asked for, checks that need no Spark, and the session."""

import argparse
import gc
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import synth_spark.plan as plans
from synth_spark.errors import EngineError, PlanError
from synth_spark.monitoring.documents import check_document
from synth_spark.monitoring.progress import Progress
from synth_spark.plan import Plan
from synth_spark.plan.addresses import scheme_of
from synth_spark.plan.loading import SHORTCUTS, dotted
from synth_spark.plan.sources.preview import Preview, look
from synth_spark.runtime.imports import uncollected
from synth_spark.runtime.writable import check_writable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from synth_spark.runtime.libraries import Libraries


def as_json(options: argparse.Namespace) -> bool:
    """Whether standard error is lines of JSON."""
    return getattr(options, "log_format", "text") == "json"


def looked(plan: Plan) -> Preview | None:
    """The shape of a plan's input, before Spark starts; None where only Spark can tell it.

    Raises:
        InputError: the input is missing or empty.
        PlanError: a column named in the plan is not in it.
        RunError: the run that is to be added to cannot be read.
    """
    if plan.input.since is not None:
        from synth_spark.storage.runs.folders import run_folder

        run_folder(plan.input.since).manifest()
    return look(plan)


def check_folder(folder: str, field: str) -> None:
    """Refuse, before any work, a folder that could not be made or written; see `check_document` for one in a store.

    Raises:
        PlanError: it is a file, or cannot be made or written.
        EngineError: it is in a store whose library is not installed.
    """
    if scheme_of(folder) is not None:
        return check_document(f"{folder.rstrip('/')}/folder", field)
    if Path(folder).exists() and not Path(folder).is_dir():
        raise PlanError(field, "is no folder", "give the name of a folder")
    return check_writable(Path(folder) / ".probe", field, PlanError)


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan that a command line asks for: its file, and what options say otherwise."""
    flags = {name: getattr(options, name) for name in SHORTCUTS}
    flags |= {name: flags[name] or None for name in ("public_domain", "assess")}
    overrides: dict[str, Any] = dotted(flags, "--{}")
    for key, value in [
        ("input.path", options.input),
        ("ledger", options.ledger),
        ("output.path", options.output),
        ("run_id", options.run_id),
        ("seed", options.seed),
    ]:
        if value is not None:
            overrides[key] = value
    if options.plan is None and options.input is None and not any(key.startswith("input.") for key, _ in options.set):
        raise PlanError("plan", "is missing", "give a plan file, or --input")
    return plans.load(options.plan, {**overrides, **dict(options.set)})


def libraries_of(plan: Plan, *addresses: str) -> "Libraries":
    """What a session needs beside Spark's own files: for its input, its output, releases it is compared with.

    Args:
        plan: the plan.
        addresses: what else is read or written.
    """
    from synth_spark.runtime.libraries import Libraries
    from synth_spark.runtime.s3 import is_in_s3
    from synth_spark.storage.root_files import has_delta

    shown = plan.output.shown_in is not None and plan.output.format == "delta"  # as Delta, in the session's own catalog
    delta = plan.output.sliced or shown or "delta" in plan.input.formats or has_delta(plan.output.path)
    return Libraries(delta, any(is_in_s3(address) for address in (*plan.addresses, *addresses)))


def check_catalog(spark: "SparkSession", name: str | None, ends: bool) -> None:
    """Refuse to show a release in a catalog that is gone when the command has ended.

    Args:
        spark: the session.
        name: of the schema that shows releases; None: none does.
        ends: whether the process ends with the command, and a session that was started with it.

    Raises:
        EngineError: the session keeps its own catalog in memory, and the schema is one of it.
    """
    from synth_spark.exports import catalog

    if ends and name is not None and not catalog.lasts(spark, name):
        problem = "is in the catalog of a session that keeps it in memory, and would be gone with this command"
        remedy = (
            "name a lasting one in spark-defaults.conf of SPARK_CONF_DIR: docs/operations.md, «Releases in a catalog»"
        )
        raise EngineError("output.catalog", problem, remedy)


@contextmanager
def started(
    plan: Plan, options: argparse.Namespace, long: bool = False, place: str | None = None, more: Sequence[str] = ()
) -> Iterator[tuple["SparkSession", Progress]]:
    """The session for a plan, and progress that can ask it how far it is.

    The line is imported while the JVM starts, and Python workers are started while the records are read: as forks of
    this process, if it is the command's own.

    Args:
        plan: the plan.
        options: of the command line.
        long: whether the work will take minutes.
        place: the folder of run folders; default: that of the plan. Where it is on this machine, what the session
            writes besides goes there, too.
        more: addresses of what is written or read besides.
    """
    from synth_spark.pipeline.workers.template import make_template, prepare_template
    from synth_spark.runtime.session import running_tasks, say_if_plain, session, warm_workers
    from synth_spark.storage.paths import check_roots

    check_roots(plan)
    prepare_template()
    importing = threading.Thread(target=_import_the_line, daemon=True)
    importing.start()
    work = place or plan.work_address
    libraries, beside = libraries_of(plan, work, *more), Path(work) if scheme_of(work) is None else None
    quiet = options.quiet or as_json(options)
    few = not options.verbose
    with session(libraries, long, quiet or few, options.ends, beside, kept=few) as spark:
        importing.join()
        if options.ends:
            make_template(spark)
        threading.Thread(target=warm_workers, args=(spark,), daemon=True).start()
        progress = Progress(lambda: running_tasks(spark), options.quiet, options.verbose, as_json(options))
        say_if_plain(spark, progress.say)
        yield spark, progress


def _import_the_line() -> None:
    with uncollected():
        import rich.console

        from synth_spark.pipeline import api

        del api, rich
        gc.freeze()
