"""Budgets: values with arithmetic, the accountants' answers, and how a release is split."""

import math
from statistics import NormalDist

import pytest
from accounting import epsilon_of_all

from synth_spark import plan
from synth_spark.plan import DifferentialPrivacy
from synth_spark.privacy import (
    Delta,
    Epsilon,
    Rho,
    Sigma,
    Spending,
    chooses_share,
    compose,
    epsilon_of,
    fabrication,
    length_shares,
    measurable_triples,
    rho_of,
    scaled_to,
    sigma_of,
    spend,
    threshold,
    value_sigmas,
    value_threshold,
)


def _plan(**keys):
    synthesis = {"synthesis": {"kind": keys.pop("method")}} if "method" in keys else {}
    return plan.parse({"input": {"path": "x.csv"}, "privacy": {"epsilon": 1, "delta": 1.9e-6, **keys}, **synthesis})


def test_amounts_of_a_kind_add_up_and_others_do_not() -> None:
    assert Rho(0.5) + Rho(0.25) - Rho(0.5) == Rho(0.25)
    assert 2 * Epsilon(1) == Epsilon(2.0)
    with pytest.raises(TypeError):
        Epsilon(1) + Delta(1)
    with pytest.raises(ValueError, match="at least 0"):
        Rho(0.1) - Rho(0.2)


def test_rho_gives_the_scale_that_costs_it_and_back() -> None:
    for rho, squared in ((0.5, 1), (0.01, 20), (3.0, 0.25)):
        sigma = float(Rho(rho).sigma(squared))
        assert squared / (2 * sigma**2) == pytest.approx(rho)


def test_epsilon_of_a_gaussian_is_at_least_its_exact_one_and_below_the_simple_bound() -> None:
    """Bun and Steinke's bound is ε = ρ + 2 √(ρ ln 1/δ); the exact profile of a Gaussian is that of Balle and Wang."""
    normal = NormalDist()
    for rho, delta in ((0.0258, 1.9e-6), (0.5, 1e-5), (1e-3, 1e-9)):
        epsilon = float(epsilon_of(Rho(rho), Delta(delta)))
        mu = math.sqrt(2 * rho)
        exact = normal.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon) * normal.cdf(-mu / 2 - epsilon / mu)
        assert exact <= delta
        assert epsilon < rho + 2 * math.sqrt(rho * math.log(1 / delta))


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0])
def test_the_most_rho_costs_the_budget_and_no_more(epsilon: float) -> None:
    delta = Delta(1e-6)
    rho = rho_of(Epsilon(epsilon), delta)
    assert float(epsilon_of(rho, delta)) <= epsilon * (1 + 1e-12)
    assert float(epsilon_of(rho * 1.001, delta)) > epsilon


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0])
def test_composing_losses_allows_less_noise_but_never_less_than_the_exact_gaussian(epsilon: float) -> None:
    delta = 1.9e-6
    scales = [
        float(sigma) for sigma in scaled_to([Sigma(1.0)] * 60 + [Sigma(2.0)] * 40, Epsilon(epsilon), Delta(delta))
    ]
    rho = sum(1 / (2 * sigma**2) for sigma in scales)
    assert rho > 1.04 * float(rho_of(Epsilon(epsilon), Delta(delta)))
    normal, mu = NormalDist(), math.sqrt(2 * rho)
    exact = normal.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon) * normal.cdf(-mu / 2 - epsilon / mu)
    assert 0.8 * delta < exact <= delta
    assert scales[-1] / scales[0] == pytest.approx(2)


def test_tables_share_a_budget_exactly() -> None:
    sigmas = sigma_of([4, 4, 100, 2_000], Rho(0.02))
    assert sum(1 / (2 * float(sigma) ** 2) for sigma in sigmas) == pytest.approx(0.02)
    several = value_sigmas(Rho(0.02), [4, 10], [1, 8])
    assert 1 / (2 * float(several[0]) ** 2) + 8 / (2 * float(several[1]) ** 2) == pytest.approx(0.02)


