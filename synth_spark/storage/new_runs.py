"""What a new run is called, and whether its folder can be made: known before any work."""

import secrets

from synth_spark.errors import RunError
from synth_spark.plan import Plan
from synth_spark.runtime import faults
from synth_spark.runtime.writable import check_writable
from synth_spark.storage.paths import check_roots


def name_of(plan: Plan) -> str:
    """The name of a new run of a plan: the one that it gives, or another one each time."""
    return plan.run_id or f"{faults.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def check_new(plan: Plan, run_id: str) -> None:
    """Refuse a run folder that could not be made; nothing is made.

    Args:
        plan: what is asked for.
        run_id: name of the run.

    Raises:
        RunError: the run exists, or the folder cannot be made.
        PlanError: it would be inside the folder of the published tables.
    """
    check_roots(plan)
    if (plan.work_folder / run_id).exists():
        raise exists(plan, run_id)
    check_writable(plan.work_folder / run_id, "work", RunError)


def exists(plan: Plan, run_id: str) -> RunError:
    """The refusal of a run that is there already."""
    remedy = "choose another, or resume it: synth-spark resume RUN"
    return RunError(f"run_id '{run_id}'", f"exists in {plan.work_folder}", remedy)
