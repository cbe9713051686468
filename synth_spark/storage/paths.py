"""Paths stay where the plan says: what is sensitive outside the published folder, what is published inside it.

A name that stands in a file, or on the command line, becomes part of a path by `checked_name` alone; a path that must
stay in a folder is looked at by `kept_inside`, a folder that is written to, or trusted, by `refuse_links`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from synth_spark.errors import PlanError, SynthSparkError
from synth_spark.plan import Plan
from synth_spark.plan.addresses import path_of, resolved, scheme_of
from synth_spark.plan.names import checked_name, is_name

__all__ = [
    "check_roots",
    "checked_name",
    "inside",
    "is_name",
    "kept_inside",
    "leading_out",
    "refuse_links",
    "within",
]

#: How deep folders and files lie in a published root, and in a run folder: TABLE/run_id=…/part, tables/TABLE/part.
_DEPTH = 3


def check_roots(plan: Plan) -> None:
    """Refuse a plan that would put something sensitive under the folder of the published tables; links are followed.

    Raises:
        PlanError: run folders or the ledger would be there; what is written would be in a folder of the input.
    """
    for location in (plan.input, *plan.input.sources.values()):
        for path in location.all_paths:
            for field, written in (("output.path", plan.output.path), ("work", plan.work_address)):
                if _may_hold(path) and within(path, written):
                    remedy = "choose a folder beside it: a later run would read it"
                    raise PlanError(field, "is inside a folder of the input", remedy)
    remedy = "choose a folder beside it: whoever may read the release could read that, too"
    for field, address in (("work", plan.work_address), ("ledger", plan.ledger_address)):
        if within(plan.output.path, address):
            raise PlanError(field, "is inside the folder of the published tables", remedy)


def _may_hold(path: str) -> bool:
    """Whether a path of an input may be a folder; what is in a store is not looked at."""
    return scheme_of(path) is not None or Path(path).is_dir()


def within(root: str, path: str) -> bool:
    """Whether an address is that of a folder, or of something in it: both of this machine, or of one store.

    >>> within("s3a://bucket/out", "s3://bucket/out/work"), within("s3://bucket/out", "s3://bucket/out.work")
    (True, False)
    """
    there, here = path_of(root), path_of(path)
    if there is not None or here is not None:
        return there is not None and here is not None and inside(Path(there), Path(here))
    return f"{resolved(path)}/".startswith(f"{resolved(root).rstrip('/')}/")


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
