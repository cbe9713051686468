"""How records are grown, as numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_tables import few

from synth_spark.kernels.growth.settings import Growth


@few
@given(st.floats(0, 10), st.integers(1, 2_000))
def test_powers_of_groups_are_spread_around_their_mean(power: float, groups: int) -> None:
    growth = Growth(k=2, power=power, groups=groups)
    powers = [growth.of_group(group).power for group in range(groups)]
    assert sum(powers) / groups == pytest.approx(power)
    assert powers == sorted(powers)
    assert powers[0] >= 0
    assert powers[-1] <= 2 * power
    assert powers[-1] - powers[0] == pytest.approx(2 * power * (groups - 1) / groups)


@few
@given(st.integers(0, 10**9), st.integers(1, 2_000), st.integers(1, 4_096))
def test_larger_tables_get_fewer_groups_and_smaller_samples(rows: int, groups: int, sample: int) -> None:
    growth = Growth(k=2, groups=groups, sample=sample)
    fitted, larger = growth.fitted(rows), growth.fitted(2 * rows)
    assert 1 <= larger.groups <= fitted.groups <= groups
    assert 1 <= larger.sample <= fitted.sample <= sample
    assert fitted.groups in (1, groups) or fitted.groups * rows <= 1 << 20
    assert fitted._replace(groups=groups, sample=sample) == growth
