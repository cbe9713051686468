"""The keyword arguments of the library: the plan's keys by their own names, and the short names of the command."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import BaseModel

from synth_spark.errors import PlanError
from synth_spark.plan import Plan, nearest
from synth_spark.plan.loading import SHORTCUTS, dotted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: A part of a plan: its keys and values, as a plan file has them, or the part itself.
Part = Mapping[str, Any] | BaseModel
#: A place on a disk.
Place = str | os.PathLike[str]


class Settings(TypedDict, total=False):
    """What can be said beside the records: the keys of a plan, of which `synth-spark schema` tells all.

    Attributes:
        k: privacy resolution (``privacy.k``).
        epsilon: ε, for differential privacy instead of k-anonymity (``privacy.epsilon``).
        delta: δ (``privacy.delta``).
        public_domain: whether, or of which columns, values may be known to exist (``privacy.public_domain``).
        length: longest combination that is counted (``reporting_length``).
        assess: whether a rehearsal is attacked, and what suppression would have lost is measured.
        since: run folder of an earlier run; files that it has not counted are read alone (``input.since``).
        spark: the session; default: the frame's, the one that is there, or a new one.
        quiet: whether nothing is said of progress.
        output: folder of the published tables, or all of the plan's part ``output``; default: a private temporary one.
        work: folder of the sensitive run folders; default: ``<output>.work``, or a private temporary one.
    """

    k: int
    epsilon: float
    delta: float
    public_domain: bool | Mapping[str, Sequence[str]]
    length: int
    assess: bool
    since: Place
    spark: "SparkSession | None"
    quiet: bool
    title: str
    input: Part
    privacy: Part
    reporting_length: int
    synthesis: Part
    task_memory: int
    assessment: Part
    rules: Sequence[Part] | Place
    accepted: Mapping[str, str]
    output: Part | Place
    showcase: Part
    publication: Part
    operations: Part
    work: Place
    ledger: Place
    data_set: str
    run_id: str
    seed: int


#: Keyword arguments that are no keys of a plan.
BESIDE = ("spark", "quiet")
#: Parts of a plan whose keys are set one by one, so that those of a plan file stay.
_PARTS = ("input", "privacy", "synthesis", "assessment", "output", "showcase", "publication", "operations")


def overrides(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments as dotted keys of a plan.

    Args:
        settings: name → value; what is None is not given.

    Raises:
        PlanError: a name is none of a plan, or k and ε are both given.

    >>> overrides({"k": 5, "output": "out", "synthesis": {"kind": "unseeded"}})
    {'privacy.k': 5, 'synthesis.kind': 'unseeded', 'output.path': 'out'}
    >>> overrides({"outptu": "out"})
    Traceback (most recent call last):
    ...
    synth_spark.errors.PlanError: outptu: is not a key of the plan; did you mean 'output'?
    """
    known = [*SHORTCUTS, *Plan.model_fields, *BESIDE]
    for name in settings:
        if name not in known:
            raise PlanError(name, "is not a key of the plan", f"did you mean {nearest(name, known)}?")
    given = {name: _plain(value) for name, value in settings.items() if value is not None and name not in BESIDE}
    found = dotted({name: value for name, value in given.items() if name in SHORTCUTS})
    for name in (name for name in Plan.model_fields if name in given):
        value = given[name]
        if name == "output" and isinstance(value, str):
            found["output.path"] = value
        elif name in _PARTS and isinstance(value, dict):
            found.update({f"{name}.{key}": part for key, part in value.items()})
        else:
            found[name] = value
    return found


def _plain(value: Any) -> Any:
    """A value as a plan file has it: parts as mappings, paths as text."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
