"""Entries of the privacy ledger: grants, releases and what these have drawn, and what they say of each other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from synth_spark.errors import BudgetError
from synth_spark.plan.addresses import resolved, scheme_of
from synth_spark.privacy import Spending

#: Kinds of entries.
GRANT, RELEASE, DRAW = "grant", "release", "draw"
#: How the name of an entry's draw begins that only says that a stage is about to draw.
BEGINNING = "beginning of"


@dataclass(frozen=True)
class Entry:
    """One entry of the ledger.

    Attributes:
        kind: grant, release, or draw, of a release.
        data_set: its name.
        at: when, ISO 8601.
        run_id: of a release.
        privacy: k_anonymity or differential_privacy.
        mechanism: how a release was made.
        unit: what one subject is.
        k: of k-anonymity.
        epsilon: ε of a release, or granted.
        delta: δ of a release, or granted.
        rho: what the release costs in ρ, with δ for which values exist beside.
        domain_delta: that δ.
        nonce: what the run was given at random when it was begun; another run of the same name has another.
        content: what the data set was made of, as far as no entry of it told before (`pipeline/accounts.py`).
        draws: of a draw: what was drawn, or begun to be, by name → its hash.
    """

    kind: str
    data_set: str
    at: str = ""
    run_id: str | None = None
    privacy: str | None = None
    mechanism: str | None = None
    unit: str | None = None
    k: int | None = None
    epsilon: float | None = None
    delta: float | None = None
    rho: float | None = None
    domain_delta: float = 0.0
    nonce: str | None = None
    content: tuple[str, ...] = ()
    draws: Mapping[str, str] = field(default_factory=dict)

    def renamed(self, data_set: str) -> "Entry":
        """The same entry of a data set of another name."""
        return replace(self, data_set=data_set)


def release_entry(data_set: str, run_id: str, mechanism: str, unit: str, k: int | None = None) -> Entry:
    """A release that is only recorded: under k-anonymity."""
    return Entry(RELEASE, data_set, "", run_id, "k_anonymity", mechanism, unit, k)


def private_entry(data_set: str, run_id: str, mechanism: str, unit: str, spending: Spending) -> Entry:
    """A release that costs: under differential privacy."""
    return replace(
        Entry(RELEASE, data_set, "", run_id, "differential_privacy", mechanism, unit),
        epsilon=float(spending.epsilon),
        delta=float(spending.delta),
        rho=float(spending.rho),
        domain_delta=float(spending.domain_delta),
    )


def draw_entry(data_set: str, run_id: str, nonce: str | None, draws: Mapping[str, str]) -> Entry:
    """What a release has drawn: name of a table, of a number, or of a beginning → its hash."""
    return Entry(DRAW, data_set, "", run_id, nonce=nonce, draws=dict(draws))


def owners(tokens: Collection[str], entries: Sequence[Entry]) -> list[str]:
    """The data sets that were granted a budget, or released under differential privacy, with some of this content.

    Args:
        tokens: of the content, and of the beginnings of its files.
        entries: of the ledger.
    """
    wanted = set(tokens)
    paid = [entry for entry in entries if entry.epsilon is not None and not wanted.isdisjoint(entry.content)]
    return sorted({entry.data_set for entry in paid})


def name_now(data_set: str) -> str:
    """The name of a data set that was called by where it is, as that was written, before names were derived.

    >>> name_now("/nowhere/sub/../cases.csv, s3a://b/c"), name_now("cases")
    ('/nowhere/cases.csv, s3://b/c', 'cases')
    """
    parts = data_set.split(", ")
    placed = all(part.startswith("/") or scheme_of(part) is not None for part in parts)
    return ", ".join(sorted({resolved(part) for part in parts})) if placed else data_set


def entry_of(content: Mapping[str, Any]) -> Entry:
    """An entry as it was written; what earlier versions released is told by the name that its data set has now.

    Raises:
        TypeError: it is damaged.
    """
    entry = Entry(**{**content, "content": tuple(content.get("content", ()))})
    return entry.renamed(name_now(entry.data_set)) if entry.kind == RELEASE and entry.nonce is None else entry


def content_of(entry: Entry) -> dict[str, Any]:
    """An entry as it is written, without what it does not say."""
    return {key: value for key, value in asdict(entry).items() if value not in (None, (), {})}


def told_anew(entry: Entry, entries: Sequence[Entry]) -> Entry:
    """An entry with what no other one of its data set tells of its content."""
    known = {token for old in entries if _owns(old, entry) for token in old.content}
    return replace(entry, content=tuple(token for token in entry.content if token not in known))


def _owns(old: Entry, entry: Entry) -> bool:
    """Whether an entry tells of the content of another one's data set, and as strictly."""
    return old.data_set == entry.data_set and (old.epsilon is not None or entry.epsilon is None)


