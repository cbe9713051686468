"""The privacy ledger: what every release of a data set has cost, and what it may cost; outside the run folders.

An append-only file of JSON lines, each written whole and flushed to the disk under a lock, so that two runs at once
cannot both spend the last of a budget. A release is debited once, before its first draw, under its run id; running on
after a fault finds the debit and does not repeat it. Releases under k-anonymity are recorded once they are published:
several of the same data can be compared, record by record. What is held, or failed, is none of them.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from synth_spark.errors import BudgetError, RunError
from synth_spark.privacy import Delta, Epsilon, Rho, Spending, epsilon_of
from synth_spark.runtime import faults
from synth_spark.runtime.writable import check_writable

_GRANT, _RELEASE = "grant", "release"


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

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


class Ledger:
    """A ledger in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def entries(self) -> list[Entry]:
        """All lines, oldest first.

        Raises:
            RunError: the file cannot be read, or a line of it is damaged.
        """
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError):
            raise RunError(f"ledger {self.file}", "cannot be read", "check its permissions") from None
        try:
            return [Entry(**json.loads(line)) for line in text.splitlines() if line.strip()]
        except (ValueError, TypeError):
            remedy = "restore it from a backup: without it nobody knows what was spent"
            raise RunError(f"ledger {self.file}", "holds a damaged line", remedy) from None

    def account(self, data_set: str) -> Account:
        """What a data set has been granted and has spent."""
        return _account(data_set, self.entries())

    def grant(self, data_set: str, epsilon: Epsilon, delta: Delta) -> Account:
        """Set the budget of a data set for all its releases; the last grant counts."""
        with self._locked() as stream:
            _append(stream, Entry(_GRANT, data_set, _now(), epsilon=float(epsilon), delta=float(delta)))
        return self.account(data_set)

    def debit(self, entry: Entry) -> list[str]:
        """Record a release, once.

        Args:
            entry: with its run id; of a release that is recorded already nothing is written.

        Returns:
            Remarks for those who make the release.

        Raises:
            BudgetError: the release would cost more than the data set has left; nothing was written.
            RunError: the ledger cannot be read or written.
        """
        with self._locked() as stream:
            entries = self.entries()
            if any(old.kind == _RELEASE and old.run_id == entry.run_id for old in entries):
                return []
            before = _checked(entry, entries)
            _append(stream, Entry(**{**asdict(entry), "at": _now()}))
        return _remarks(entry, before)

    def check(self, entry: Entry) -> list[str]:
        """What entering a release would say, before any work; nothing is written.

        Args:
            entry: with what it costs at least.

        Returns:
            Remarks for those who make the release.

        Raises:
            BudgetError: the release would cost more than the data set has left.
            RunError: the ledger cannot be read or written.
        """
        check_writable(self.file, f"ledger {self.file}", RunError)
        try:
            folder = next(one for one in self.file.absolute().parents if one.exists())
            with tempfile.TemporaryFile(dir=folder) as probe:
                fcntl.flock(probe, fcntl.LOCK_EX)
        except OSError as error:
            problem = f"is where no file can be locked ({error.strerror})"
            raise RunError(f"ledger {self.file}", problem, "choose another file with ledger=…") from None
        return _remarks(entry, _checked(entry, self.entries()))

    @contextmanager
    def _locked(self) -> Iterator[Any]:
        """The file, to be appended to by nobody else."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            stream = self.file.open("a", encoding="utf-8")
        except OSError as error:
            raise RunError(
                "ledger", f"cannot be written ({error.strerror})", "choose another file with ledger=…"
            ) from None
        with stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield stream


def release_entry(data_set: str, run_id: str, mechanism: str, unit: str, k: int | None = None) -> Entry:
    """A release that is only recorded: under k-anonymity."""
    return Entry(_RELEASE, data_set, "", run_id, "k_anonymity", mechanism, unit, k)


def private_entry(data_set: str, run_id: str, mechanism: str, unit: str, spending: Spending) -> Entry:
    """A release that costs: under differential privacy."""
    costs = [float(cost) for cost in (spending.epsilon, spending.delta, spending.rho, spending.domain_delta)]
    return Entry(_RELEASE, data_set, "", run_id, "differential_privacy", mechanism, unit, None, *costs)


def _append(stream: Any, entry: Entry) -> None:
    stream.write(json.dumps({key: value for key, value in asdict(entry).items() if value is not None}) + "\n")
    stream.flush()
    os.fsync(stream.fileno())


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
