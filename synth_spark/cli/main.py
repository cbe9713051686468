"""The command line. Spark is imported only by the commands that need it."""

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import synth_spark.plan as plans
from synth_spark.cli import comparing, ledger, releases
from synth_spark.cli.completion import completion_script
from synth_spark.cli.exit_codes import guarded
from synth_spark.cli.output import open_closed_streams, tolerant
from synth_spark.cli.parser import parser
from synth_spark.cli.plan_summary import acceptance_lines, budget_line, summary_lines
from synth_spark.cli.starting import as_json, check_catalog, check_folder, looked, plan_of, started
from synth_spark.cli.survival import warnings
from synth_spark.errors import EngineError, PlanError, RunError
from synth_spark.monitoring import Watch
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.workers.template import fork_before_stores
from synth_spark.plan import Plan
from synth_spark.plan.addresses import scheme_of
from synth_spark.plan.planner import resolve
from synth_spark.runtime.writable import check_writable
from synth_spark.schema.root_layout import SUMMARY

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from synth_spark.pipeline.run import Run
    from synth_spark.privacy.accounts import Account
    from synth_spark.storage.run_store import RunStore

#: Commands, and actions of commands, that only tell something.
_TELLING, _TELLING_ACTIONS = ("plan", "schema", "compare", "completion"), ("list", "show", "diff", "history")
#: Records that take minutes to release.
_MANY = 300_000
#: The demo's plan in an installed package, and in a checkout.
_DEMO, _DEMO_HERE = "demo_plan.yml", "conf/demo/release.yml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code: 0, or that of the error, which was printed in one line."""
    with tolerant() as out:
        options = parser(COMMANDS).parse_args(arguments)
        options.more = False
        options.ends = arguments is None  # the process is this command's, and ends with it
        if options.ends and not _only_tells(options):
            fork_before_stores()

        def command(watch: Watch) -> None:
            options.watch = watch
            options.command(options)

        quiet = getattr(options, "quiet", False)
        asked = {name: getattr(options, name, None) for name in ("summary", "log_file")}
        code = guarded(command, as_json=as_json(options), quiet=quiet, **asked)
        out.flush()
        if out.refused:
            code = _told_nothing(options, code)
    return code


def _told_nothing(options: argparse.Namespace, code: int) -> int:
    """The exit code where standard output could not be written: an error if writing it was all that was asked for."""
    error = EngineError("standard output", "could not be written", "free space, or send it somewhere else")
    print(f"synth-spark: {error}", file=sys.stderr)
    return error.exit_code if _only_tells(options) and code == 0 else code


def _only_tells(options: argparse.Namespace) -> bool:
    """Whether all that was asked for is that something is told."""
    return options.name_of_command in _TELLING or getattr(options, "action", None) in _TELLING_ACTIONS


def command() -> NoReturn:
    """Run the command of this process, and end it.

    A session that was left running ends with the process; taking Python's side of it apart first would take seconds.
    """
    open_closed_streams()
    code = main()
    if left_running():
        logging.shutdown()
        os._exit(code)
    sys.exit(code)


def left_running() -> bool:
    """Whether a local session of this process goes on; none of what a command keeps is open by then."""
    session = sys.modules.get("synth_spark.runtime.session")
    return session is not None and session.LEFT_RUNNING.is_set()


def _run(options: argparse.Namespace) -> None:
    _release(plan_of(options), options)


def _release(plan: Plan, options: argparse.Namespace) -> None:
    options.watch.planned(plan)
    shape = looked(plan)  # cheap mistakes are reported before Spark starts
    _check(plan, options)
    before = Progress(quiet=options.quiet, logged=as_json(options))
    for line in acceptance_lines(plan):
        before.warn(line)
    for remark in warnings(plan, shape) if shape is not None else []:
        before.say(remark)
    with started(plan, options, long=shape is None or shape.records > _MANY) as (spark, progress):
        _start(options, spark, plan, progress)


def _check(plan: Plan, options: argparse.Namespace) -> None:
    """Refuse a run that could not end well, before Spark starts and before anything is written."""
    from synth_spark.pipeline import api
    from synth_spark.storage import new_runs

    api.check(plan, new_runs.name_of(plan), [rule for rule, _ in _accepted(options)])


def _start(options: argparse.Namespace, spark: "SparkSession", plan: Plan, progress: Progress) -> None:
    from synth_spark.pipeline import api

    check_catalog(spark, plan.output.catalog, options.ends)
    _follow(options, api.start(spark, plan, progress), api.resume)


def _resume(options: argparse.Namespace) -> None:
    from synth_spark.cli.ending import tell
    from synth_spark.pipeline.purge import purge_as_planned
    from synth_spark.publish.published_release import open_release

    store = _opened(options)
    if store.done("publish"):  # Spark need not start to find that out
        purge_as_planned(store)
        gone = "" if store.purged is None else f"; it was purged ({store.purged}): its kept tables are gone"
        open_release(store.plan.output.path, store.run_id)  # one that was retired since is no release any more
        print(f"Nothing to do: {store.run_id} is finished and has been published{gone}.")
        return tell(store)
    from synth_spark.pipeline import api

    api.check_resume(store)

    def work(run: "Run") -> None:
        check_catalog(run.spark, run.plan.output.catalog, options.ends)
        api.resume(run)

    return _in_folder(options, store, work)


