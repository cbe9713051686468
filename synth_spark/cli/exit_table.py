"""What every exit code of the command says: the one table, which documents, schedulers and tests take it from."""

from typing import NamedTuple

from synth_spark import errors
from synth_spark.errors import SynthSparkError

_RESUME = "`synth-spark resume RUN`"


class ExitCode(NamedTuple):
    """What an exit code of the command says.

    Attributes:
        code: the code.
        error: name of the class of the error; empty where there is none.
        happened: what happened.
        another_try: whether, and how, another try may end otherwise.
        mendable: whether a scheduler may try the same command again.
    """

    code: int
    error: str
    happened: str
    another_try: str
    mendable: bool = False


def _of(kind: type[SynthSparkError], happened: str, another_try: str, mendable: bool = False) -> ExitCode:
    return ExitCode(kind.exit_code, kind.__name__, happened, another_try, mendable)


#: All exit codes, in the order of `docs/scheduling.md`, which holds this table, as the help of the command does.
EXIT_CODES = (
    ExitCode(errors.PUBLISHED, "", "published, whatever came after that (or, of any other command, done)", ""),
    _of(errors.SynthSparkError, "an error without a kind of its own", "no"),
    _of(errors.PlanError, "the plan, or the command line, cannot be understood", "no: mend the plan"),
    _of(errors.InputError, "the input is missing, malformed or not fit for a release", "when the input is there"),
    _of(errors.ResourceError, "the plan needs more than its limits allow; said before the work", "no: change the plan"),
    _of(
        errors.AuditFailed,
        "the audit holds the release back; nothing was published",
        "no: read `report.html` in the run folder",
    ),
    _of(
        errors.PublishError,
        "the release is not, or cannot be put, in place; no other was changed",
        _RESUME,
        True,
    ),
    _of(errors.RunError, "the run folder is missing, of another version, incomplete, damaged or purged", "no"),
    _of(errors.EngineError, "Spark, Java, a library or a stream could not do what was asked", _RESUME, True),
    _of(
        errors.BudgetError,
        "the privacy ledger refuses the release: its budget, run id, content or draws; nothing was drawn",
        "no: have more granted, or do as it says",
    ),
    ExitCode(
        errors.UNFORESEEN,
        "",
        "something nobody foresaw; its text is not shown, as it may quote data; nothing was published",
        _RESUME,
        True,
    ),
    ExitCode(errors.INTERRUPTED, "", "interrupted, by Ctrl-C or SIGTERM", _RESUME),
)


def exit_table() -> str:
    """The table as `docs/scheduling.md` holds it, in Markdown."""
    lines = ["| code | error | what happened | another try |", "|---|---|---|---|"]
    for one in EXIT_CODES:
        cells = (str(one.code), f"`{one.error}`" if one.error else "", one.happened, one.another_try)
        lines.append("|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|")
    return "\n".join(lines) + "\n"


def exit_lines() -> str:
    """The table as the help of the command prints it."""
    return "exit codes:\n" + "\n".join(f"  {one.code:>3}  {one.happened}" for one in EXIT_CODES)
