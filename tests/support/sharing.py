"""What processes of tests share: the data sets outside the repository, and things that are made once for all."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED = Path(__file__).parents[3] / "shared"
#: Real cases of trafficking, k-anonymised by those who publish them.
CTDC = SHARED / "data" / "ctdc_kanon_2021.csv.gz"


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Be the only process of this run of the tests that does what has this name."""
    with (folder / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
