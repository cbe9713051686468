"""What a data set was granted and has spent, over the entries of a privacy ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from synth_spark.errors import BudgetError
from synth_spark.privacy import Delta, Epsilon, Rho, epsilon_of
from synth_spark.privacy.entries import GRANT, RELEASE, Entry


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


def account_of(data_set: str, entries: list[Entry]) -> Account:
    """What entries say of a data set."""
    own = [entry for entry in entries if entry.data_set == data_set]
    grants = [entry for entry in own if entry.kind == GRANT]
    granted = (Epsilon(grants[-1].epsilon or 0), Delta(grants[-1].delta or 0)) if grants else None
    private = [entry for entry in own if entry.kind == RELEASE and entry.epsilon is not None]
    recorded = sum(entry.kind == RELEASE and entry.epsilon is None for entry in own)
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


def checked(entry: Entry, entries: list[Entry], required: bool) -> Account:
    """The account of an entry's data set before it, if it holds what that costs.

    Raises:
        BudgetError: it does not, or a budget is required and none was granted.
    """
    before = account_of(entry.data_set, entries)
    if entry.epsilon is not None and before.granted is not None:
        _check(before, account_of(entry.data_set, [*entries, entry]))
    elif entry.epsilon is not None and required:
        problem = "was granted no budget, which ledger.required asks for"
        raise BudgetError(f"data set '{entry.data_set}'", problem, "have one granted: synth-spark ledger grant")
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


def remarks_on(entry: Entry, before: Account, entries: Sequence[Entry]) -> list[str]:
    """What those who make a release should know of the account that it is charged to."""
    remarks = []
    if entry.epsilon is not None and before.granted is None:
        remarks.append(
            f"no budget was granted for data set {entry.data_set}: nothing limits its releases; what they cost is "
            "recorded: see synth-spark ledger show"
        )
    if before.k_releases and entry.epsilon is None:
        remarks.append(
            f"this data set has been released {before.k_releases} times before under k-anonymity; what releases tell "
            "together is looked at before this one is published, as far as the others are in its root or named"
        )
    elsewhere = any(old.epsilon is None and not {*old.content}.isdisjoint(entry.content) for old in entries)
    if (before.k_releases or elsewhere) and entry.epsilon is not None:
        remarks.append("this data set has also been released under k-anonymity, which ε does not account for")
    return remarks
