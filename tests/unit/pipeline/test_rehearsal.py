"""How tasks share what a rehearsal is examined for."""

from itertools import chain

import pytest

from synth_spark.assess.attacks import STEPS
from synth_spark.pipeline.rehearsal import dealt_steps


@pytest.mark.parametrize("records", [100, 30_000, 30_001, 100_000])
def test_every_step_is_done_by_one_task(records: int) -> None:
    assert sorted(chain(*dealt_steps(records))) == list(range(STEPS))
