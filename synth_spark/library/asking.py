"""From what was handed in to a plan: keyword arguments over a plan file over defaults, and places that nobody named."""

import copy
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth_spark.errors import PlanError, RunError
from synth_spark.library.frames import Given, given, write
from synth_spark.library.keys import overrides
from synth_spark.plan import Location, Plan
from synth_spark.plan.addresses import scheme_of
from synth_spark.plan.loading import composed, read_file
from synth_spark.runtime.scratch import private_folder
from synth_spark.schema.root_layout import FRAMES
from synth_spark.storage.new_runs import name_of
from synth_spark.storage.paths import kept_inside
from synth_spark.storage.places import place
from synth_spark.storage.runs import beside

#: What the name of the view of a frame begins with, under which Spark reads it.
VIEW = "synth_spark_"
#: What the copy of a frame is called in messages.
_COPY = "work: a copy of the frame"
#: Keys that say where a table is, and how its files are written.
_LOCATING = (*Location.model_fields, "sources", "source_column")


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        given: what was handed in.
        plan: the plan, with all places in it.
        content: the plan as it was told, without a place for a frame.
        temporary: whether the run folder is in a private temporary folder.
        settings: keyword arguments that are no keys of a plan.
    """

    given: Given
    plan: Plan
    content: Plan
    temporary: bool
    settings: Mapping[str, Any]

    @property
    def quiet(self) -> bool:
        """Whether nothing is said of progress."""
        return bool(self.settings.get("quiet", False))

    @property
    def copy(self) -> str:
        """Where a frame in memory is written: a path, or an address of a store."""
        return _copy_of(self.plan.work_address, str(self.plan.run_id))

    def write(self) -> None:
        """Write a frame in memory to where the plan says that it is; to a store by way of a private temporary file.

        Raises:
            InputError: a column holds what is no value.
            RunError: the disk or the store refuses, the folder is a link that leads elsewhere, or the copy is there.
        """
        if self.given.is_local and scheme_of(self.plan.work_address) is not None:
            self._write_to_store()
        elif self.given.is_local:
            kept_inside(self.plan.work_folder, Path(self.copy), _COPY, RunError)
            write(self.given, Path(self.copy))

    def _write_to_store(self) -> None:
        work, name = place(self.plan.work_address, private=True), f"{FRAMES}/{self.plan.run_id}.parquet"
        if work.exists(name):
            raise RunError(_COPY, "is there already", "choose another run_id")
        with tempfile.TemporaryDirectory(prefix="frame-", dir=private_folder()) as folder:
            file = Path(folder) / FRAMES / "copy.parquet"
            write(self.given, file)
            work.upload(file, name)

    def show(self) -> None:
        """Let Spark read a frame of its own under the name that the plan has for it."""
        if self.given.kind == "spark" and self.plan.input.table is not None and self.given.frame is not None:
            self.given.frame.createOrReplaceTempView(self.plan.input.table)

    def forget(self) -> None:
        """Remove what was written for a run that did not begin."""
        if self.given.is_local:
            beside.remove(self.plan.work_address, FRAMES, f"{self.plan.run_id}.parquet")


def ask(data: Any, plan: Any, settings: Mapping[str, Any]) -> Asked:
    """Put a plan together.

    Args:
        data: what was handed in.
        plan: a plan, or the path of a plan file, for everything but the place of the records; None for defaults.
        settings: keyword arguments.

    Raises:
        PlanError: a key is not understood, or contradicts another.
    """
    handed = given(data)
    if handed.plan is not None and plan is not None:
        raise PlanError("plan", "is given twice", "give the records first, and one plan")
    source = handed.plan if plan is None else plan
    told, changes, beside = _content(source), overrides(settings), _folder_of(source)
    if handed.frame is not None:
        _check_no_place(changes)
        told["input"] = {key: value for key, value in told.get("input", {}).items() if key not in _LOCATING}
    told.setdefault("input", {})
    if handed.path is not None:
        changes = {"input.path": handed.path, **changes}
    content = composed(told, changes, beside)
    _check_ledger(content, handed)
    places = _places(content, handed)
    whole = composed(told, {**changes, **places}, beside) if places else content
    return Asked(handed, whole, content, "work" in places, settings)


def _content(source: Any) -> dict[str, Any]:
    """A plan as nested mappings: what was set in it, so that the rest can be set."""
    if source is None:
        return {}
    if not isinstance(source, Plan):
        return read_file(str(source))
    content = source.model_dump(mode="json", exclude_unset=True)
    if content.get("privacy") == {"kind": "k_anonymity"}:  # which a plan has that says nothing of privacy
        del content["privacy"]
    return copy.deepcopy(content)


def _folder_of(source: Any) -> Path | None:
    return None if source is None or isinstance(source, Plan) else Path(source).parent


def _check_no_place(changes: Mapping[str, Any]) -> None:
    for key in changes:
        if key.removeprefix("input.") in _LOCATING and key.startswith("input."):
            raise PlanError(key, "is named beside a frame, which is what is read", "leave one of them out")


def _check_ledger(plan: Plan, handed: Given) -> None:
    """Differential privacy is paid for from a ledger that outlives the release, under a name that stays."""
    if not plan.privacy.noisy:
        return
    if plan.ledger.address is None:
        problem = "is not named, and differential privacy is paid for from a ledger that all releases share"
        remedy = 'name a file that is kept: ledger="ledger.jsonl" (synth-spark ledger grant sets what it allows)'
        raise PlanError("ledger", problem, remedy)
    if handed.frame is not None and plan.data_set is None:
        problem = "is not named, and the ledger cannot tell by a frame which records are paid for"
        raise PlanError("data_set", problem, 'name the records, the same each time: data_set="cases"')


def _places(plan: Plan, handed: Given) -> dict[str, Any]:
    """The keys of places that nobody named: of the release, of run folders, and of a frame."""
    places: dict[str, Any] = {}
    named = "path" in plan.output.model_fields_set
    if plan.work is None and not named:
        places["work"] = str(Path(tempfile.mkdtemp(prefix="run-", dir=private_folder())) / "work")
    if not named:
        root = Path(places["work"]).parent if "work" in places else Path(tempfile.mkdtemp(dir=private_folder()))
        places["output.path"] = str(root / "out")
    if handed.frame is None:
        return places
    run_id = name_of(plan)
    places["run_id"] = run_id
    if handed.kind == "spark":
        places["input.table"] = f"{VIEW}{run_id.replace('-', '_')}".lower()
    else:
        places["input.path"] = _copy_of(places.get("work") or plan.work_address, run_id)
    return places


def _copy_of(work: str, run_id: str) -> str:
    """Where the copy of a run's frame is, beside run folders."""
    name = f"{FRAMES}/{run_id}.parquet"
    return str(Path(work) / name) if scheme_of(work) is None else f"{work}/{name}"
