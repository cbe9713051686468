"""Names that a user wrote, or that stand in a file: what they may have meant, and what may become part of a path."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from synth_spark.errors import PlanError, SynthSparkError

if TYPE_CHECKING:
    from synth_spark.plan.input import Input, Source
    from synth_spark.plan.model import Plan

#: What a name looks like of which a part of a path, or of a condition, is made: of a run, a release, a table.
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,62}")
#: The same of a file, or of a folder of a partition.
_FILE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.=-]{0,254}")

#: Columns that published tables add to the input's own, and that counts with noise have beside; case does not count.
RESERVED = ("run_id", "length", "protected_count", "selections")
RESERVED_WITH_NOISE = ("standard_error", "low", "high")


def is_name(name: object, file: bool = False) -> bool:
    """Whether something can be the name of a run, a release or a table; or of a file, which may have dots.

    >>> is_name("20261125T010203Z-ab12cd"), is_name("../elsewhere"), is_name("x' or '' = '"), is_name(None)
    (True, False, False, False)
    >>> is_name("part-00000.parquet", file=True), is_name("..", file=True), is_name("a/b", file=True)
    (True, False, False)
    """
    return isinstance(name, str) and (_FILE if file else _NAME).fullmatch(name) is not None


def checked_name(name: object, field: str, error: type[SynthSparkError], file: bool = False) -> str:
    """A name that is to become part of a path, or of a condition, if it can lead nowhere else.

    Args:
        name: what a file, or the command line, gives for it.
        field: where it stands, for the message.
        error: the class of the error.
        file: whether it is that of a file, or of a folder of a partition, which may have dots and ``=``.

    Raises:
        SynthSparkError: it is no name; the message does not repeat it.
    """
    if not is_name(name, file):
        letters = "letters, digits, '-', '_', '.' and '='" if file else "letters, digits, '-' and '_', at most 63"
        problem = "is no name that may be part of a path"
        raise error(field, problem, f"give one of {letters}; if it stands in a file, restore that from a backup")
    return str(name)


def nearest(name: str, names: list[str]) -> str:
    """The known name that a mistyped one most resembles, quoted; or the list of all, when none does."""
    folded = {candidate.lower(): candidate for candidate in names}
    match = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.5)
    if match:
        return f"'{folded[match[0]]}'"
    shown = sorted(names)[:12]
    rest = f" … (the first {len(shown)} of {len(names)}; all keys: synth-spark schema, all columns: synth-spark plan)"
    return "one of " + ", ".join(f"'{candidate}'" for candidate in shown) + (rest if len(names) > len(shown) else "")


def used_columns(header: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns of the input that a plan uses, in the input's order: those it names, or all.

    Raises:
        PlanError: it names a column that the input does not have.
    """
    _must_be(columns, header, "input.columns")
    return [name for name in header if name in columns or not columns]


def renamed_columns(header: Sequence[str], rename: Mapping[str, str]) -> list[str]:
    """The names of a table's columns, new where the plan renames them.

    Raises:
        PlanError: it renames a column that the input does not have.
    """
    _must_be(rename, header, "input.rename")
    return [rename.get(name, name) for name in header]


def mapped_columns(header: Sequence[str], source: "Source", where: str) -> dict[str, str]:
    """The columns of a source that are used, each with its name in the release.

    Args:
        header: the source's columns.
        source: the source.
        where: the part of the plan that describes it.

    Raises:
        PlanError: a key of the source names a column that is not there.
    """
    _must_be(source.columns, header, f"{where}.columns")
    chosen = {theirs: source.columns[theirs] for theirs in header if theirs in source.columns}
    chosen = chosen or {theirs: theirs for theirs in header}
    for ours in source.values:
        if ours not in chosen.values():
            remedy = f"did you mean {nearest(ours, list(chosen.values()))}?"
            raise PlanError(f"{where}.values", f"names no column '{ours}'", remedy)
    return chosen


