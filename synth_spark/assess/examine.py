"""All that a rehearsal is made for."""

import warnings

from synth_spark.assess.attacks import Row, Terms, attack
from synth_spark.assess.models import train
from synth_spark.kernels.cells import Codes


def examine(trained: Codes, control: Codes, made: Codes, terms: Terms) -> list[Row]:
    """Attack synthetic records, and train models on them; arguments as of `attacks.attack`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a model that has not converged is told by its figures
        return [*attack(trained, control, made, terms), *train(trained, control, made, terms)]
