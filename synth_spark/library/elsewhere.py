"""Publishing a run to another root than the one that it was published to: compared, audited and put in place anew."""

import shutil

from synth_spark.errors import PlanError, RunError
from synth_spark.pipeline.stages import STAGES
from synth_spark.plan import Plan, parse
from synth_spark.plan.addresses import scheme_of
from synth_spark.publish import publisher
from synth_spark.storage import new_runs
from synth_spark.storage.files import disk_errors
from synth_spark.storage.paths import check_roots
from synth_spark.storage.run_store import RunStore


def moved(store: RunStore, output: str, stays: bool, work: str | None = None) -> RunStore:
    """A run that is to be published to another root; its stages are done but the last, see `api.resume`.

    What readers of that root may hold is compared with it when it is resumed, and may hold it back.

    Args:
        store: the run folder.
        output: the root.
        stays: whether the run folder is that of the new target, too; else it is copied, and stays as it was.
        work: the folder of this machine that it is copied to, as ``<work>/<run id>``; default: ``<output>.work``.

    Returns:
        The run folder that is to be resumed.

    Raises:
        PublishError: the root cannot be written, leads elsewhere, or holds this release already.
        RunError: the run was purged, is not finished, or there is such a run folder.
        PlanError: run folders would be inside the root; or the run folder would be copied to a store.
    """
    store.check_not_purged()
    if not store.done("validate"):
        problem = "is not finished"
        raise RunError(
            f"run '{store.run_id}'", problem, "finish it first: synth_spark.resume, or synth-spark resume RUN"
        )
    changes = {"output": store.plan.output.model_copy(update={"path": output})}
    if not stays and scheme_of(output if work is None else work) is not None:
        problem = "is not named, or in a store, and a run folder is copied to folders of this machine alone"
        remedy = "name one: publish(OUTPUT, work=FOLDER); or make the release with work=FOLDER, which may be in a store"
        raise PlanError("work", problem, remedy)
    plan = store.plan.model_copy(update=changes if stays else {**changes, "work": work, "run_id": store.run_id})
    plan = parse(plan.model_dump(mode="json"))  # which refuses what does not go together
    check_roots(plan)
    publisher.check_target(plan.output, store.run_id)
    target = store if stays else _copy(store, plan)
    with target.alone():
        target.manifest["plan"] = plan.model_dump(mode="json")
        target.forget(["publish"], list(STAGES[plan.privacy.kind]["publish"].keeps))
    return target


def _copy(store: RunStore, plan: Plan) -> RunStore:
    """A run folder once more, in the folder of run folders of a plan, for its owner only."""
    new_runs.check_new(plan, store.run_id)
    folder = plan.work_folder / store.run_id
    with disk_errors("a copy of the run folder"), store.alone():
        plan.work_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copytree(store.folder, folder)
    return RunStore.open(folder)
