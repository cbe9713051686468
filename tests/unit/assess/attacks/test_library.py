"""Our attacks beside those of the real Anonymeter, whose answers are kept: see `anonymeter_reference`."""

import json

import numpy as np
import pytest
from anonymeter_reference import ATTACKS, CARDS, KEPT, Tables
from anonymeter_reference import tables as tables_of_the_reference

from synth_spark.assess.attacks.anonymeter import Terms, attack
from synth_spark.assess.attacks.intervals import Rate, risk, success_rate
from synth_spark.kernels.risk.nearest_record import nearest

Found = dict[str, dict[str, list[float]]]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return tables_of_the_reference()


@pytest.fixture(scope="module")
def theirs(tables: Tables) -> Found:
    kept = json.loads(KEPT.read_text())
    assert (kept["attacks"], kept["tables"]) == (ATTACKS, tables.digest()), "ask the library again: make anonymeter"
    return kept["results"]


@pytest.fixture(scope="module")
def ours(tables: Tables) -> Found:
    """The same attacks, on the same columns."""
    trained, control, made = tables
    width = len(CARDS)
    terms = Terms(tuple(range(width + 1)), tuple(map(str, range(width))), ("0",), ATTACKS, 5)
    rows = list(attack(trained, control, made, terms))
    found: Found = {}
    for name, about in (("inference", "0"), ("singling out", "several columns")):
        own = {row["measure"]: row for row in rows if (row["comparison"], row["about"]) == (name, about)}
        found[name] = {
            measure: [own[measure]["value"], own[measure]["low"], own[measure]["high"]]
            for measure in ("main", "control", "risk")
        }
    left, right = np.arange(0, width, 2), np.arange(1, width, 2)
    random = np.random.default_rng(6)
    rates = []
    for side in (trained, control):
        targets = side[random.permutation(len(side))[:ATTACKS]]
        shuffled = made[random.permutation(len(made))]
        hits = sum(nearest(targets, shuffled, left)[0] == nearest(targets, shuffled, right)[0])
        rates.append(success_rate(ATTACKS, int(hits)))
    found["linkability"] = {
        "main": [rates[0].value, *rates[0].interval],
        "control": [rates[1].value, *rates[1].interval],
        "risk": list(risk(*rates)),
    }
    return found


@pytest.mark.parametrize("name", ["linkability", "inference", "singling out"])
def test_our_attacks_find_what_the_librarys_find(name: str, theirs: Found, ours: Found) -> None:
    own, other = ours[name], theirs[name]
    for measure in ("main", "control"):
        rate, error = other[measure]
        half = (own[measure][2] - own[measure][1]) / 2
        assert own[measure][0] == pytest.approx(rate, abs=1.5 * np.hypot(half, error)), measure
    value, low, high = other["risk"]
    assert own["risk"][1] <= high
    assert low <= own["risk"][2]
    assert own["risk"][1] > 0
    assert low > 0, f"{value} shows nothing: the tables would not tell right from wrong"


def test_the_librarys_arithmetic_of_risks_is_ours(theirs: Found) -> None:
    """From the library's own rates our formula gives the library's own risk."""
    for found in theirs.values():
        assert risk(Rate(*found["main"]), Rate(*found["control"])) == pytest.approx(tuple(found["risk"]), abs=1e-9)