def _stage(options: argparse.Namespace) -> None:
    from synth_spark.pipeline import api

    store = _opened(options)
    api.check_work(store, options.name)
    _in_folder(options, store, lambda run: api.work(run, options.name))


def _validate(options: argparse.Namespace) -> None:
    from synth_spark.pipeline import api

    store = _opened(options)
    if not store.done("publish"):
        api.check_work(store, "validate")
    _in_folder(options, store, api.validate_again)
    print(f"May go out: read {store.where('quality.md')}, and report.html beside it (SENSITIVE)")


def _opened(options: argparse.Namespace) -> "RunStore":
    """The run folder that is named, if what is accepted can be, and if nobody else works there."""
    from synth_spark.storage.run_store import RunStore

    store, accepted = RunStore.open(options.run), _accepted(options)
    if accepted:
        from synth_spark.validate import check_accepted

        check_accepted(store.plan, [rule for rule, _ in accepted])
    if scheme_of(store.address) is None:
        check_writable(store.folder / SUMMARY, f"run {store.address}", RunError)
    with store.alone():  # in an object store this is written
        return store


def _accepted(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Warnings that are accepted, each with its reason."""
    rules, reasons = getattr(options, "accept", []), getattr(options, "reason", [])
    if len(rules) != len(reasons):
        raise PlanError("--accept", "needs a reason for each rule", "add --reason TEXT after it")
    return list(zip(rules, reasons, strict=True))


def _in_folder(options: argparse.Namespace, store: "RunStore", work: Callable[["Run"], None]) -> None:
    from synth_spark.pipeline.run import Run

    with started(store.plan, options, place=store.work) as (spark, progress):
        _follow(options, Run(spark, store, progress), work)


def _purge(options: argparse.Namespace) -> None:
    from synth_spark.pipeline.purge import purge
    from synth_spark.storage.run_store import RunStore

    store = RunStore.open(options.run, for_removal=True)
    gone = purge(store, options.force)
    print(f"Purged {store.run_id}: {len(gone)} kept tables are removed ({', '.join(gone) or 'they were before'})")
    print(f"  what stays           manifest, documents (INTERNAL) and safe tables in {store.address}")


def _follow(options: argparse.Namespace, run: "Run", work: Callable[["Run"], None]) -> None:
    from synth_spark.pipeline.audit import accept
    from synth_spark.pipeline.stages import runner

    options.watch.begun(run.store, run.progress, runner(run).stages)
    run.progress.say(f"run {run.store.run_id} is kept in {run.store.address} (SENSITIVE)")
    for rule, reason in _accepted(options):
        accept(run, rule, reason)
    work(run)
    if run.store.done("publish"):
        from synth_spark.cli.ending import tell

        tell(run.store, options.verbose or options.more)


def _plan(options: argparse.Namespace) -> None:
    plan = plan_of(options)
    shape = looked(plan)
    account, remarks = _account(plan)
    print(plans.dump(plan, whole=options.all), end="")
    print("---")
    for remark in remarks:
        print(f"remark             {remark}")
    for where, what, number in plan.input.contradictions:
        print(f"remark             {where}: {number} {what}")
    for line in acceptance_lines(plan):
        print(f"remark             {line}")
    if shape is None:
        print(f"The input's shape is known once Spark has opened it.\n{plans.what_is_counted(plan)}")
        return
    if account is not None:
        plan = plan.model_copy(update={"data_set": account.data_set})
    resolved = resolve(plan, shape.names, shape.cards, shape.records, shape.distinct, shape.filled)
    print("\n".join([*summary_lines(resolved, shape), *([] if account is None else [budget_line(account)])]))


def _account(plan: Plan) -> "tuple[Account | None, list[str]]":
    """The account that a private release of a plan is charged to, and what is to be known of it; else none."""
    if not plan.privacy.noisy:
        return None, []
    from synth_spark.pipeline import accounts

    charged, remarks = accounts.charged(plan)
    return accounts.ledger_of(charged).account(charged.data_set_name), remarks


def _schema(options: argparse.Namespace) -> None:
    print(json.dumps(Plan.model_json_schema(), indent=2))


def _completion(options: argparse.Namespace) -> None:
    print(completion_script(parser(COMMANDS), options.shell))


def _demo(options: argparse.Namespace) -> None:
    folder, options.more = Path(options.output), True
    check_folder(options.output, "--output")
    cases = folder / "cases.csv.gz"
    plan = plans.load(
        _demo_plan(), {"input.path": str(cases), "output.path": str(folder / "release"), **dict(options.set)}
    )
    _check(plan, options)
    with started(plan, options) as (spark, progress):
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


def _demo_plan() -> str:
    """The demo's plan: inside an installed package, or in conf/ of a checkout."""
    packaged = Path(__file__).parents[1] / _DEMO
    return str(packaged if packaged.exists() else Path(__file__).parents[2] / _DEMO_HERE)


#: What each command does.
COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "run": _run,
    "plan": _plan,
    "inspect": comparing.inspect,
    "stage": _stage,
    "resume": _resume,
    "validate": _validate,
    "show": releases.show,
    "compare": comparing.compare,
    "tune": comparing.tune,
    "purge": _purge,
    "ledger": ledger.manage,
    "releases": releases.manage,
    "load": releases.load,
    "package": releases.package,
    "schema": _schema,
    "completion": _completion,
    "warm": _warm,
    "demo": _demo,
}


if __name__ == "__main__":
    command()
