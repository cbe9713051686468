"""One tree of errors. Each says which field, what was wrong, the limit, and what to do; never a data value.

An error has two forms. What it says of itself (its text, `problem`, `remedy`) is fit to be logged: it tells no exact
number of sensitive rows. `SynthSparkError.whole` tells these numbers, too; only a person at the terminal is shown it.
"""

import importlib.util
from collections.abc import Mapping
from typing import Any

#: Extra → modules that it brings. An installation without it lacks them, and works wherever they are not asked for.
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "attacks": ("sklearn",),
    "connect": ("grpc",),
    "dp": ("opendp", "dp_accounting"),
    "excel": ("openpyxl",),
    "hdfs": ("hdfs_native",),
    "lineage": ("openlineage",),
    "notebook": ("ipykernel", "IPython"),
    "s3": ("obstore",),
    "spark": ("pyspark",),
    "warehouse": ("duckdb", "adbc_driver_manager", "adbc_driver_postgresql"),
}
#: What stands in the place of an exact number where an error is logged.
UNTOLD = "…"


class SynthSparkError(Exception):
    """Base of every error that a user can cause and mend.

    Attributes:
        field: the plan key, column, table or path that is at fault.
        problem: what was wrong, in one clause, without exact numbers.
        remedy: what to do about it, in one clause, without exact numbers.
        exact: exact numbers that tell of sensitive rows, by name.
        exit_code: what the command line exits with.
    """

    exit_code = 1

    def __init__(self, field: str, problem: str, remedy: str, exact: Mapping[str, int] | None = None) -> None:
        """Say what is wrong.

        Args:
            field: the plan key, column, table or path that is at fault.
            problem: what was wrong, in one clause; ``{name}`` stands for an exact number.
            remedy: what to do about it, in one clause; likewise.
            exact: these numbers, by name: of records, rows or subjects, of distinct values, of characters of a value.
        """
        self.field, self.exact = _one_line(field), dict(exact or {})
        self._clauses = (_one_line(problem), _one_line(remedy))
        self.problem, self.remedy = (_filled(clause, dict.fromkeys(self.exact, UNTOLD)) for clause in self._clauses)
        super().__init__(f"{self.field}: {self.problem}; {self.remedy}")

    def whole(self) -> str:
        """The text with its exact numbers: for the person at the terminal, never for a log.

        >>> error = InputError("input.subject.id", "is empty in {rows} rows", "give every row an id", {"rows": 1200})
        >>> error.whole(), str(error)[:33]
        ('input.subject.id: is empty in 1,200 rows; give every row an id', 'input.subject.id: is empty in … r')
        """
        numbers = {name: f"{number:,}" for name, number in self.exact.items()}
        problem, remedy = (_filled(clause, numbers) for clause in self._clauses)
        return f"{self.field}: {problem}; {remedy}"

    def __reduce__(self) -> tuple[type, tuple[str, str, str, dict[str, int]], dict[str, Any]]:
        """Make errors survive the trip from an executor, and a copy, with all that a kind of them has besides."""
        return type(self), (self.field, *self._clauses, self.exact), dict(vars(self))


def _one_line(text: str) -> str:
    r"""A text on one line: names of files and columns may hold line breaks, and signs that a terminal obeys.

    >>> _one_line("file 'a\nb.csv'")
    "file 'a\\nb.csv'"
    """
    return text if text.isprintable() else "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def _filled(clause: str, texts: Mapping[str, str]) -> str:
    """A clause with a text in each named place; other braces mean themselves."""
    for name, text in texts.items():
        clause = clause.replace(f"{{{name}}}", text)
    return clause


class PlanError(SynthSparkError):
    """The plan cannot be understood or contradicts itself."""

    exit_code = 2


class InputError(SynthSparkError):
    """The input is missing, malformed or not fit for a release."""

    exit_code = 3


class ResourceError(SynthSparkError):
    """The plan needs more than the limits allow; raised before the work."""

    exit_code = 4


class AuditFailed(SynthSparkError):
    """A critical expectation about the written tables failed: nothing is published."""

    exit_code = 5


class PublishError(SynthSparkError):
    """The release could not be put in place; the previous one is as it was."""

    exit_code = 6


class RunError(SynthSparkError):
    """A run folder is missing, of another version, incomplete or damaged."""

    exit_code = 7


class BudgetError(SynthSparkError):
    """The privacy ledger refuses a release: its budget, run id, content or draws; nothing was drawn."""

    exit_code = 9


class EngineError(SynthSparkError):
    """Spark, Java or a library could not do what was asked of it."""

    exit_code = 8


#: What a command exits with where no error of this tree was raised.
PUBLISHED, UNFORESEEN, INTERRUPTED = 0, 70, 130


def exit_code(error: BaseException | None) -> int:
    """What a command exits with: 0, the code of an error of this tree, 130 if interrupted, 70 if nobody foresaw it.

    >>> exit_code(None), exit_code(InputError("input.path", "does not exist", "check it")), exit_code(KeyError())
    (0, 3, 70)
    """
    if error is None:
        return PUBLISHED
    if isinstance(error, SynthSparkError):
        return error.exit_code
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else UNFORESEEN


def check_extra(extra: str, field: str) -> None:
    """Refuse what needs an extra of the package that is not installed; nothing is imported.

    Args:
        extra: a name of `EXTRAS`.
        field: the plan key, argument or path that asks for it.

    Raises:
        EngineError: a module of it is missing; the remedy names the extra.
    """
    for module in EXTRAS[extra]:
        if importlib.util.find_spec(module) is None:
            raise _missing(extra, module, field)


def missing_extra(error: BaseException) -> EngineError | None:
    """The error that names the extra by which a module comes that could not be imported; None for other errors.

    Args:
        error: as it was raised.

    >>> str(missing_extra(ModuleNotFoundError("No module named 'pyspark.sql'", name="pyspark.sql")))
    "pyspark: is not installed, and this needs it; install it: pip install 'synth-spark[spark]'"
    """
    module = (getattr(error, "name", None) or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    extra = next((extra for extra, modules in EXTRAS.items() if module in modules), None)
    return None if extra is None else _missing(extra, module, None)


def _missing(extra: str, module: str, field: str | None) -> EngineError:
    remedy = f"install it: pip install 'synth-spark[{extra}]'"
    if field is None:
        return EngineError(module, "is not installed, and this needs it", remedy)
    return EngineError(field, f"needs {module}, which is not installed", remedy)
