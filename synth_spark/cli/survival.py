"""What of a table a plan lets survive, and what is hopeless: told before any work, from the head of the input.

Nothing here is asked by the line: whether a run goes on must not depend on how many records there are, as under
differential privacy that a release came, or did not, would tell.
"""

import math
from collections import Counter
from textwrap import wrap
from typing import NamedTuple

from synth_spark.plan import Plan
from synth_spark.plan.sources.preview import Preview
from synth_spark.privacy import chooses_share, share_of_values, spend, value_sigmas
from synth_spark.privacy.allocation import value_threshold

#: Expected absolute value of Gaussian noise of scale 1.
MEAN_ABSOLUTE = math.sqrt(2 / math.pi)
#: An error of a single count, as a share of the records, above which counts say little.
_LARGE = 0.5


class Survival(NamedTuple):
    """What survives of the values of a table.

    Attributes:
        least: how many records must hold a value, so that it is published; 0 where all are.
        values: about how many do, of the records looked at.
        of: how many values there are among them.
        error: what noise is expected to change of a single count.
    """

    least: int
    values: int
    of: int
    error: float


def survival(plan: Plan, shape: Preview) -> Survival:
    """What will survive of the values of a table.

    Args:
        plan: what is asked for.
        shape: of the input.
    """
    scale = shape.records / len(shape.rows)
    least, error = _noise(plan, shape) if plan.privacy.noisy else (plan.privacy.k, 0.0)
    public = _public(plan, shape)
    values = of = 0
    for name, column in zip(shape.names, zip(*shape.rows, strict=True), strict=True):
        counts = [count * scale for value, count in Counter(column).items() if value]
        of += len(counts)
        values += len(counts) if name in public else sum(count >= least for count in counts)
    return Survival(least, values, of, error)


def _public(plan: Plan, shape: Preview) -> set[str]:
    """Columns whose values are declared public."""
    if not plan.privacy.noisy:
        return set()
    declared = plan.private_terms.public_domain
    return set(declared) if isinstance(declared, dict) else set(shape.names if declared else ())


def survival_lines(plan: Plan, shape: Preview) -> list[str]:
    """What will survive, for those who plan.

    Args:
        plan: what is asked for.
        shape: of the input.
    """
    found, about = survival(plan, shape), "" if shape.exact else "about "
    if not found.least:
        held = "all, as they are declared public"
    elif plan.privacy.noisy:
        held = f"{about}{found.values:,} of {found.of:,}: those that about {found.least:,} records or more hold"
    else:
        held = f"{about}{found.values:,} of {found.of:,}: those that {found.least:,} records or more hold"
    return [
        f"values that stay   {held}",
        *(
            line
            for text in warnings(plan, shape)
            for line in wrap(text, 110, initial_indent="hopeless           ", subsequent_indent=" " * 19)
        ),
    ]


def warnings(plan: Plan, shape: Preview) -> list[str]:
    """What is hopeless, or nearly, in sentences that name the remedy; mostly nothing.

    Args:
        plan: what is asked for.
        shape: of the input.
    """
    found = survival(plan, shape)
    remedy = "raise privacy.epsilon, or add records" if plan.privacy.noisy else "lower privacy.k, or add records"
    if not found.values and found.least:
        who = (
            "a value must be held by more records than any is"
            if found.least <= shape.records
            else ("a value must be held by more records than there are")
        )
        more = ", or declare privacy.public_domain" if plan.privacy.noisy else ""
        return [f"no value is likely to survive, so nothing would be published: {who}; {remedy}{more}"]
    if found.error > shape.records:
        return [f"the expected error of a single count is larger than the table; {remedy}"]
    if found.error > _LARGE * shape.records:
        return [f"the expected error of a single count is more than {_LARGE:.0%} of the table; {remedy}"]
    return []


def _noise(plan: Plan, shape: Preview) -> tuple[int, float]:
    """How many records must hold a value, and the expected error of a single count."""
    terms, columns = plan.private_terms, len(shape.cards)
    spending = spend(plan, min(plan.reporting_length, columns), columns)
    public = terms.public_domain is True
    cells = [card + 1 for card in shape.cards] if public else [1] * columns
    if chooses_share(plan):
        share = share_of_values(spending, shape.records, cells, [1] * columns, True)
        spending = spend(plan, min(plan.reporting_length, columns), columns, None, share)
    sigmas = value_sigmas(spending.on("values"), cells, [1] * columns)
    error = MEAN_ABSOLUTE * sum(map(float, sigmas)) / columns
    if public:
        return 0, error
    return max(value_threshold(sigma, spending.domain_delta, columns) for sigma in sigmas), error
