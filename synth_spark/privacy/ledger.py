"""The privacy ledger: what every release of a data set has cost, and what it may cost; outside the run folders.

A log that is only added to, by one who has seen all that is in it, so that two runs at once cannot both spend the last
of a budget. A release is debited once, before its first draw, under its run id; running on after a fault finds the
debit and does not repeat it. Releases under k-anonymity are recorded once they are published:
several of the same data can be compared, record by record. What is held, or failed, is none of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from synth_spark.errors import BudgetError, RunError
from synth_spark.privacy import Delta, Epsilon, Rho, Spending, epsilon_of
from synth_spark.runtime import faults

_GRANT, _RELEASE = "grant", "release"


@dataclass(frozen=True)
class Entry:
    """One entry of the ledger.

    Attributes:
        kind: grant or release.
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


@dataclass(frozen=True)
class Account:
    """What one data set has left.

    Attributes:
        data_set: its name.
        granted: (ε, δ), if a budget was granted.
        spent: (ε, δ) of all releases together.
        releases: how many under differential privacy.
        k_releases: how many under k-anonymity.
    """

    data_set: str
    granted: tuple[Epsilon, Delta] | None
    spent: tuple[Epsilon, Delta]
    releases: int
    k_releases: int


class Log(Protocol):
    """A log that is only added to, as `synth_spark.storage.append_log` has them."""

    @property
    def address(self) -> str:
        """Where it is."""

    def entries(self) -> list[dict[str, Any]]:
        """All entries, oldest first."""

    def append(self, decide: Callable[[list[dict[str, Any]]], dict[str, Any] | None]) -> None:
        """Add the entry that is decided on in the face of all others; none if that is None."""

    def check(self) -> None:
        """Raise `RunError` if no entry can be added."""


class Ledger:
    """A ledger in a log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def entries(self) -> list[Entry]:
        """All entries, oldest first.

        Raises:
            RunError: the log cannot be read, or is damaged.
        """
        with self._told():
            return self._entries(self._log.entries())

    def account(self, data_set: str) -> Account:
        """What a data set has been granted and has spent."""
        return _account(data_set, self.entries())

    def grant(self, data_set: str, epsilon: Epsilon, delta: Delta) -> Account:
        """Set the budget of a data set for all its releases; the last grant counts."""
        entry = Entry(_GRANT, data_set, _now(), epsilon=float(epsilon), delta=float(delta))
        with self._told():
            self._log.append(lambda _: _content(entry))
        return self.account(data_set)

    def debit(self, entry: Entry) -> list[str]:
        """Record a release, once.

        Args:
            entry: with its run id and nonce; of a release that is recorded already nothing is written.

        Returns:
            Remarks for those who make the release.

        Raises:
            BudgetError: the release would cost more than the data set has left, or another run, or one with other
                terms, was released under its run id; nothing was written.
            RunError: the ledger cannot be read or written.
        """
        remarks: list[str] = []

        def decide(contents: list[dict[str, Any]]) -> dict[str, Any] | None:
            entries = self._entries(contents)
            remarks.clear()
            if any(_is_same(old, entry) for old in entries):
                return None
            remarks.extend(_remarks(entry, _checked(entry, entries)))
            return _content(replace(entry, at=_now()))

        with self._told():
            self._log.append(decide)
        return remarks

    def check(self, entry: Entry) -> list[str]:
        """What entering a release would say, before any work; no entry is written.

        Args:
            entry: with what it costs at least.

        Returns:
            Remarks for those who make the release.

        Raises:
            BudgetError: the release would cost more than the data set has left, or its run id is taken.
            RunError: the ledger cannot be read or written.
        """
        with self._told():
            self._log.check()
        entries = self.entries()
        if any(old.kind == _RELEASE and old.run_id == entry.run_id for old in entries):
            raise _taken(entry)
        return _remarks(entry, _checked(entry, entries))

    def _entries(self, contents: list[dict[str, Any]]) -> list[Entry]:
        try:
            return [Entry(**content) for content in contents]
        except TypeError:
            remedy = "restore it from a backup: without it nobody knows what was spent"
            raise RunError(self._log.address, "holds a damaged entry", remedy) from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the log as errors of the ledger."""
        try:
            yield
        except RunError as error:
            if error.field != self._log.address:
                raise
            remedy = error.remedy if "backup" in error.remedy else f"{error.remedy}; or give another with ledger=…"
            raise RunError(f"ledger {error.field}", error.problem, remedy) from None


