"""All that a rehearsal is made for, in steps of which each can be done by itself."""

import warnings
from collections.abc import Collection

from synth_spark.assess.attacks.anonymeter import Row, Terms, attack
from synth_spark.assess.attacks.models import PARTS, train
from synth_spark.kernels.cells import Codes

#: The attacks, and each part of the training.
STEPS = 1 + PARTS


def examine(
    trained: Codes, control: Codes, synthetic: Codes, terms: Terms, steps: Collection[int] = range(STEPS)
) -> list[tuple[int, Row]]:
    """Attack synthetic records, and train models on them.

    Args:
        trained: (n, m) codes of the records that the synthetic ones were made from; 0 = absent.
        control: (h, m) codes of records that were held out.
        synthetic: (s, m) codes of the synthetic records.
        terms: see `attacks.Terms`.
        steps: which of the steps 0 … `STEPS` − 1; what one finds does not depend on the others.

    Returns:
        Steps and their figures.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a model that has not converged shows in its figures
        attacks = attack(trained, control, synthetic, terms) if 0 in steps else []
        models = train(trained, control, synthetic, terms, [step - 1 for step in steps if step])
        return [*((0, row) for row in attacks), *((part + 1, row) for part, row in models)]
