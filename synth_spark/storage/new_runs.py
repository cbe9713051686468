"""What a new run is called, whether its folder can be made, known before any work, and what it begins with."""

import secrets
from typing import Any

from synth_spark import __version__
from synth_spark.errors import RunError
from synth_spark.plan import Plan
from synth_spark.plan.addresses import scheme_of
from synth_spark.runtime import faults
from synth_spark.runtime.writable import check_writable
from synth_spark.storage.append_log import CommitLog
from synth_spark.storage.manifests import RUN_FORMAT
from synth_spark.storage.paths import check_roots
from synth_spark.storage.places import place
from synth_spark.storage.runs.stored import is_there

#: The folder beside run folders in a store in which the store is tried; no run has this name.
_PROBED = "_turns"
#: Bytes of the key of the order of rows.
_KEY_BYTES = 32


def name_of(plan: Plan) -> str:
    """The name of a new run of a plan: the one that it gives, or another one each time."""
    return plan.run_id or f"{faults.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def check_new(plan: Plan, run_id: str) -> None:
    """Refuse a run folder that could not be made.

    Nothing is made; but in a store a file ``_turns/probe`` stays beside run folders, by which it was found out
    whether the store keeps what is there.

    Args:
        plan: what is asked for.
        run_id: name of the run.

    Raises:
        RunError: the run exists, or the folder cannot be made.
        PlanError: it would be inside the folder of the published tables.
    """
    check_roots(plan)
    if scheme_of(plan.work_address) is not None:
        work = place(plan.work_address, private=True)
        CommitLog(work.below(_PROBED)).check()
        if is_there(work.below(run_id)):
            raise exists(plan, run_id)
        return
    if (plan.work_folder / run_id).exists():
        raise exists(plan, run_id)
    check_writable(plan.work_folder / run_id, "work", RunError)


def exists(plan: Plan, run_id: str) -> RunError:
    """The refusal of a run that is there already."""
    remedy = "choose another, or resume it: synth-spark resume RUN"
    return RunError(f"run_id '{run_id}'", f"exists in {plan.work_address}", remedy)


def first_manifest(plan: Plan, run_id: str) -> dict[str, Any]:
    """The manifest of a run of which nothing is done.

    Args:
        plan: what is asked for.
        run_id: name of the run.
    """
    return {
        "format": RUN_FORMAT,
        "run_id": run_id,
        "created": faults.now().isoformat(timespec="seconds"),
        "seed": plan.seed if plan.seed is not None else secrets.randbits(128),
        "nonce": secrets.token_hex(16),
        "order_key": secrets.token_hex(_KEY_BYTES),
        "plan": plan.model_dump(mode="json"),
        "versions": {"synth_spark": __version__},
        "facts": {},
        "stages": {},
        "tables": {},
    }
