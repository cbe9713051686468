"""A release that the audit holds back: told with its report, and not handed out."""

from pathlib import Path
from typing import NamedTuple

from synth_spark.errors import AuditFailed
from synth_spark.pipeline.run import Run
from synth_spark.schema import tables
from synth_spark.schema.root_layout import REPORT
from synth_spark.schema.verdicts import Result


class Broken(NamedTuple):
    """A rule that holds a release back.

    Attributes:
        rule: its name, by which it is accepted if it is a warning.
        severity: ``critical``, or ``warning``.
        meaning: what it says, in a sentence.
    """

    rule: str
    severity: str
    meaning: str


class HeldError(AuditFailed):
    """The audit holds a release back: nothing was published, and no table of it is handed out.

    Attributes:
        held: the rules that hold it, and what each says; empty where a table could not even be audited.
        report: the report for those who sign, SENSITIVE; None where the audit did not come to an end, or the run folder
            is in an object store.
        run: the run folder, SENSITIVE: `synth_spark.resume` takes it up, with warnings that are accepted; None where it
            is in an object store.
        run_folder: path or address of the run folder, which `synth_spark.resume` takes, too.
    """

    held: tuple[Broken, ...] = ()
    report: Path | None = None
    run: Path | None = None
    run_folder: str | None = None


def held_back(run: Run, error: AuditFailed) -> HeldError:
    """The error of the library for a release that is held.

    Args:
        run: the run that was audited.
        error: as the audit raised it.
    """
    results = []
    if tables.AUDIT_RESULTS.name in run.store.manifest["tables"]:
        results = [Result(**row) for row in run.kept(tables.AUDIT_RESULTS).arrow().to_pylist()]
    broken = tuple(Broken(one.name, one.severity, one.meaning) for one in results if one.holds_back)
    store = run.store
    is_there = store.read(REPORT) is not None
    remedy = f"read the report for those who sign: {store.where(REPORT)}" if is_there else error.remedy
    if broken and all(one.severity == "warning" for one in broken):
        remedy += f"; warnings can be accepted: synth_spark.resume({store.address!r}, accept={{rule: reason}})"
    held = HeldError(error.field, error.problem, remedy)
    held.held, held.run, held.run_folder = broken, store.path, store.address
    held.report = store.path / REPORT if is_there and store.path is not None else None
    return held
