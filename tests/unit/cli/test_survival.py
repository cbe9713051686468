"""What a plan says will be left of a table, and that it says what is hopeless."""

from pathlib import Path

import pytest

from synth_spark import plan as plans
from synth_spark.cli.main import main
from synth_spark.cli.survival import survival, warnings
from synth_spark.plan.sources.preview import look


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """400 records: each value of two columns is held by 100, one of a third by 3."""
    rows = [f"{'xyzw'[n % 4]},{'pqrs'[n % 4]},{'rare' if n < 3 else ''}" for n in range(400)]
    (tmp_path / "cases.csv").write_text("\n".join(["a,b,c", *rows]) + "\n")
    return tmp_path / "cases.csv"


@pytest.mark.parametrize(
    ("keys", "values", "hopeless"),
    [
        ({"privacy.k": 10}, 8, ""),
        ({"privacy.k": 101}, 0, "held by more records than any is; lower privacy.k"),
        ({"privacy.epsilon": 0.1}, 0, "raise privacy.epsilon, or add records, or declare privacy.public_domain"),
        ({"privacy.epsilon": 20}, 8, ""),
        (
            {"privacy.epsilon": 0.01, "privacy.public_domain": True},
            9,
            "error of a single count is larger than the table",
        ),
        ({"privacy.epsilon": 20, "privacy.public_domain": {"c": ["rare"]}}, 9, ""),
    ],
)
def test_a_plan_says_what_survives(
    table: Path, keys: dict[str, object], values: int, hopeless: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plans.load(None, {"input.path": str(table), **keys})
    shape = look(plan)
    assert shape is not None
    found = survival(plan, shape)
    assert (found.values, found.of) == (values, 9)
    told = " ".join(warnings(plan, shape))
    assert hopeless in told
    assert bool(told) == bool(hopeless)
    options = [part for key, value in keys.items() for part in ("--set", f"{key}={value}".replace("'", ""))]
    assert main(["plan", "--input", str(table), *options]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "values that stay" in shown
    assert ("hopeless" in shown) == bool(hopeless)


def test_k_and_epsilon_exclude_each_other(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--input", str(table), "--k", "5", "--epsilon", "1"]) == 2
    assert capsys.readouterr().err.startswith("synth-spark: --k and --epsilon: exclude each other")
