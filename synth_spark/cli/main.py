"""The command line. Spark is imported only by the commands that need it."""

import argparse
import gc
import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from synth_spark import plan as plans
from synth_spark.cli import releases
from synth_spark.cli.exit_codes import guarded
from synth_spark.cli.parser import parser
from synth_spark.cli.plan_summary import account_text, history_text, summary_lines
from synth_spark.errors import PlanError
from synth_spark.monitoring import Watch
from synth_spark.monitoring.progress import Progress
from synth_spark.plan import Plan
from synth_spark.plan.input_preview import look
from synth_spark.plan.planner import resolve
from synth_spark.privacy import Delta, Epsilon
from synth_spark.privacy.ledger import Ledger
from synth_spark.runtime.imports import uncollected
from synth_spark.schema.root_layout import QUALITY_TEXT, RELEASE_TEXT, REPORT, SHOWCASE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from synth_spark.pipeline.run import Run
    from synth_spark.report.blocks import Report
    from synth_spark.storage.run_store import RunStore
    from synth_spark.tuning.comparison import Outcome

#: Records that take minutes to release.
_MANY = 300_000
_EXAMPLE = "example.yml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code: 0, or that of the error, which was printed in one line."""
    options = parser(COMMANDS).parse_args(arguments)
    options.ends = arguments is None  # the process is this command's, and ends with it

    def command(watch: Watch) -> None:
        options.watch = watch
        options.command(options)

    quiet = getattr(options, "quiet", False)
    asked = {name: getattr(options, name, None) for name in ("summary", "log_file")}
    return guarded(command, as_json=_as_json(options), quiet=quiet, **asked)


def command() -> NoReturn:
    """Run the command of this process, and end it.

    A session that was left running ends with the process; taking Python's side of it apart first would take seconds.
    """
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    if left_running():
        logging.shutdown()
        os._exit(code)
    sys.exit(code)


def left_running() -> bool:
    """Whether a local session of this process goes on; none of what a command keeps is open by then."""
    session = sys.modules.get("synth_spark.runtime.session")
    return session is not None and session.LEFT_RUNNING.is_set()


def _as_json(options: argparse.Namespace) -> bool:
    return getattr(options, "log_format", "text") == "json"


def _run(options: argparse.Namespace) -> None:
    _release(plan_of(options), options)


def _release(plan: Plan, options: argparse.Namespace) -> None:
    _accepted(options)  # mistakes in it are errors before any work
    options.watch.planned(plan)
    shape = look(plan)  # cheap mistakes are reported before Spark starts
    with _started(plan, options, long=shape is None or shape.records > _MANY) as (spark, progress):
        _start(options, spark, plan, progress)


def _start(options: argparse.Namespace, spark: "SparkSession", plan: Plan, progress: Progress) -> None:
    from synth_spark.pipeline import api

    _follow(options, api.start(spark, plan, progress), api.resume)


def _resume(options: argparse.Namespace) -> None:
    from synth_spark.storage.run_store import RunStore

    store = RunStore.open(Path(options.run))
    if store.done("publish"):  # Spark need not start to find that out
        from synth_spark.pipeline.purge import purge_as_planned

        purge_as_planned(store)
        gone = "" if store.purged is None else f"; it was purged ({store.purged}): its kept tables are gone"
        print(f"Nothing to do: {store.run_id} is finished and has been published{gone}.")
        return _tell(store)
    from synth_spark.pipeline import api

    return _in_folder(options, api.resume)


def _stage(options: argparse.Namespace) -> None:
    from synth_spark.pipeline import api

    _in_folder(options, lambda run: api.work(run, options.name))


def _validate(options: argparse.Namespace) -> None:
    from synth_spark.pipeline import api

    _in_folder(options, api.validate_again)
    print(f"May go out: read {Path(options.run) / 'quality.md'}, and report.html beside it (SENSITIVE)")


