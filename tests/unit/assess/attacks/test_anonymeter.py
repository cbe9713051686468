"""Attacks against their definitions, on tables that leak and on tables that do not."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_tables import few, random_table

from synth_spark.assess.attacks import Terms, examine
from synth_spark.assess.attacks.anonymeter import attack
from synth_spark.assess.attacks.intervals import Rate, risk, success_rate
from synth_spark.kernels.cells import Codes
from synth_spark.kernels.risk.nearest_record import fits, nearest

rows = st.lists(st.tuples(*(st.integers(0, 3) for _ in range(4))), min_size=1, max_size=12)


def table(drawn: list[tuple[int, ...]]) -> Codes:
    return np.array(drawn, np.uint16).reshape(-1, 4)


@few
@given(rows, rows, st.lists(st.integers(0, 3), unique=True, min_size=1))
def test_the_nearest_record_differs_in_the_fewest_columns(targets, records, columns) -> None:
    places, distances = nearest(table(targets), table(records), np.array(columns))
    for target, place, distance in zip(targets, places.tolist(), distances.tolist(), strict=True):
        apart = [sum(target[c] != record[c] for c in columns) for record in records]
        assert distance == min(apart)
        assert place == apart.index(min(apart))


@few
@given(rows, rows)
def test_descriptions_fit_the_records_that_have_all_of_their_values(described, records) -> None:
    columns = np.tile([0, 2], (len(described), 1))
    found = fits(columns, table(described)[:, [0, 2]], table(records))
    for one, number in zip(described, found.tolist(), strict=True):
        assert number == min(2, sum((record[0], record[2]) == (one[0], one[2]) for record in records))


@pytest.mark.parametrize(("successes", "attacks"), [(0, 50), (7, 100), (100, 100)])
def test_rates_are_wilsons(successes: int, attacks: int) -> None:
    """The ends of the interval solve (p − s/n)² = z² p (1 − p) / n."""
    rate = success_rate(attacks, successes)
    for end in (rate.value - rate.error, rate.value + rate.error):
        assert (end - successes / attacks) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / attacks, abs=1e-9)


def test_risk_is_the_gain_over_the_control_and_propagates_both_errors() -> None:
    value, low, high = risk(Rate(0.6, 0.03), Rate(0.2, 0.04))
    assert value == pytest.approx(0.5)
    step = 1e-6
    by_main = ((0.6 + step - 0.2) / 0.8 - 0.5) / step
    by_control = ((0.6 - 0.2 - step) / (0.8 - step) - 0.5) / step
    half = math.hypot(0.03 * by_main, 0.04 * by_control)
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-5)
    assert risk(Rate(0.1, 0.05), Rate(0.3, 0.05))[:2] == (0, 0)


NAMES = tuple("abcdefghij")
TERMS = Terms(tuple(range(11)), NAMES, ("c",), 400, 7)


@pytest.fixture(scope="module")
def halves() -> tuple[Codes, Codes]:
    """Two independent tables of the same kind, 10 columns of up to 12 values."""
    made = [random_table(seed, 1_500, (4, 12, 3, 9, 5, 12, 2, 7, 6, 12)).codes for seed in (1, 2)]
    return made[0], made[1]


def risks(trained: Codes, control: Codes, made: Codes) -> dict[tuple[str, str | None], tuple[float, float]]:
    found = [row for row in attack(trained, control, made, TERMS) if row["measure"] == "risk"]
    return {(row["comparison"], row["about"]): (row["value"], row["low"]) for row in found}


def test_a_copy_of_the_records_is_found_out_by_every_attack(halves) -> None:
    trained, control = halves
    found = risks(trained, control, trained)
    assert set(found) == {("singling out", "several columns"), ("linkability", None), ("inference", "c")}
    assert found["linkability", None][1] > 0.3
    assert found["inference", "c"][1] > 0.3
    assert found["singling out", "several columns"][1] > 0.05


def test_independent_records_give_nothing_away(halves) -> None:
    trained, control = halves
    other = random_table(3, 1_500, (4, 12, 3, 9, 5, 12, 2, 7, 6, 12)).codes
    for name, (value, low) in risks(trained, control, other).items():
        assert low == 0, name
        assert value < 0.1, name


def test_the_same_seed_makes_the_same_attacks(halves) -> None:
    trained, control = halves
    assert list(attack(trained, control, trained, TERMS)) == list(attack(trained, control, trained, TERMS))


def test_too_few_records_are_not_attacked() -> None:
    few_ = random_table(1, 15, (2, 2, 2)).codes
    terms = Terms((0, 1, 2, 3), ("a", "b", "c"), (), 100, 1)
    found = list(attack(few_, few_, few_, terms))
    assert {row["measure"] for row in found} == {"attacks"}
    assert all(row["value"] < 20 for row in found)


def test_a_field_of_several_values_is_inferred_whole(halves) -> None:
    trained, control = halves
    flags = (trained > 1).astype(np.uint16)
    terms = Terms((0, 3, 6, 10), ("x", "y", "z"), ("y",), 300, 1)
    found = {row["measure"]: row["value"] for row in attack(flags, (control > 1).astype(np.uint16), flags, terms)
             if row["comparison"] == "inference"}  # fmt: skip
    assert found["attacks"] == 300
    assert found["main"] > found["control"]


def test_the_smoke_test_is_what_listing_finds() -> None:
    used, held_out, made = (random_table(seed, 60, (3, 4, 2)).codes for seed in (1, 2, 3))
    terms = Terms((0, 1, 2, 3), ("a", "b", "c"), (), 100, 1)
    found = {row["measure"]: row["value"] for row in attack(used, held_out, made, terms)
             if row["comparison"] == "nearest record"}  # fmt: skip
    for name, side in (("used", used), ("held_out", held_out)):
        nearest_ = [min(sum(a != b for a, b in zip(one, other, strict=True)) for other in made) for one in side]
        assert found[f"mean_distance_{name}"] == pytest.approx(np.mean(nearest_))
        assert found[f"identical_share_{name}"] == pytest.approx(nearest_.count(0) / 60)
        assert 0 < found[f"identical_share_{name}"] < 1


def test_accuracies_are_those_of_the_librarys_model_on_plain_tables(halves) -> None:
    """Trained on indicators that pandas makes; majority: the most frequent value of the real records."""
    from sklearn.linear_model import LogisticRegression

    trained, control = halves
    linked, held = trained.copy(), control.copy()
    for side in (linked, held):
        side[:, 2] = np.minimum(side[:, 0], 3)
    made = linked.copy()
    made[::2, 2] = 1  # half of them wrong
    found = {r["measure"]: r["value"] for _, r in examine(linked, held, made, TERMS) if r["about"] == "c"
             and r["topic"] == "model"}  # fmt: skip
    frames = {name: pd.DataFrame(side).astype(str) for name, side in (("r", linked), ("s", made), ("t", held))}
    others = pd.get_dummies(pd.concat(frames).drop(columns=2))
    for measure, name in (("synthetic_accuracy", "s"), ("real_accuracy", "r")):
        model = LogisticRegression(max_iter=1_000).fit(others.loc[name].values, frames[name][2])
        expected = np.mean(model.predict(others.loc["t"].values) == frames["t"][2])
        assert found[measure] == pytest.approx(expected, abs=0.02)
    assert found["synthetic_accuracy"] < found["real_accuracy"]
    assert found["majority"] == np.mean(frames["t"][2] == frames["r"][2].mode()[0])


def test_models_tell_a_copy_from_noise(halves) -> None:
    trained, control = halves
    linked = trained.copy()
    linked[:, 2] = np.minimum(linked[:, 0], 3)  # a column that another one tells
    held = control.copy()
    held[:, 2] = np.minimum(held[:, 0], 3)
    shuffled = np.random.default_rng(1).permuted(linked, axis=0)
    good = {
        (r["measure"], r["about"]): r["value"] for _, r in examine(linked, held, linked, TERMS) if r["topic"] == "model"
    }
    bad = {
        (r["measure"], r["about"]): r["value"]
        for _, r in examine(linked, held, shuffled, TERMS)
        if r["topic"] == "model"
    }
    assert good["auc", None] == pytest.approx(0.5, abs=0.01)
    assert good["pmse", None] < 1e-6
    assert good["synthetic_accuracy", "c"] == good["real_accuracy", "c"] > 0.95
    assert bad["synthetic_accuracy", "c"] < 0.8
    assert bad["majority", "c"] == good["majority", "c"]


def test_propensity_of_one_flag_is_its_shares() -> None:
    """With one flag the regression's probabilities are the shares of synthetic records with and without it."""
    real, made = (np.repeat([[1, 1], [0, 1]], [yes, 4_000 - yes], axis=0).astype(np.uint16) for yes in (3_000, 1_000))
    terms = Terms((0, 1, 2), ("flag", "always"), (), 20, 1)
    found = {row["measure"]: row["value"] for _, row in examine(real, real, made, terms) if row["topic"] == "model"}
    assert found["pmse"] == pytest.approx((0.25 - 0.5) ** 2, rel=0.01)
    # a synthetic record scores above a real one if it alone lacks the flag, and as high if both do or both have it
    assert found["auc"] == pytest.approx(0.75 * 0.75 + 0.5 * (0.25 * 0.75 + 0.75 * 0.25), abs=1e-9)


def test_pmse_of_tables_drawn_alike_is_what_is_expected(halves) -> None:
    """Another sample of the same population: 1 / (1 − c) = 2 times what records of a model fitted to it would give."""
    trained, control = halves
    found = {
        row["measure"]: row["value"] for _, row in examine(trained, trained, control, TERMS) if row["about"] is None
    }
    assert 1.4 < found["pmse_ratio"] < 2.6
