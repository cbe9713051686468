"""The command line. Spark is imported only by the commands that need it."""

import argparse
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth_spark import plan as plans
from synth_spark.budget import Delta, Epsilon
from synth_spark.errors import PlanError, SynthSparkError
from synth_spark.ledger import Ledger
from synth_spark.options import parser
from synth_spark.outlook import account_text, history_text, outlook
from synth_spark.plan import Plan
from synth_spark.preview import look
from synth_spark.progress import Progress
from synth_spark.resolve import resolve

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from synth_spark.comparison import Outcome
    from synth_spark.published import PublishedRelease
    from synth_spark.report.blocks import Report
    from synth_spark.run import Run

#: Records that take minutes to release.
_MANY = 300_000
_EXAMPLE = "example.yml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code: 0, or that of the error, which was told in one line."""
    options = parser(_COMMANDS).parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], None] = options.command
        command(options)
    except SynthSparkError as error:
        print(f"synth-spark: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("synth-spark: interrupted; what was kept can be resumed: synth-spark resume RUN", file=sys.stderr)
        return 130
    except Exception as error:  # its text may quote data: it is not shown
        if os.environ.get("SYNTH_SPARK_DEBUG"):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(
            f"synth-spark: {type(error).__name__} in {Path(where.filename).name}:{where.lineno}; nothing was "
            "published; set SYNTH_SPARK_DEBUG=1 to see it whole (it may show data)",
            file=sys.stderr,
        )
        return 70
    return 0


def _run(options: argparse.Namespace) -> None:
    _release(_plan_of(options), options.quiet, _accepted(options))


def _release(plan: Plan, quiet: bool, accepted: Sequence[tuple[str, str]] = ()) -> None:
    shape = look(plan.input)  # cheap mistakes are found before Spark starts
    with _started(plan, quiet, long=shape is None or shape.records > _MANY) as (spark, progress):
        from synth_spark import pipeline

        run = pipeline.start(spark, plan, progress)
        _follow(run, pipeline.resume, accepted)


def _resume(options: argparse.Namespace) -> None:
    from synth_spark import pipeline

    _in_folder(options, pipeline.resume)


def _stage(options: argparse.Namespace) -> None:
    from synth_spark import pipeline

    _in_folder(options, lambda run: pipeline.work(run, options.name))


def _validate(options: argparse.Namespace) -> None:
    from synth_spark import pipeline

    _in_folder(options, pipeline.validate_again)
    print(f"May go out: read {Path(options.run) / 'quality.md'}, and report.html beside it (SENSITIVE)")


def _accepted(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Warnings that are accepted, each with its reason."""
    if len(options.accept) != len(options.reason):
        raise PlanError("--accept", "needs a reason for each rule", "add --reason TEXT after it")
    return list(zip(options.accept, options.reason, strict=True))


def _in_folder(options: argparse.Namespace, work: Callable[["Run"], None]) -> None:
    from synth_spark.run import Run
    from synth_spark.workspace import Workspace

    workspace = Workspace.open(Path(options.run))
    with _started(workspace.plan, options.quiet) as (spark, progress):
        _follow(Run(spark, workspace, progress), work, _accepted(options))


@contextmanager
def _started(plan: Plan, quiet: bool, long: bool = False) -> Iterator[tuple["SparkSession", Progress]]:
    """The session for a plan, and progress that can ask it how far it is.

    The line is imported while the JVM starts, and Python workers are started while the records are read.
    """
    from synth_spark.session import running_tasks, session, warm_workers

    threading.Thread(target=_import_the_line, daemon=True).start()
    delta = plan.output.format == "delta" or "delta" in plan.input.formats
    with session(delta, long) as spark:
        threading.Thread(target=warm_workers, args=(spark,), daemon=True).start()
        yield spark, Progress(lambda: running_tasks(spark), quiet)


def _import_the_line() -> None:
    from synth_spark import pipeline, validate

    del pipeline
    validate.load_library()


def _follow(run: "Run", work: Callable[["Run"], None], accepted: Sequence[tuple[str, str]]) -> None:
    from synth_spark.verdict import accept

    run.progress.say(f"run {run.workspace.run_id}, sensitive run folder {run.workspace.folder}")
    for rule, reason in accepted:
        accept(run, rule, reason)
    work(run)
    if run.workspace.done("publish"):
        _tell(run)


def _tell(run: "Run") -> None:
    plan, run_id, root = run.plan, run.workspace.run_id, Path(run.plan.output.path)
    where = f"{root}/<table>/run_id={run_id}" if plan.output.format == "parquet" else f"{root}/<table> (Delta)"
    print(f"Released {run_id}: {where}")
    print(f"  read it explained    {root}/RELEASE.md, its audit in {root}/QUALITY.md")
    print(
        f"  look at the report   {root}/report.html; for those who sign (SENSITIVE) {run.workspace.folder}/report.html"
    )
    if plan.output.format == "parquet":
        for what, table in (("records", "synthetic_records"), ("counts ", "aggregates")):
            code = f"import pandas as pd; print(pd.read_parquet('{root}/{table}/run_id={run_id}'))"
            print(f'  look at the {what}  python -c "{code}"')


def _plan(options: argparse.Namespace) -> None:
    plan = _plan_of(options)
    shape = look(plan.input)
    print(plans.dump(plan), end="")
    print("---")
    if shape is None:
        print("The input's shape is known once Spark has opened it.")
        return
    resolved = resolve(plan, shape.names, shape.cards, shape.records, shape.distinct, shape.filled)
    print("\n".join(outlook(resolved, shape)))


def _inspect(options: argparse.Namespace) -> None:
    plan = _plan_of(options)
    with _started(plan, options.quiet) as (spark, progress):
        from synth_spark import inspection
        from synth_spark.run import Run
        from synth_spark.workspace import Workspace

        run = Run(spark, Workspace.create(plan), progress)
        with progress.stage("inspect", "reading, counting, looking for rare combinations"):
            found = inspection.inspect(run)
        run.workspace.write("inspect.md", inspection.report_text(run.workspace.run_id, found))
        run.workspace.write("proposed.yml", inspection.proposed_plan(run, found))
    print(f"{found.linkable:.1%} of the records hold a combination that fewer than {found.k} records share.")
    print(f"  read it (SENSITIVE)        {run.workspace.folder}/inspect.md")
    print(f"  a plan to start from       {run.workspace.folder}/proposed.yml")


def _compare(options: argparse.Namespace) -> None:
    from synth_spark.comparison import content, outcomes

    found = outcomes([Path(run) for run in options.runs])
    _show(found, content(found), options.output)


def _tune(options: argparse.Namespace) -> None:
    plan = _plan_of(options)
    kinds = tuple(options.kinds or [plan.synthesis.kind])
    with _started(plan, options.quiet) as (spark, progress):
        from synth_spark import tuning
        from synth_spark.comparison import content
        from synth_spark.run import Run
        from synth_spark.workspace import Workspace

        folder = Path(options.trials) if options.trials else tuning.default_folder(plan)
        grid = tuning.Grid(tuple(options.ks), tuple(options.lengths), kinds, options.sample)
        found = tuning.tune(Run(spark, Workspace.create(plan), progress), grid, folder)
    advice = tuning.advice(found)
    _show(found, content(found, "Plans tried on a sample", (advice,)), str(folder))
    print(advice)


def _show(found: "list[Outcome]", report: "Report", folder: str | None) -> None:
    """Print a comparison, and write it down where that was asked for."""
    from synth_spark.comparison import csv_text, table_text
    from synth_spark.report.markdown import markdown
    from synth_spark.report.page import page
    from synth_spark.workspace import write_atomically

    print(table_text(found))
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in (("html", page(report)), ("md", markdown(report)), ("csv", csv_text(found))):
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


def _load(options: argparse.Namespace) -> None:
    from synth_spark.warehouse import load

    with _published(options) as (release, spark):
        loaded = load(release, options.target, options.schema, spark)
    if not loaded.new:
        print(f"Nothing to do: {loaded.run_id} is what was loaded last into schema {loaded.schema}")
        return
    print(f"Loaded {loaded.run_id} into schema {loaded.schema}; read it through the views latest_…")
    for table, rows in loaded.rows.items():
        print(f"  latest_{table}: {rows:,} rows")


@contextmanager
def _published(options: argparse.Namespace) -> "Iterator[tuple[PublishedRelease, SparkSession | None]]":
    """A published release, and a session where its tables are Delta tables."""
    from synth_spark.published import open_release

    release = open_release(Path(options.release), options.run_id)
    if not release.is_delta:
        yield release, None
        return
    from synth_spark.session import session

    with session(delta=True) as spark:
        yield release, spark


def _schema(options: argparse.Namespace) -> None:
    print(json.dumps(Plan.model_json_schema(), indent=2))


def _demo(options: argparse.Namespace) -> None:
    from synth_spark.demo import write_csv
    from synth_spark.session import session

    folder = Path(options.output)
    cases = folder / "cases.csv.gz"
    plan = plans.load(
        _example(), {"input.path": str(cases), "output.path": str(folder / "release"), **dict(options.set)}
    )
    progress = Progress(quiet=options.quiet)
    with session() as spark:
        with progress.stage("demo", f"generating {options.rows:,} invented cases into {cases}"):
            write_csv(spark, cases, options.rows, options.seed)
        _release(plan, options.quiet)


def _warm(options: argparse.Namespace) -> None:
    from synth_spark.kernels.warm import compile_kernels

    compile_kernels()


def _example() -> str:
    """The demo's plan: inside an installed package, or in conf/ of a checkout."""
    packaged = Path(__file__).parent / _EXAMPLE
    return str(packaged if packaged.exists() else Path(__file__).parents[1] / "conf" / _EXAMPLE)


def _plan_of(options: argparse.Namespace) -> Plan:
    overrides: dict[str, Any] = {}
    for key, value in [
        ("input.path", options.input),
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
_COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "run": _run,
    "plan": _plan,
    "inspect": _inspect,
    "stage": _stage,
    "resume": _resume,
    "validate": _validate,
    "compare": _compare,
    "tune": _tune,
    "ledger": _ledger,
    "load": _load,
    "schema": _schema,
    "warm": _warm,
    "demo": _demo,
}


if __name__ == "__main__":
    sys.exit(main())
