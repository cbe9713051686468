"""Paths stay where the plan says: what is sensitive outside the published folder, what is published inside it.

A name that stands in a file, or on the command line, becomes part of a path by `checked_name` alone; a path that must
stay in a folder is looked at by `kept_inside`, a folder that is written to, or trusted, by `refuse_links`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from synth_spark.errors import PlanError, SynthSparkError
from synth_spark.plan import Plan
from synth_spark.plan.addresses import scheme_of
from synth_spark.plan.names import checked_name, is_name

__all__ = [
    "check_roots",
    "checked_name",
    "inside",
    "is_name",
    "kept_inside",
    "leading_out",
    "refuse_links",
]

#: How deep folders and files lie in a published root, and in a run folder: TABLE/run_id=…/part, tables/TABLE/part.
_DEPTH = 3


def check_roots(plan: Plan) -> None:
    """Refuse a plan that would put something sensitive under the folder of the published tables; links are followed.

    Raises:
        PlanError: run folders or the ledger would be there; what is written would be in a folder of the input.
    """
    is_local = scheme_of(plan.output.path) is None
    for location in (plan.input, *plan.input.sources.values()):
        for path in location.all_paths:
            folder = Path(path)
            for field, written in (("output.path", Path(plan.output.path)), ("work", plan.work_folder)):
                if folder.is_dir() and (is_local or field == "work") and inside(folder, written):
                    remedy = "choose a folder beside it: a later run would read it"
                    raise PlanError(field, "is inside a folder of the input", remedy)
    if not is_local:
        return
    root = Path(plan.output.path)
    remedy = "choose a folder beside it: whoever may read the release could read that, too"
    if inside(root, plan.work_folder):
        raise PlanError("work", "is inside the folder of the published tables", remedy)
    if scheme_of(plan.ledger_address) is None and inside(root, Path(plan.ledger_address)):
        raise PlanError("ledger", "is inside the folder of the published tables", remedy)


def inside(root: Path, path: Path) -> bool:
    """Whether a path is a folder, or in it, once links are followed; neither need exist."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # a ring of links, or no path at all
        return False


def kept_inside(root: Path, path: Path, field: str, error: type[SynthSparkError]) -> Path:
    """A path, if it is in a folder once links are followed.

    Args:
        root: the folder.
        path: the path; it need not exist.
        field: what it is, for the message.
        error: the class of the error.

    Raises:
        SynthSparkError: it leads elsewhere.
    """
    if not inside(root, path):
        raise error(field, "leads out of its folder", "remove the link, or restore what names it from a backup")
    return path


def refuse_links(root: Path, field: str, error: type[SynthSparkError], depth: int = _DEPTH) -> None:
    """Refuse a folder that holds a link to somewhere outside it.

    Args:
        root: the folder; it need not exist.
        field: what it is, for the message.
        error: the class of the error.
        depth: how deep is looked; 1: among its own names. Default: as deep as its layout is.

    Raises:
        SynthSparkError: it does.
    """
    for name in leading_out(root, depth):
        raise error(field, f"holds a link that leads out of it: {name}", "remove it, or choose a folder")


def leading_out(root: Path, depth: int = _DEPTH) -> list[str]:
    """Links in a folder to somewhere outside it, by their paths in it: what is written to them would not be inside."""
    found = _links(root, depth) if root.is_dir() else ()
    return sorted(str(path.relative_to(root)) for path in found if not inside(root, path))


def _links(folder: Path, depth: int) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry.path)
            elif depth > 1 and entry.is_dir():
                yield from _links(Path(entry.path), depth - 1)
