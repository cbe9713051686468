"""One tree of errors. Each says which field, what was wrong, the limit, and what to do; never a data value."""


class SynthSparkError(Exception):
    """Base of every error that a user can cause and mend.

    Attributes:
        field: the plan key, column, table or path that is at fault.
        problem: what was wrong, in one clause.
        remedy: what to do about it, in one clause.
        exit_code: what the command line exits with.
    """

    exit_code = 1

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        self.field = field
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{field}: {problem}; {remedy}")

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        """Make errors survive the trip from an executor."""
        return type(self), (self.field, self.problem, self.remedy)


class PlanError(SynthSparkError):
    """The plan cannot be understood or contradicts itself."""

    exit_code = 2


class InputError(SynthSparkError):
    """The input is missing, malformed or not fit for a release."""

    exit_code = 3


class ResourceError(SynthSparkError):
    """The plan needs more than the limits allow; raised before the work, with the numbers."""

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
    """A release would cost more privacy than its data set has left; nothing was drawn."""

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
