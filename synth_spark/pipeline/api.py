"""What can be done with a run: start it, go on with it, run one of its stages anew, audit it again."""

from collections.abc import Collection

from pyspark.sql import SparkSession

from synth_spark import evaluate, validate
from synth_spark.errors import PlanError, check_extra
from synth_spark.exports.showcase import check_texts
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.accounts import charged, check_drawn, ledger_of
from synth_spark.pipeline.audit import withheld
from synth_spark.pipeline.policy import POLICIES
from synth_spark.pipeline.purge import purge_as_planned
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.runner import check_again
from synth_spark.pipeline.series.earlier_releases import outdated
from synth_spark.pipeline.stages import STAGES, runner
from synth_spark.plan import Plan, nearest
from synth_spark.publish import publisher
from synth_spark.runtime.session import say_if_plain
from synth_spark.storage import new_runs
from synth_spark.storage.run_store import RunStore


def check(plan: Plan, run_id: str, accepted: Collection[str] = ()) -> list[str]:
    """Refuse a run that could not end well, as far as that is known before records are read; nothing is written.

    Args:
        plan: what is asked for.
        run_id: name of the run.
        accepted: warnings that are accepted besides those of the plan.

    Returns:
        Remarks for those who make the release.

    Raises:
        EngineError: a library that the plan needs is not installed.
        PlanError: a text of the showcase or a rule cannot be, or what is accepted is no warning of this release.
        PublishError: the output cannot be written, leads elsewhere, or holds this run already.
        RunError: the run exists, or its folder or the ledger cannot be written.
        BudgetError: the privacy budget does not hold another release, none was granted though the plan requires one,
            or the input has the account of another data set.
    """
    check_libraries(plan)
    check_texts(plan.showcase)
    _check_rules(plan)
    if plan.accepted or accepted:
        validate.check_accepted(plan, [*plan.accepted, *accepted])
    publisher.check_target(plan.output, run_id)
    new_runs.check_new(plan, run_id)
    plan, remarks = charged(plan)
    cost = POLICIES[plan.privacy.kind].cost(plan, run_id)
    return [*remarks, *ledger_of(plan).check(cost, plan.ledger.required)]


def check_libraries(plan: Plan) -> None:
    """Refuse a run that needs a library which is not installed, and would find that out after hours of work.

    Args:
        plan: what is asked for.

    Raises:
        EngineError: one is missing; the remedy names the extra that brings it.
    """
    if plan.privacy.kind == "differential_privacy":
        check_extra("dp", "privacy.kind")
    if plan.assessment.rehearsal:
        check_extra("attacks", "assessment.rehearsal")


def _check_rules(plan: Plan) -> None:
    """Refuse a rule that could only fail in the end, after the work and, with noise, after the debit.

    Under differential privacy a rule about exact figures is refused, too: that a release comes, or does not, would tell
    of them, and noise that is published only where it is small is no noise of its scale.
    """
    validate.check_rules(plan.rules)
    hidden = withheld(plan.rules) if plan.privacy.noisy else set()
    for rule in plan.rules:
        if rule.rule in hidden:
            problem = "is about exact figures, which may not decide whether a private release comes"
            known = "use comparison: reportable_to_synthetic, or a table; read exact figures in the run folder's report"
            raise PlanError(f"rules {rule.rule}", problem, known)
    for rule in plan.rules:
        if rule.measure is not None and not evaluate.is_measure(rule.measure):
            known = f"did you mean {nearest(rule.measure, evaluate.measure_names())}?"
            raise PlanError(f"rules {rule.rule}", f"names no figure '{rule.measure}'", known)


def start(spark: SparkSession, plan: Plan, progress: Progress) -> Run:
    """Make a run folder for a plan, once the release could be put where the plan says.

    Raises:
        SynthSparkError: as `check` does; then there is no run folder.
    """
    run_id = new_runs.name_of(plan)
    remarks = check(plan, run_id)
    say_if_plain(spark, progress.say)
    run = Run(spark, RunStore.create(charged(plan)[0], run_id), progress)
    for remark in remarks:
        progress.say(remark)
    return run


def check_resume(store: RunStore) -> None:
    """Refuse a run that cannot be taken up, before Spark is asked for anything; nothing is written.

    Raises:
        RunError: it was purged.
        BudgetError: the ledger knows draws of this run that its folder does not hold.
    """
    store.check_not_purged()
    check_drawn(store)


def resume(run: Run) -> None:
    """Run every stage that has not been completed, in order; see `Runner.resume`. Of a finished run nothing is done.

    Where readers have another release by now, or may hold others, this one is compared again.
    """
    if run.store.done("publish"):
        run.progress.say(f"{run.store.run_id} is finished and has been published: nothing to do")
    else:
        if run.store.done("assess") and outdated(run):
            run.progress.say("what readers may hold has changed since: comparing again")
            runner(run).again("assess")
        runner(run).resume()
    purge_as_planned(run.store)


def validate_again(run: Run) -> None:
    """Audit a run anew; one that is published stays so, and its published files are checked too.

    Raises:
        AuditFailed: a rule is broken.
        PublishError: what was published is not what was audited.
    """
    if not run.store.done("publish"):
        return work(run, "validate")
    if run.store.purged is None:  # else only what was published is left
        with run.progress.stage("validate", "auditing again"):
            runner(run).stages["validate"].work(run)
    return publisher.check_published(run.plan.output, run.store.run_id)


def check_work(store: RunStore, name: str) -> None:
    """Refuse a stage that cannot be run anew, before Spark is asked for anything; nothing is written.

    Raises:
        PlanError: there is no such stage.
        PublishError: it would publish what is published.
        RunError: as `check_again`.
    """
    if name == "publish" and store.done(name):
        raise publisher.already_published(store.run_id)
    check_again(store, STAGES[store.plan.privacy.kind], name)


def work(run: Run, name: str) -> None:
    """Run one stage, anew if it was completed before; see `Runner.again`. What is published is not published again."""
    check_work(run.store, name)
    runner(run).again(name)
    purge_as_planned(run.store)