@pytest.mark.parametrize("method", ["marginal_matching", "aggregate_seeded"])
@pytest.mark.parametrize("public", [True, False])
def test_shares_add_up_to_the_budget(method: str, public: bool) -> None:
    asked = _plan(public_domain=public)
    spending = spend(asked, 3, 14)
    assert sum(share.rho.value for share in spending.shares) == pytest.approx(spending.rho.value, rel=1e-12)
    left = Delta(1.9e-6) - spending.domain_delta
    assert float(epsilon_of(spending.rho, left)) <= 1
    assert (spending.domain_delta == Delta(0)) is public


@pytest.mark.parametrize("columns", [14, 53])
def test_a_chosen_share_is_paid_by_pairs_and_a_noisy_number_of_records_is_paid_for(columns: int) -> None:
    before = spend(_plan(), 3, columns)
    for share in (0.15, 0.7):
        spending = spend(_plan(), 3, columns, None, share)
        assert spending.rho == before.rho
        assert sum(one.rho.value for one in spending.shares) == pytest.approx(spending.rho.value, rel=1e-12)
        assert spending.on("values").value == pytest.approx(share * spending.rho.value)
        assert spending.on("records").value == pytest.approx(0.005 * spending.rho.value)
        assert spending.on("pairs").value > 0
    assert spend(_plan(domain_share=0.4), 3, columns).on("values").value == pytest.approx(0.4 * before.rho.value)
    for fixed in ({"domain_share": 0.4}, {"public_domain": True}, {"method": "aggregate_seeded"}):
        assert not chooses_share(_plan(**fixed))


@pytest.mark.parametrize("public", [True, False])
def test_triples_have_a_share_from_epsilon_three_on_which_pairs_pay(public: bool) -> None:
    """A sixth of it is for the choice; where no table may be measured, or the plan says none, pairs keep it."""
    usual = _plan(epsilon=3, public_domain=public)
    for asked, share in (
        (usual, 0.12),
        (_plan(epsilon=2.99, public_domain=public), 0.0),
        (_plan(epsilon=10, public_domain=public, triple_share=0), 0.0),
        (_plan(epsilon=1, public_domain=public, triple_share=0.15), 0.15),
    ):
        spending = spend(asked, 3, 14, None, None, 5)
        scores, tables, pairs = (spending.on(purpose).value / spending.rho.value for purpose in
                                 ("triple scores", "triples", "pairs"))  # fmt: skip
        assert (scores, tables) == pytest.approx((share / 6, share * 5 / 6))
        assert pairs == pytest.approx(1 - share - 0.15 - (0 if public else 0.005))
        assert sum(one.rho.value for one in spending.shares) == pytest.approx(spending.rho.value, rel=1e-12)
    purposes = {one.purpose for one in spend(usual, 3, 14, None, None, 0).shares}
    assert (
        purposes
        == {one.purpose for one in spend(usual, 2, 2).shares}
        == {"values", "pairs"} | (set() if public else {"records"})
    )
    assert "triples" not in {one.purpose for one in spend(_plan(epsilon=5, method="aggregate_seeded"), 3, 14).shares}


def test_tables_of_triples_may_be_measured_where_the_plan_has_a_share_for_them() -> None:
    sizes = [2, 3, 4, 2_000]
    assert measurable_triples(_plan(epsilon=3), sizes).tolist() == [[0, 1, 2]]
    for asked in (_plan(epsilon=1), _plan(epsilon=3, triple_share=0), _plan(epsilon=3, method="aggregate_seeded")):
        assert measurable_triples(asked, sizes).shape == (0, 3)


def test_many_columns_pay_for_choosing_pairs() -> None:
    assert spend(_plan(), 3, 14).on("selection") == Rho(0)
    assert spend(_plan(), 3, 53).on("selection").value > 0


def _epsilon_of_lines(spending: Spending, columns: int, triples: int) -> float:
    """ε of all draws over columns of four values each, of which all pairs and triples are measured, one by one."""
    pairs = math.comb(columns, 2)
    scales = [math.sqrt(number / (2 * spending.on(purpose).value)) for purpose, number in
              (("values", columns), ("pairs", pairs), ("triples", triples))]  # fmt: skip
    lines = [scales[0]] * columns + [scales[1]] * pairs + [scales[2]] * triples
    lines.append(math.sqrt(1 / (2 * spending.on("triple scores").value)))
    return epsilon_of_all({"": lines}, 1.9e-6)


