"""What can be done with a run: start it, go on with it, run one of its stages anew, audit it again."""

from pyspark.sql import SparkSession

from synth_spark.exports.showcase import check_texts
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.earlier_releases import outdated
from synth_spark.pipeline.purge import purge_as_planned
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.stages import runner
from synth_spark.plan import Plan
from synth_spark.publish import publisher
from synth_spark.runtime.session import say_if_plain
from synth_spark.storage.run_store import RunStore


def start(spark: SparkSession, plan: Plan, progress: Progress) -> Run:
    """Make a run folder for a plan, once the release could be put where the plan says."""
    check_texts(plan.showcase)
    say_if_plain(spark, progress.say)
    store = RunStore.create(plan)
    publisher.check_target(plan.output, store.run_id)
    run = Run(spark, store, progress)
    run.policy.begin(run)
    return run


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


def work(run: Run, name: str) -> None:
    """Run one stage, anew if it was completed before; see `Runner.again`. What is published is not published again."""
    if name == "publish" and run.store.done(name):
        raise publisher.already_published(run.store.run_id)
    runner(run).again(name)
    purge_as_planned(run.store)
