"""The privacy ledger: what every release of a data set has cost, and what it may cost; outside the run folders.

A log that is only added to, by one who has seen all that is in it, so that two runs at once cannot both spend the last
of a budget. A release is debited once, before its first draw, under its run id; running on after a fault finds the
debit and does not repeat it. What was drawn is recorded, too, by its hashes, so that a run folder that lost its noise
draws none again. Releases under k-anonymity are recorded once they are published:
several of the same data can be compared, record by record. What is held, or failed, is none of them.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from synth_spark.errors import RunError
from synth_spark.privacy import Delta, Epsilon
from synth_spark.privacy.accounts import Account, account_of, checked, remarks_on
from synth_spark.privacy.entries import (
    DRAW,
    GRANT,
    RELEASE,
    Entry,
    check_drawn,
    check_owner,
    content_of,
    drawn,
    entry_of,
    is_same,
    missing,
    private_entry,
    release_entry,
    shares_name,
    taken,
    told_anew,
)
from synth_spark.runtime import faults

__all__ = ["Account", "Entry", "Ledger", "Log", "private_entry", "release_entry"]


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
    """A ledger in a log, and what an earlier one holds that is to be taken over into it."""

    def __init__(self, log: Log, earlier: Sequence[Entry] = ()) -> None:
        self._log, self._earlier = log, earlier

    def entries(self) -> list[Entry]:
        """All grants and releases, oldest first, with those that are to be taken over.

        Raises:
            RunError: the log cannot be read, or is damaged.
        """
        return [entry for entry in self._all() if entry.kind != DRAW]

    def drawn(self, entry: Entry) -> dict[str, str]:
        """What a release has drawn, by name → hash.

        Args:
            entry: of the release.

        Raises:
            RunError: the log cannot be read, or is damaged.
        """
        return drawn(entry, self._all())

    def _all(self) -> list[Entry]:
        with self._told():
            entries = self._entries(self._log.entries())
        return [*missing(self._earlier, entries), *entries]

    def account(self, data_set: str) -> Account:
        """What a data set has been granted and has spent."""
        return account_of(data_set, self.entries())

    def grant(self, data_set: str, epsilon: Epsilon, delta: Delta, content: Collection[str] = ()) -> Account:
        """Set the budget of a data set for all its releases; the last grant counts.

        Args:
            data_set: its name.
            epsilon: ε of all its releases.
            delta: δ of all its releases.
            content: what it is made of, so that it is known under another name.
        """
        entry = Entry(GRANT, data_set, _now(), epsilon=float(epsilon), delta=float(delta), content=tuple(content))
        with self._told():
            self._take_over()
            self._log.append(lambda contents: content_of(told_anew(entry, self._entries(contents))))
        return self.account(data_set)

    def debit(self, entry: Entry, beginnings: Collection[str] = (), required: bool = False) -> list[str]:
        """Record a release, once.

        Args:
            entry: with its run id and nonce; of a release that is recorded already nothing is written.
            beginnings: how files of its content begin, which may have been files of their own.
            required: whether a budget must have been granted.

        Returns:
            Remarks for those who make the release.

        Raises:
            BudgetError: the release would cost more than the data set has left, its content was released as that of
                another data set, or another run, or one with other terms, was released under its run id; nothing was
                written.
            RunError: the ledger cannot be read or written.
        """
        remarks: list[str] = []

        def decide(contents: list[dict[str, Any]]) -> dict[str, Any] | None:
            entries = self._entries(contents)
            remarks.clear()
            if any(is_same(old, entry) for old in entries):
                return None
            check_owner(entry, beginnings, entries)
            remarks.extend(remarks_on(entry, checked(entry, entries, required), entries))
            return content_of(told_anew(replace(entry, at=_now()), entries))

        with self._told():
            self._take_over()
            self._log.append(decide)
        return remarks

    def check(self, entry: Entry, required: bool = False) -> list[str]:
        """What entering a release would say, before any work; no entry is written.

        Args:
            entry: with what it costs at least.
            required: whether a budget must have been granted.

        Returns:
            Remarks for those who make the release.

        Raises:
            BudgetError: the release would cost more than the data set has left, or its run id is taken.
            RunError: the ledger cannot be read or written.
        """
        with self._told():
            self._log.check()
        entries = self.entries()
        if any(shares_name(old, entry) for old in entries):
            raise taken(entry)
        return remarks_on(entry, checked(entry, entries, required), entries)

    def enter_draws(self, entry: Entry) -> None:
        """Record what a debited release has drawn, before anything is made of it; what is recorded already, once.

        Args:
            entry: see `draw_entry`.

        Raises:
            BudgetError: the release was not debited, or has drawn something else under one of these names.
            RunError: the ledger cannot be read or written.
        """

        def decide(contents: list[dict[str, Any]]) -> dict[str, Any] | None:
            entries = self._entries(contents)
            check_drawn(entry, entries, complete=False)
            known = drawn(entry, entries)
            new = {name: digest for name, digest in entry.draws.items() if name not in known}
            return content_of(replace(entry, at=_now(), draws=new)) if new else None

        with self._told():
            self._log.append(decide)

    def check_drawn(self, entry: Entry) -> None:
        """Refuse to go on with a run folder that does not hold all that its release has drawn.

        Args:
            entry: see `draw_entry`; with all draws that the folder holds.

        Raises:
            BudgetError: another run was released under its name, or the ledger knows draws that the folder lacks.
            RunError: the ledger cannot be read.
        """
        entries = self._all()
        if any(old.kind == RELEASE and old.run_id == entry.run_id for old in entries):
            check_drawn(entry, entries, complete=True)

    def _take_over(self) -> None:
        """Write what is to be taken over, each entry once, whoever else does at the same time."""
        for earlier in self._earlier:

            def decide(contents: list[dict[str, Any]], one: Entry = earlier) -> dict[str, Any] | None:
                return content_of(one) if missing([one], self._entries(contents)) else None

            self._log.append(decide)

    def _entries(self, contents: list[dict[str, Any]]) -> list[Entry]:
        try:
            return [entry_of(content) for content in contents]
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


def _now() -> str:
    return faults.now().isoformat(timespec="seconds")