def test_losses_are_composed_where_all_scales_are_known_before_the_first_draw_and_only_there() -> None:
    sizes = [3, 4, 5]
    held = [1, 1, 1]
    found = compose(_plan(public_domain=True), sizes, sizes, held)
    assert found is not None
    assert found > float(rho_of(Epsilon(1), Delta(1.9e-6)))
    asked = _plan(epsilon=10, public_domain=True)
    composed = compose(asked, [4] * 6, [4] * 6, [1] * 6)
    assert composed is not None
    assert composed > float(rho_of(Epsilon(10), Delta(1.9e-6)))
    assert _epsilon_of_lines(spend(asked, 3, 6, composed, None, 20), 6, 20) < 10.01
    assert compose(_plan(), sizes, sizes, held) is None
    assert compose(_plan(public_domain=True, method="aggregate_seeded"), sizes, sizes, held) is None
    assert compose(_plan(public_domain=True, most_pairs=2), sizes, sizes, held) is None


def test_thresholds_of_sds() -> None:
    """SDS's known answer: row 1, Δ = 10, σ₂ = 2.72043524."""
    sigma = 2.72043524 * math.sqrt(10)
    for share, expected in ((0.55, 5.14239), (0.1, 14.1503), (0.01, 22.1593), (1.0, 0.0)):
        terms = DifferentialPrivacy(epsilon=4, fabrication=(share,))
        assert threshold(terms, sigma, 2, 3) == pytest.approx(expected, rel=1e-4, abs=1e-9)
    assert threshold(DifferentialPrivacy(epsilon=4, thresholds={2: 7.5}), sigma, 2, 3) == 7.5


def test_the_threshold_of_values_is_that_of_sds_rounded_up() -> None:
    """SDS's known answer: row 1, Δ₁ = 5: T₁ = 64.5738 for σ₁ √Δ₁ and δ/2."""
    sigma = Sigma(5.44087048 * math.sqrt(5))
    assert value_threshold(sigma, Delta(8.685889638e-7 / 2), 5) == 65


def test_fabrication_modes_of_sds() -> None:
    """SDS's known answer: R = 4."""
    modes = {
        "progressive": [0.1, 0.55, 1.0],
        "balanced": [0.55, 1.0, 1.0],
        "minimise": [0.01, 0.01, 0.01],
        "uncontrolled": [1.0, 1.0, 1.0],
    }
    for mode, expected in modes.items():
        terms = DifferentialPrivacy(epsilon=1, fabrication=mode)
        assert [fabrication(terms, length, 4) for length in (2, 3, 4)] == pytest.approx(expected)
    assert fabrication(DifferentialPrivacy(epsilon=1, fabrication="progressive"), 2, 2) == 0.1


def test_accuracy_modes_give_the_proportions_of_sds() -> None:
    """SDS's known answer: with 1, 1/2, 1/3 the scales are 5.44087048, 2.72043524, 1.81362349."""
    shares = length_shares(DifferentialPrivacy(epsilon=4, accuracy="long"), 3)
    scales = [1 / math.sqrt(share) for share in shares]
    assert [scale / scales[0] for scale in scales] == pytest.approx([1, 1 / 2, 1 / 3])
    rho = 0.238850453 * 0.99
    assert [float((Rho(rho) * share).sigma()) for share in shares] == pytest.approx(
        [5.44087048, 2.72043524, 1.81362349]
    )
    assert length_shares(DifferentialPrivacy(epsilon=4, accuracy="balanced"), 3) == pytest.approx([1 / 3] * 3)
    assert length_shares(DifferentialPrivacy(epsilon=4), 2) == pytest.approx([1 / 7, 6 / 7])


@pytest.mark.parametrize(
    ("epsilon", "delta", "rho"),
    [
        (4 * 0.995, 8.685889638e-7, 0.238850453),
        (1.0, 0.001, 0.0308902067),
        (0.95, 1.447648273e-4, 0.0225559403),
        (12 * 0.995, 4.163352863e-5, 2.20009238),
        (4.0, 0.014705247870394202, 0.591289508),
    ],
)
def test_the_same_budget_is_worth_more_than_in_sds(epsilon: float, delta: float, rho: float) -> None:
    """SDS's known answer: ρ of its closed bound at δ/2; the tight conversion allows more at that δ."""
    assert rho < float(rho_of(Epsilon(epsilon), Delta(delta / 2))) < 2 * rho
