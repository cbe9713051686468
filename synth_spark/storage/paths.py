"""Paths stay where the plan says: what is sensitive outside the published folder, what is published inside it."""

from pathlib import Path

from synth_spark.errors import PlanError
from synth_spark.plan import Plan


def check_roots(plan: Plan) -> None:
    """Refuse a plan that would put something sensitive under the folder of the published tables; links are followed.

    Raises:
        PlanError: run folders or the ledger would be there.
    """
    root = Path(plan.output.path)
    remedy = "choose a folder beside it: whoever may read the release could read that, too"
    if inside(root, plan.work_folder):
        raise PlanError("work", "is inside the folder of the published tables", remedy)
    if inside(root, plan.ledger_file):
        raise PlanError("ledger", "is inside the folder of the published tables", remedy)


def inside(root: Path, path: Path) -> bool:
    """Whether a path is a folder, or in it, once links are followed; neither need exist."""
    return path.resolve().is_relative_to(root.resolve())


def leading_out(root: Path) -> list[str]:
    """Names in a folder that are links to somewhere outside it: what is written to them would not be inside."""
    return sorted(path.name for path in root.iterdir() if path.is_symlink() and not inside(root, path))