def missing(earlier: Sequence[Entry], entries: Sequence[Entry]) -> list[Entry]:
    """What an earlier ledger holds that this one does not; its grants where this one has none for their data set."""
    granted = {entry.data_set for entry in entries if entry.kind == GRANT}
    there = [entry for entry in entries if entry.kind != GRANT]
    return [
        entry for entry in earlier if (entry.data_set not in granted if entry.kind == GRANT else entry not in there)
    ]


def check_owner(entry: Entry, beginnings: Collection[str], entries: Sequence[Entry]) -> None:
    """Refuse a release under differential privacy whose content is that of another data set."""
    others = [name for name in owners({*entry.content, *beginnings}, entries) if name != entry.data_set]
    if entry.epsilon is not None and others:
        raise claimed(entry.data_set, others)


def claimed(data_set: str, others: Sequence[str]) -> BudgetError:
    """The refusal of a data set that holds content of others.

    Args:
        data_set: its name.
        others: those that have an account with this content.
    """
    names = ", ".join(f"'{name}'" for name in others)
    problem = f"holds content that has another account already, that of data set {names}: what both tell adds up"
    return BudgetError(f"data set '{data_set}'", problem, "name that one with data_set=…, and release under its budget")


def drawn(entry: Entry, entries: Sequence[Entry]) -> dict[str, str]:
    """What the release of an entry has drawn."""
    known: dict[str, str] = {}
    for old in entries:
        if old.kind == DRAW and (old.run_id, old.nonce) == (entry.run_id, entry.nonce):
            known |= old.draws
    return known


def check_drawn(entry: Entry, entries: Sequence[Entry], complete: bool) -> None:
    """Refuse draws that are not those of the release, or, if they are to be complete, that lack some of them.

    Raises:
        BudgetError: they are not, or there is no release of this run and data set.
    """
    released = [old for old in entries if old.kind == RELEASE and old.run_id == entry.run_id]
    if not any((old.nonce, old.data_set) == (entry.nonce, entry.data_set) for old in released):
        problem = "is not in the ledger as a release of this run and data set"
        raise BudgetError(f"run {entry.run_id}", problem, "make a new release, with another run_id")
    for name, digest in drawn(entry, entries).items():
        if entry.draws.get(name, None if complete else digest) != digest:
            done, what = ("begun to draw", "begun") if name.startswith(BEGINNING) else ("drawn", "drawn")
            told = f"its noise ({name}), as the ledger tells, and its folder does not hold what was {what}"
            problem = f"has {done} {told}"
            remedy = "restore the folder as it was when that was drawn, or make a new release; nothing is drawn again"
            raise BudgetError(f"run {entry.run_id}", problem, remedy)


def shares_name(old: Entry, entry: Entry) -> bool:
    """Whether a release has the run id of another; where neither costs anything, that is no matter."""
    cost = old.epsilon is not None or entry.epsilon is not None
    return old.kind == RELEASE and old.run_id == entry.run_id and cost


def is_same(old: Entry, entry: Entry) -> bool:
    """Whether an entry is that of a release.

    Raises:
        BudgetError: it has the run id of the release, and is that of another.
    """
    same = replace(old, at="", content=()) == replace(entry, at="", content=())
    if shares_name(old, entry) and not same:
        raise taken(entry)
    return same


def taken(entry: Entry) -> BudgetError:
    """The refusal of a release whose run id is that of another."""
    problem = "is in the ledger, as that of another run or with other terms"
    return BudgetError(f"run {entry.run_id}", problem, "give this release another name with run_id=…")
