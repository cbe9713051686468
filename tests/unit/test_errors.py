"""Errors: what they say, how programs exit, and that they survive the way from an executor."""

import pickle

import pytest

from synth_spark import errors
from synth_spark.errors import SynthSparkError

KINDS = SynthSparkError.__subclasses__()


def test_all_kinds_are_known() -> None:
    declared = {name for name, item in vars(errors).items() if isinstance(item, type)}
    assert declared == {SynthSparkError.__name__, *(kind.__name__ for kind in KINDS)}
    assert len(KINDS) == 8


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_says_where_what_and_what_to_do_and_can_be_sent(kind: type[SynthSparkError]) -> None:
    error = kind("input.path", "does not exist", "check it")
    assert str(error) == "input.path: does not exist; check it"
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (back.field, back.problem, back.remedy) == ("input.path", "does not exist", "check it")
    assert str(back) == str(error)


def test_exit_codes_tell_the_kinds_apart() -> None:
    codes = [kind.exit_code for kind in KINDS]
    assert len({SynthSparkError.exit_code, *codes}) == len(KINDS) + 1
    assert 0 not in codes