def _accepted(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Warnings that are accepted, each with its reason."""
    rules, reasons = getattr(options, "accept", []), getattr(options, "reason", [])
    if len(rules) != len(reasons):
        raise PlanError("--accept", "needs a reason for each rule", "add --reason TEXT after it")
    return list(zip(rules, reasons, strict=True))


def _in_folder(options: argparse.Namespace, work: Callable[["Run"], None]) -> None:
    from synth_spark.pipeline.run import Run
    from synth_spark.storage.run_store import RunStore

    store = RunStore.open(Path(options.run))
    with _started(store.plan, options, place=store.folder.absolute().parent) as (spark, progress):
        _follow(options, Run(spark, store, progress), work)


def _purge(options: argparse.Namespace) -> None:
    from synth_spark.pipeline.purge import purge
    from synth_spark.storage.run_store import RunStore

    store = RunStore.open(Path(options.run), for_removal=True)
    gone = purge(store, options.force)
    print(f"Purged {store.run_id}: {len(gone)} kept tables are removed ({', '.join(gone) or 'they were before'})")
    print(f"  what stays           manifest, documents (INTERNAL) and safe tables in {store.folder}")


@contextmanager
def _started(
    plan: Plan, options: argparse.Namespace, long: bool = False, place: Path | None = None
) -> Iterator[tuple["SparkSession", Progress]]:
    """The session for a plan, and progress that can ask it how far it is.

    The line is imported while the JVM starts, and Python workers are started while the records are read: as forks of
    this process, if it is the command's own.

    Args:
        plan: the plan.
        options: of the command line.
        long: whether the work will take minutes.
        place: the folder of the run folder; default: that of the plan.
    """
    from synth_spark.pipeline.workers.template import make_template
    from synth_spark.runtime.session import running_tasks, say_if_plain, session, warm_workers
    from synth_spark.storage.paths import check_roots

    check_roots(plan)

    importing = threading.Thread(target=_import_the_line, daemon=True)
    importing.start()
    delta = plan.output.format == "delta" or "delta" in plan.input.formats
    quiet = options.quiet or _as_json(options)
    with session(delta, long, quiet, options.ends, place or plan.work_folder) as spark:
        importing.join()
        if options.ends:
            make_template(spark)
        threading.Thread(target=warm_workers, args=(spark,), daemon=True).start()
        progress = Progress(lambda: running_tasks(spark), quiet)
        say_if_plain(spark, progress.say)
        yield spark, progress


def _import_the_line() -> None:
    with uncollected():
        import rich.console

        from synth_spark.pipeline import api

        del api, rich
        gc.freeze()


def _follow(options: argparse.Namespace, run: "Run", work: Callable[["Run"], None]) -> None:
    from synth_spark.pipeline.audit import accept
    from synth_spark.pipeline.stages import runner

    options.watch.begun(run.store, run.progress, runner(run).stages)
    run.progress.say(f"run {run.store.run_id}, sensitive run folder {run.store.folder}")
    for rule, reason in _accepted(options):
        accept(run, rule, reason)
    work(run)
    if run.store.done("publish"):
        _tell(run.store)


def _tell(store: "RunStore") -> None:
    plan, run_id = store.plan, store.run_id
    root = Path(plan.output.path)
    where = f"{root}/<table>/run_id={run_id}" if plan.output.format == "parquet" else f"{root}/<table> (Delta)"
    print(f"Released {run_id}: {where}")
    print(f"  read it explained    {root / RELEASE_TEXT}, its audit in {root / QUALITY_TEXT}")
    if plan.showcase.make:
        print(f"  explore it           {root / SHOWCASE}")
    signed = f"for those who sign (SENSITIVE) {store.folder / REPORT}"
    print(f"  look at the report   {root / REPORT}; {signed}")
    if plan.output.format == "parquet":
        for what, table in (("records", "synthetic_records"), ("counts ", "aggregates")):
            code = f"import pandas as pd; print(pd.read_parquet('{root}/{table}/run_id={run_id}'))"
            print(f'  look at the {what}  python -c "{code}"')


def _plan(options: argparse.Namespace) -> None:
    plan = plan_of(options)
    shape = look(plan)
    print(plans.dump(plan, whole=options.all), end="")
    print("---")
    for where, what, number in plan.input.contradictions:
        print(f"remark             {where}: {number} {what}")
    if shape is None:
        print(f"The input's shape is known once Spark has opened it.\n{plans.what_is_counted(plan)}")
        return
    resolved = resolve(plan, shape.names, shape.cards, shape.records, shape.distinct, shape.filled)
    print("\n".join(summary_lines(resolved, shape)))


def _inspect(options: argparse.Namespace) -> None:
    plan = plan_of(options)
    with _started(plan, options) as (spark, progress):
        from synth_spark.pipeline.run import Run
        from synth_spark.storage.run_store import RunStore
        from synth_spark.tuning import inspection

        run = Run(spark, RunStore.create(plan), progress)
        with progress.stage("inspect", "reading, counting, looking for rare combinations"):
            result = inspection.inspect(run)
        run.store.write("inspect.md", inspection.report_text(run.store.run_id, result))
        run.store.write("proposed.yml", inspection.proposed_plan(run, result))
    print(f"{result.linkable:.1%} of the records hold a combination that fewer than {result.k} records share.")
    print(f"  read it (SENSITIVE)        {run.store.folder}/inspect.md")
    print(f"  a plan to start from       {run.store.folder}/proposed.yml")


def _compare(options: argparse.Namespace) -> None:
    from synth_spark.tuning.comparison import content, outcomes

    compared = outcomes([Path(run) for run in options.runs])
    _show(compared, content(compared), options.output)


def _tune(options: argparse.Namespace) -> None:
    plan = plan_of(options)
    kinds = tuple(options.kinds or [plan.synthesis.kind])
    with _started(plan, options) as (spark, progress):
        from synth_spark.pipeline.run import Run
        from synth_spark.storage.run_store import RunStore
        from synth_spark.tuning import grid_search
        from synth_spark.tuning.comparison import content

        folder = Path(options.trials) if options.trials else grid_search.default_folder(plan)
        grid = grid_search.Grid(tuple(options.ks), tuple(options.lengths), kinds, options.sample)
        tried = grid_search.tune(Run(spark, RunStore.create(plan), progress), grid, folder)
    advice = grid_search.advice(tried)
    _show(tried, content(tried, "Plans tried on a sample", (advice,)), str(folder))
    print(advice)


def _show(outcomes: "list[Outcome]", report: "Report", folder: str | None) -> None:
    """Print a comparison, and write it down where that was asked for."""
    from synth_spark.report.html_page import page
    from synth_spark.report.markdown import markdown
    from synth_spark.storage.files import write_atomically
    from synth_spark.tuning.comparison import csv_text, table_text

    print(table_text(outcomes))
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in (("html", page(report)), ("md", markdown(report)), ("csv", csv_text(outcomes))):
            write_atomically(Path(folder) / f"compare.{name}", text)
        print(f"  look at it (SENSITIVE)     {folder}/compare.html")


def _ledger(options: argparse.Namespace) -> None:
    ledger = Ledger(Path(options.file))
    if options.action == "grant":
        if options.data_set is None or not (options.epsilon or 0) > 0 or not 0 < (options.delta or 0) < 1:
            raise PlanError("ledger grant", "needs a data set, ε > 0 and 0 < δ < 1", "add --epsilon and --delta")
        print(account_text(ledger.grant(options.data_set, Epsilon(options.epsilon), Delta(options.delta))))
        return
    entries = [entry for entry in ledger.entries() if options.data_set in (None, entry.data_set)]
    if options.action == "history":
        print("\n".join(map(history_text, entries)) or "nothing is recorded")
        return
    names = sorted({entry.data_set for entry in entries})
    print("\n".join(account_text(ledger.account(name)) for name in names) or "nothing is recorded")


def _schema(options: argparse.Namespace) -> None:
    print(json.dumps(Plan.model_json_schema(), indent=2))


def _demo(options: argparse.Namespace) -> None:
    folder = Path(options.output)
    cases = folder / "cases.csv.gz"
    plan = plans.load(
        _example(), {"input.path": str(cases), "output.path": str(folder / "release"), **dict(options.set)}
    )
    with _started(plan, options) as (spark, progress):
        from synth_spark.demo import write_csv

        with progress.stage("demo", f"generating {options.rows:,} invented cases into {cases}"):
            write_csv(spark, cases, options.rows, options.seed)
        options.watch.planned(plan)
        _start(options, spark, plan, progress)


def _warm(options: argparse.Namespace) -> None:
    from synth_spark.kernels.warmup import compile_beside
    from synth_spark.runtime.class_archive import write_archive
    from synth_spark.runtime.session import check_java

    compile_beside()
    with tempfile.TemporaryDirectory() as folder:
        write_archive(check_java(), (sys.executable, "-m", "synth_spark.cli.class_loading", folder))


def _example() -> str:
    """The demo's plan: inside an installed package, or in conf/ of a checkout."""
    packaged = Path(__file__).parents[1] / _EXAMPLE
    return str(packaged if packaged.exists() else Path(__file__).parents[2] / "conf" / _EXAMPLE)


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan that a command line asks for: its file, and what options say otherwise."""
    overrides: dict[str, Any] = {}
    for key, value in [
        ("input.path", options.input),
        ("input.since", options.since),
        ("privacy.k", options.k),
        ("privacy.epsilon", options.epsilon),
        ("privacy.delta", options.delta),
        ("privacy.public_domain", options.public_domain or None),
        ("assessment.rehearsal", options.assess or None),
        ("assessment.redaction", options.assess or None),
        ("reporting_length", options.length),
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


#: What each command does.
COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "run": _run,
    "plan": _plan,
    "inspect": _inspect,
    "stage": _stage,
    "resume": _resume,
    "validate": _validate,
    "show": releases.show,
    "compare": _compare,
    "tune": _tune,
    "purge": _purge,
    "ledger": _ledger,
    "releases": releases.manage,
    "load": releases.load,
    "package": releases.package,
    "schema": _schema,
    "warm": _warm,
    "demo": _demo,
}


if __name__ == "__main__":
    command()
