"""What the attacks of the real Anonymeter find in three small tables: asked once, and kept beside this module.

The library needs an older numpy, and so an environment of its own. To ask it again: `make anonymeter`.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from random_tables import random_table

from synth_spark.kernels.cells import Codes

KEPT = Path(__file__).with_suffix(".json")
PACKAGES = ("anonymeter==1.0.0", "numpy==1.26.4", "pandas==2.2.3")
#: The library takes a third of a second for each that singles out.
ATTACKS = 200
CARDS = (6, 12, 5, 12, 8, 12, 7, 12, 6, 12)


class Tables(NamedTuple):
    """Records, as many held-out ones, and synthetic ones of which half are copies with one value changed."""

    trained: Codes
    control: Codes
    made: Codes

    def digest(self) -> str:
        """What tells that these are the tables that the library was asked about."""
        return hashlib.sha256(b"".join(np.ascontiguousarray(table, "<u2").tobytes() for table in self)).hexdigest()


def tables() -> Tables:
    """The same on every machine."""
    trained, control, other = (random_table(seed, 1_200, CARDS, absent=0).codes for seed in (1, 2, 3))
    random = np.random.default_rng(4)
    made = other.copy()
    made[:600] = trained[:600]
    made[np.arange(600), random.integers(0, len(CARDS), 600)] = 1
    return Tables(trained, control, made)


def ask() -> dict[str, dict[str, list[float]]]:
    """Install the library, and have it attack: attack → rates of success and risk, with their intervals or errors."""
    with tempfile.TemporaryDirectory() as name:
        folder, python = Path(name), str(Path(name) / "environment" / "bin" / "python")
        subprocess.run([sys.executable, "-m", "venv", str(folder / "environment")], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-compile", *PACKAGES], check=True)
        for title, codes in tables()._asdict().items():
            frame = pd.DataFrame(codes, columns=[f"column{index}" for index in range(len(CARDS))]).astype(str)
            frame.apply(lambda column: "v" + column).to_csv(folder / f"{title}.csv", index=False)
        inner = Path(__file__).with_name("anonymeter_inner.py")
        done = subprocess.run([python, str(inner), str(folder), str(ATTACKS)], capture_output=True, check=True)
    answer: dict[str, dict[str, list[float]]] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    kept = {"packages": PACKAGES, "attacks": ATTACKS, "tables": tables().digest(), "results": ask()}
    KEPT.write_text(json.dumps(kept, indent=1) + "\n")
