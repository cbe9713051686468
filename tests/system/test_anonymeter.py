"""Our attacks beside those of the real Anonymeter, which needs an older numpy and so an environment of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from random_tables import random_table

from synth_spark.assess.attacks.anonymeter import Terms, attack
from synth_spark.assess.attacks.intervals import risk, success_rate
from synth_spark.kernels.cells import Codes
from synth_spark.kernels.risk.nearest_record import nearest

#: The library takes a third of a second for each that singles out.
ATTACKS = 200
CARDS = (6, 12, 5, 12, 8, 12, 7, 12, 6, 12)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the library, and nothing of ours."""
    folder = tmp_path_factory.mktemp("anonymeter")
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    done = subprocess.run([*install, "anonymeter==1.0.0", "numpy==1.26.4", "pandas==2.2.3"], capture_output=True)
    if done.returncode:
        assert "SYNTH_SPARK_CI" not in os.environ, done.stderr.decode()[-2000:]
        pytest.skip("no index to install the library from")
    return python


@pytest.fixture(scope="module")
def tables() -> tuple[Codes, Codes, Codes]:
    """Records, as many held-out ones, and synthetic ones of which half are copies with one value changed."""
    trained, control, other = (random_table(seed, 1_200, CARDS, absent=0).codes for seed in (1, 2, 3))
    random = np.random.default_rng(4)
    made = other.copy()
    made[:600] = trained[:600]
    made[np.arange(600), random.integers(0, len(CARDS), 600)] = 1
    return trained, control, made


@pytest.fixture(scope="module")
def theirs(library: Path, tables: tuple[Codes, Codes, Codes], tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("tables")
    names = [f"column{index}" for index in range(len(CARDS))]
    for name, codes in zip(("trained", "control", "made"), tables, strict=True):
        frame = pd.DataFrame(codes, columns=names).astype(str)
        (frame.apply(lambda column: "v" + column)).to_csv(folder / f"{name}.csv", index=False)
    script = Path(__file__).with_name("anonymeter_reference.py")
    done = subprocess.run(
        [str(library), str(script), str(folder), str(ATTACKS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def ours(tables: tuple[Codes, Codes, Codes]) -> dict[str, dict[str, list[float]]]:
    """The same attacks, on the same columns."""
    trained, control, made = tables
    width = len(CARDS)
    terms = Terms(tuple(range(width + 1)), tuple(map(str, range(width))), ("0",), ATTACKS, 5)
    rows = list(attack(trained, control, made, terms))
    found: dict[str, dict[str, list[float]]] = {}
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
def test_our_attacks_find_what_the_librarys_find(name: str, theirs, tables) -> None:
    own, other = ours(tables)[name], theirs[name]
    for measure in ("main", "control"):
        rate, error = other[measure]
        half = (own[measure][2] - own[measure][1]) / 2
        assert own[measure][0] == pytest.approx(rate, abs=1.5 * np.hypot(half, error)), measure
    value, low, high = other["risk"]
    assert own["risk"][1] <= high
    assert low <= own["risk"][2]
    assert own["risk"][1] > 0
    assert low > 0, f"{value} shows nothing: the tables would not tell right from wrong"


def test_the_librarys_arithmetic_of_risks_is_ours(theirs) -> None:
    """From the library's own rates our formula gives the library's own risk."""
    from synth_spark.assess.attacks.intervals import Rate

    for found in theirs.values():
        assert risk(Rate(*found["main"]), Rate(*found["control"])) == pytest.approx(tuple(found["risk"]), abs=1e-9)