def named_columns(source: "Input", header: Sequence[str], lists: Collection[str] = ()) -> list[str]:
    """The columns of the records, in order, once every column that a key of the input names is known to be there.

    Ids of subjects, and what only orders rows, are not among them.

    Args:
        source: the input part of the plan.
        header: the columns of the input under their names in the release.
        lists: those that are known to hold lists.

    Raises:
        PlanError: a key names a column that is not there, or that cannot mean what is asked of it.
    """
    subject = source.subject
    hidden = {subject.id} if subject else set()
    if (
        subject
        and subject.order
        and subject.order not in {*source.numbers, *source.dates, *source.groups, *subject.take}
    ):
        hidden.add(subject.order)
    if subject is not None and subject.id in source.columns:
        raise PlanError("input.columns", "names the subject id, which is never released", f"leave out '{subject.id}'")
    named = used_columns(header, source.columns)
    names = named if source.columns else [name for name in named if name not in hidden]
    if source.source_column in names:
        raise PlanError("input.source_column", "has the name of a column of the input", "choose another name")
    names = [*names, *([source.source_column] if source.source_column else [])]
    if subject is not None:
        for key, column in (("id", subject.id), ("order", subject.order)):
            if column is not None:
                _must_be([column], header, f"input.subject.{key}")
    _check_used(source, names, {*lists, *source.multi_values})
    return names


def _check_used(source: "Input", names: Sequence[str], several: Collection[str]) -> None:
    """Raise `PlanError` for a key that names no column of the records, or one that has several values and must not."""
    subject = source.subject
    asked: dict[str, Iterable[str]] = {
        "input.sensitive_zeros": source.sensitive_zeros,
        "input.multi_values": source.multi_values,
        "input.numbers": source.numbers,
        "input.dates": source.dates,
        "input.groups": source.groups,
        "input.identifiers": source.identifiers,
        "input.subject.take": subject.take if subject else (),
    }
    asked |= {f"input.constraints.{number}": rule.columns for number, rule in enumerate(source.constraints)}
    for where, given in asked.items():
        for name in given:
            if name not in names:
                remedy = f"did you mean {nearest(name, list(names))}?"
                raise PlanError(where, f"names no used column '{name}'", remedy)
            if name in several and where in ("input.numbers", "input.dates", "input.subject.take"):
                raise PlanError(where, f"names '{name}', which has several values a record", "use input.groups for it")


def check_shown_columns(plan: "Plan", names: Sequence[str]) -> None:
    """Raise `PlanError` where a column cannot be published, or something is asked of one that the records do not have.

    Args:
        plan: what is asked for.
        names: of the columns of the records.

    Raises:
        PlanError: a column has a name that published tables use themselves; or what is assessed, shown, declared or
            held to a rule is about a column that is not there.
    """
    noisy = plan.privacy.kind == "differential_privacy"
    own = (*RESERVED, *RESERVED_WITH_NOISE) if noisy else RESERVED
    for name in names:
        if name.lower() in own:
            problem = "has a name that published tables use themselves"
            raise PlanError(f"column '{name}'", problem, "rename it in the input")
    for rule in plan.rules:
        published = [*names, *own] if rule.table == "aggregates" else [*names]
        for column in rule.columns:
            if column not in published:
                known = f"did you mean {nearest(column, published)}?"
                raise PlanError(f"rules {rule.rule}", f"names no column '{column}' of {rule.table}", known)
    public = getattr(plan.privacy, "public_domain", False)
    listed_values = sorted(public) if isinstance(public, dict) else []
    for key, named in (
        ("assessment.secrets", plan.assessment.secrets),
        ("showcase", sorted(plan.showcase.named)),
        ("privacy.public_domain", listed_values),
    ):
        for name in named:
            if name not in names:
                raise PlanError(key, f"names no column '{name}'", f"did you mean {nearest(name, list(names))}?")


def _must_be(names: Iterable[str], header: Sequence[str], where: str) -> None:
    for name in names:
        if name not in header:
            remedy = f"did you mean {nearest(name, list(header))}?"
            raise PlanError(where, f"names no column of the input: '{name}'", remedy)


def listed(names: Iterable[str]) -> str:
    """All names, in quotes.

    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    return ", ".join(f"'{name}'" for name in names)