def release_entry(data_set: str, run_id: str, mechanism: str, unit: str, k: int | None = None) -> Entry:
    """A release that is only recorded: under k-anonymity."""
    return Entry(_RELEASE, data_set, "", run_id, "k_anonymity", mechanism, unit, k)


def private_entry(data_set: str, run_id: str, mechanism: str, unit: str, spending: Spending) -> Entry:
    """A release that costs: under differential privacy."""
    return replace(
        Entry(_RELEASE, data_set, "", run_id, "differential_privacy", mechanism, unit),
        epsilon=float(spending.epsilon),
        delta=float(spending.delta),
        rho=float(spending.rho),
        domain_delta=float(spending.domain_delta),
    )


def _content(entry: Entry) -> dict[str, Any]:
    return {key: value for key, value in asdict(entry).items() if value is not None}


def _is_same(old: Entry, entry: Entry) -> bool:
    """Whether an entry is that of a release.

    Raises:
        BudgetError: it has the run id of the release, and is that of another.
    """
    if old.kind != _RELEASE or old.run_id != entry.run_id:
        return False
    if replace(old, at="") != replace(entry, at=""):
        raise _taken(entry)
    return True


def _taken(entry: Entry) -> BudgetError:
    problem = "is in the ledger, as that of another run or with other terms"
    return BudgetError(f"run {entry.run_id}", problem, "give this release another name with run_id=…")


def _account(data_set: str, entries: list[Entry]) -> Account:
    own = [entry for entry in entries if entry.data_set == data_set]
    grants = [entry for entry in own if entry.kind == _GRANT]
    granted = (Epsilon(grants[-1].epsilon or 0), Delta(grants[-1].delta or 0)) if grants else None
    private = [entry for entry in own if entry.kind == _RELEASE and entry.epsilon is not None]
    recorded = sum(entry.kind == _RELEASE and entry.epsilon is None for entry in own)
    return Account(data_set, granted, _composed(private, granted), len(private), recorded)


def _composed(releases: list[Entry], granted: tuple[Epsilon, Delta] | None) -> tuple[Epsilon, Delta]:
    """What releases cost together: the sum of all ε and δ, or less if their ρ, added up, are worth less at that δ."""
    epsilon = Epsilon(sum(entry.epsilon or 0 for entry in releases))
    delta = Delta(min(1.0, sum(entry.delta or 0 for entry in releases)))
    if len(releases) < 2:
        return epsilon, delta
    at = granted[1] if granted is not None else delta
    left = float(at) - sum(entry.domain_delta for entry in releases)
    if left <= 0 or any(entry.rho is None for entry in releases):
        return epsilon, delta
    together = epsilon_of(Rho(sum(entry.rho or 0 for entry in releases)), Delta(left))
    return (together, at) if together < epsilon or delta > at else (epsilon, delta)


def _checked(entry: Entry, entries: list[Entry]) -> Account:
    """The account of an entry's data set before it, if it holds what that costs."""
    before = _account(entry.data_set, entries)
    if entry.epsilon is not None and before.granted is not None:
        _check(before, _account(entry.data_set, [*entries, entry]))
    return before


def _check(before: Account, after: Account) -> None:
    assert before.granted is not None
    epsilon, delta = before.granted
    if after.spent[0].value > epsilon.value * (1 + 1e-9) or after.spent[1].value > delta.value * (1 + 1e-9):
        raise BudgetError(
            f"data set '{before.data_set}'",
            f"has spent ε = {before.spent[0].value:.4g}, δ = {before.spent[1].value:.2g} of ε = {epsilon.value:.4g}, "
            f"δ = {delta.value:.2g}; with this release it would be ε = {after.spent[0].value:.4g}, "
            f"δ = {after.spent[1].value:.2g}",
            "lower privacy.epsilon or privacy.delta, or have more granted: synth-spark ledger grant",
        )


def _remarks(entry: Entry, before: Account) -> list[str]:
    remarks = []
    if entry.epsilon is not None and before.granted is None:
        remarks.append(
            "no budget was granted for this data set; what it costs is recorded: see synth-spark ledger show"
        )
    if before.k_releases and entry.epsilon is None:
        remarks.append(
            f"this data set has been released {before.k_releases} times before under k-anonymity; what releases tell "
            "together is looked at before this one is published, as far as the others are in its root or named"
        )
    if before.k_releases and entry.epsilon is not None:
        remarks.append("this data set has also been released under k-anonymity, which ε does not account for")
    return remarks


def _now() -> str:
    return faults.now().isoformat(timespec="seconds")
