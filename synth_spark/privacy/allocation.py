"""How a release spends its budget: shares of ρ and δ by purpose, the same before, during and after a run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

from synth_spark.kernels.cells import Ints
from synth_spark.kernels.marginals.triples import candidates, number_measured
from synth_spark.plan import DifferentialPrivacy, Plan
from synth_spark.privacy.accountant import rho_of, scaled_to
from synth_spark.privacy.units import Delta, Epsilon, Rho, Sigma, sigma_of

#: Shares of ρ by length, where `accuracy` is "records": singles, pairs, and all longer ones together.
_RECORDS = (0.1, 0.6, 0.3)
#: SDS's names of how much is fabricated → twice the chance at length 2, …, R that nothing is released as something.
_LEAST_FABRICATED, _BALANCED = 0.01, 0.55
#: Share of ρ for single counts where nothing else is said (marginal_matching).
_VALUES = 0.15
#: What of the share for triples of columns the choice of them costs.
_CHOICE = 1 / 6
#: Purposes of shares: noisy scores of all triples of columns that may be measured, and tables of those that are.
TRIPLE_SCORES, TRIPLES = "triple scores", "triples"


@dataclass(frozen=True)
class Share:
    """What one purpose may cost."""

    purpose: str
    rho: Rho
    delta: Delta


@dataclass(frozen=True)
class Spending:
    """The budget of a release and its split.

    Attributes:
        epsilon: ε of the release.
        delta: δ of the release; the shares' δ and what converts ρ are in it.
        rho: what ρ the rest of the budget is worth.
        shares: what is spent on what; their ρ adds up to ``rho``.
        composed: whether ρ comes from composing privacy losses, all scales being fixed beforehand.
    """

    epsilon: Epsilon
    delta: Delta
    rho: Rho
    shares: tuple[Share, ...]
    composed: bool = False

    def on(self, purpose: str) -> Rho:
        """ρ for a purpose; 0 if there is none."""
        return sum((share.rho for share in self.shares if share.purpose == purpose), Rho(0))

    @property
    def domain_delta(self) -> Delta:
        """δ for which values exist."""
        return sum((share.delta for share in self.shares), Delta(0))


def spend(
    plan: Plan,
    lengths: int,
    columns: int,
    rho: float | None = None,
    domain_share: float | None = None,
    triples: int | None = None,
) -> Spending:
    """Split the budget of a plan.

    Shares may follow a noisy number of records: whatever it is, what comes after costs no more than the rest of ρ, so
    all of it together costs ρ (Bun and Steinke 2016, lemma 2.3, for steps that look at what earlier ones gave out).

    Args:
        plan: with differential privacy.
        lengths: longest combination that is counted.
        columns: number of columns that are counted, as far as is known.
        rho: what the budget is worth by `compose`; default: what it is worth to adaptive steps.
        domain_share: what was chosen for single counts; default: what the plan says, or what is usual.
        triples: of how many triples of columns the tables may be measured; default: of some, where there are three
            columns. Where there are none, their share is that of pairs.
    """
    terms = plan.private_terms
    epsilon, delta = Epsilon(terms.epsilon), Delta(terms.delta)
    for_values = Delta(0) if terms.public_domain is True else delta * terms.domain_delta_share
    total = rho_of(epsilon, delta - for_values) if rho is None else Rho(rho)
    if plan.synthesis.kind == "marginal_matching":
        parts = {"records": terms.record_count_share} if chooses_share(plan) else {}
        parts["values"] = _share(terms, domain_share)
        if chooses_pairs(terms, columns):
            parts["selection"] = terms.selection_share
        if math.comb(columns, 3) if triples is None else triples:
            parts |= _triple_shares(terms)
        parts["pairs"] = 1 - sum(parts.values())
    else:
        caps = terms.percentile_share if lengths > 1 else 0.0
        left = 1 - terms.record_count_share - caps
        by_length = length_shares(terms, lengths)
        parts = {"records": terms.record_count_share, "values": left * by_length[0]}
        for length, share in enumerate(by_length[1:], 2):
            parts |= {f"cap {length}": caps / (lengths - 1), f"length {length}": left * share}
    shares = [
        Share(purpose, total * part, for_values if purpose == "values" else Delta(0)) for purpose, part in parts.items()
    ]
    return Spending(epsilon, delta, total, tuple(shares), rho is not None)


def _triple_shares(terms: DifferentialPrivacy) -> dict[str, float]:
    """Shares of ρ for triples of columns by purpose; none where the plan has none."""
    share = terms.share_of_triples
    return {TRIPLE_SCORES: share * _CHOICE, TRIPLES: share * (1 - _CHOICE)} if share else {}


def measurable_triples(plan: Plan, sizes: Sequence[int]) -> Ints:
    """(t, 3) the triples of columns whose tables may be measured; none where the plan has no share for them.

    Args:
        plan: with differential privacy.
        sizes: places of the table of each column that is counted, absent being one where it has a place.
    """
    wanted = plan.synthesis.kind == "marginal_matching" and plan.private_terms.share_of_triples > 0
    return candidates(sizes if wanted else ())


def chooses_share(plan: Plan) -> bool:
    """Whether the share for single counts is chosen by a noisy number of records.

    Not where all values are public: all scales are known before the first draw there, which allows less noise.

    Args:
        plan: with differential privacy.
    """
    terms = plan.private_terms
    open_to_choice = terms.public_domain is not True and terms.domain_share is None
    return plan.synthesis.kind == "marginal_matching" and open_to_choice


def _share(terms: DifferentialPrivacy, chosen: float | None = None) -> float:
    given = terms.domain_share if chosen is None else chosen
    return _VALUES if given is None else given


def compose(plan: Plan, tables: list[int], columns: list[int], held: list[int]) -> float | None:
    """ρ that the budget is worth where every scale is known before the first draw; None where one is not.

    Which triples of columns are measured follows from noisy scores, but how many, and at what scale, does not; losses
    of steps of given scales compose whatever each of them measures (Zhu, Dong and Wang 2022).

    Args:
        plan: with differential privacy.
        tables: cells of the table of every field.
        columns: cells of the table of every column that is counted: a field with several values has one for each.
        held: the most values of a field that a subject has.
    """
    terms = plan.private_terms
    share = _share(terms)
    pairs = [a * b for a, b in combinations(columns, 2)]
    fixed = terms.public_domain is True and plan.synthesis.kind == "marginal_matching"
    if not fixed or len(pairs) > terms.most_pairs:
        return None
    singles = [
        sigma for sigma, most in zip(value_sigmas(Rho(share), tables, held), held, strict=True)
        for _ in range(most)
    ]  # fmt: skip
    scored = len(measurable_triples(plan, columns))
    of_triples = _triple_shares(terms) if scored else {}
    scales = [*singles, *(sigma_of(pairs, Rho(1 - share - sum(of_triples.values()))) if pairs else [])]
    for purpose, number in ((TRIPLE_SCORES, scored), (TRIPLES, number_measured(scored, len(columns)))):
        scales += [Rho(of_triples[purpose]).sigma(number)] * number if of_triples else []
    sigmas = scaled_to(scales, Epsilon(terms.epsilon), Delta(terms.delta))
    return sum(1 / (2 * float(sigma) ** 2) for sigma in sigmas) if pairs else None


def value_sigmas(rho: Rho, tables: list[int], held: list[int]) -> list[Sigma]:
    """Scale of the noise of every field's counts.

    Args:
        rho: for all of them.
        tables: cells of every field's table, or 1 each where they are private.
        held: the most values of a field that a subject has: the squared sensitivity of its counts.
    """
    return [sigma * math.sqrt(most) for sigma, most in zip(sigma_of(tables, rho), held, strict=True)]


def value_threshold(sigma: Sigma, delta: Delta, attributes: int) -> int:
    """The noisy count that a private value must exceed.

    A subject alone with ``attributes`` values is given away by none of them with probability 1 − δ: a count of 1 passes
    T with P[Z ≥ T] ≤ P[N(0, σ²) ≥ T − 1] (Canonne, Kamath and Steinke 2020, proposition 25).

    >>> value_threshold(Sigma(10.0), Delta(1e-6), 5)
    52
    """
    one = -math.expm1(math.log1p(-float(delta)) / attributes)
    return math.ceil(1 - float(sigma) * NormalDist().inv_cdf(one))


def length_shares(terms: DifferentialPrivacy, lengths: int) -> list[float]:
    """Share of ρ of each length: of scales in proportion p, shares are ∝ 1 / p²."""
    if terms.accuracy == "records":
        shares = [*_RECORDS[: min(lengths, 2)], *[_RECORDS[2] / max(1, lengths - 2)] * max(0, lengths - 2)]
    else:
        modes = {
            "long": [1 / length for length in range(1, lengths + 1)],
            "short": [1 / (lengths - length + 1) for length in range(1, lengths + 1)],
            "balanced": [1.0] * lengths,
        }
        given = modes[terms.accuracy] if isinstance(terms.accuracy, str) else [*terms.accuracy]
        given += [given[-1]] * (lengths - len(given))
        shares = [1 / proportion**2 for proportion in given[:lengths]]
    return [share / sum(shares) for share in shares]


def fabrication(terms: DifferentialPrivacy, length: int, lengths: int) -> float:
    """Twice the chance that a combination of a length which does not exist is released."""
    if not isinstance(terms.fabrication, str):
        return terms.fabrication[min(length - 2, len(terms.fabrication) - 1)] if terms.fabrication else 1.0
    if terms.fabrication == "minimise":
        return _LEAST_FABRICATED
    if terms.fabrication == "balanced":
        return _BALANCED if length == 2 else 1.0
    if terms.fabrication == "progressive":
        return 0.1 if lengths == 2 else min(1.0, 0.1 + 0.9 * (length - 2) / (lengths - 2))
    return 1.0


def threshold(terms: DifferentialPrivacy, sigma: float, length: int, lengths: int) -> float:
    """The noisy count that a combination of length ≥ 2 must exceed, for noise of this scale.

    >>> plain = DifferentialPrivacy(epsilon=1, fabrication="minimise")
    >>> round(threshold(plain, 2.72043524 * 10**0.5, 2, 3), 4)
    22.1593
    """
    if length in terms.thresholds:
        return terms.thresholds[length]
    return -sigma * NormalDist().inv_cdf(min(fabrication(terms, length, lengths) / 2, 0.5))


def chooses_pairs(terms: DifferentialPrivacy, columns: int) -> bool:
    """Whether there are more pairs of columns than are all measured."""
    return math.comb(columns, 2) > terms.most_pairs
