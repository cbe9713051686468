"""What is imported, and when."""

import subprocess
import sys
from pathlib import Path

import pytest

from synth_spark.runtime.imports import on_first_use


def test_a_module_is_loaded_once_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("wanted", "drawing"):
        (tmp_path / f"{name}.py").write_text(f"import sys\nprint('{name} is loaded')\nvalue = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = list(sys.meta_path)
    with on_first_use("drawing"):
        import drawing
        import wanted
    assert sys.meta_path == before
    assert capsys.readouterr().out == "wanted is loaded\n"
    assert drawing.value == wanted.value
    assert capsys.readouterr().out == "drawing is loaded\n"


NOISE = "from synth_spark.privacy import Sigma; from synth_spark.privacy.mechanisms import VettedNoise"
BUDGET = "from synth_spark.privacy import Delta, Rho, epsilon_of"


@pytest.mark.parametrize(
    ("code", "spared"),
    [
        ("import synth_spark", "numba numpy pandas pyarrow pydantic pyspark rich scipy sklearn yaml"),
        ("import synth_spark.cli.main", "numba pyarrow pandas pyspark scipy"),
        (
            "from synth_spark.validate.audit import load_library; load_library()",
            "scipy.stats._stats_py altair.vegalite",
        ),
        (f"{NOISE}; VettedNoise().gaussian(3, Sigma(2.0))", "sklearn"),
        (f"{BUDGET}; epsilon_of(Rho(0.1), Delta(1e-6))", "sklearn"),
    ],
)
def test_what_takes_seconds_is_left_until_it_is_needed(code: str, spared: str) -> None:
    told = f"import sys; print([name for name in {spared.split()} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", f"{code}; {told}"], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
