"""What a plan would do and promise, and what a ledger holds, in lines of text. No Spark here."""

import math
import textwrap

from synth_spark.cli.survival import MEAN_ABSOLUTE, survival_lines
from synth_spark.plan import Plan, SingleCounts, what_is_counted
from synth_spark.plan.counted import GIVEN
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.plan.sources.preview import Preview
from synth_spark.privacy import (
    Delta,
    Epsilon,
    chooses_share,
    compose,
    measurable_triples,
    share_of_values,
    sigma_of,
    spend,
    threshold,
    value_sigmas,
)
from synth_spark.privacy.accounts import Account
from synth_spark.privacy.entries import Entry

#: What single counts of the synthetic records will be.
_SINGLES: dict[SingleCounts, str] = {
    "equal": "Single counts of the synthetic records will equal the published ones.",
    "multiples": "Single counts of the synthetic records will be multiples of k, and mostly lower than the published "
    "ones; values may be missing. The release tells how far off they are.",
    "free": "Single counts of the synthetic records will not equal the published ones; the release tells how far off "
    "they are.",
}


def summary_lines(resolved: ResolvedPlan, shape: Preview) -> list[str]:
    """What a run would do and promise, line by line, before any job.

    Args:
        resolved: the numbers of the run, as far as the head of the input tells.
        shape: of the input.
    """
    about = "" if shape.exact else "about "
    return [
        f"columns            {len(resolved.names)}: {', '.join(resolved.names)}",
        f"records            {about}{resolved.records:,}, {about}{resolved.distinct:,} of them distinct",
        f"tuples to count    {resolved.tuples:,} column tuples of length 1 to {resolved.length}",
        f"combinations       about {resolved.visits:,} to visit, {resolved.filled} values a record on average, "
        f"in {resolved.counting_tasks} tasks",
        f"shuffle            at most {_bytes(resolved.shuffle_bytes)} to add counts",
        *(_memory(resolved) if resolved.proves_records else []),
        *_privacy(resolved, shape),
        *survival_lines(resolved.plan, shape),
        *_sentence(what_is_counted(resolved.plan)),
        *_sentence(_SINGLES[resolved.single_counts]),
        f"sensitive folder   {resolved.plan.work_address}",
        f"privacy ledger     {resolved.plan.ledger_address}, data set {resolved.plan.data_set_name}",
        f"published to       {resolved.plan.output.path} ({resolved.plan.output.format})",
        *(f"note               {note}" for note in resolved.notes),
    ]


def acceptance_lines(plan: Plan) -> list[str]:
    """What a release tells everyone of what its plan accepts, before it is published."""
    told = "if this rule is broken and is about what is published, the reason that stands here is published, too"
    return [f"accepted.{rule}: {told}" for rule in plan.accepted]


def _sentence(text: str) -> list[str]:
    """A sentence in the place of values, on as many lines as it needs."""
    return textwrap.wrap(text, 110, initial_indent=" " * 19, subsequent_indent=" " * 19)


def _parts(resolved: ResolvedPlan) -> str:
    if resolved.fits:
        return f"the whole table goes to {resolved.shards} tasks, each with a share of the seeds"
    return f"the table is cut into parts of at most {resolved.rows_a_task:,} records, for {resolved.top_groups} groups"


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _memory(resolved: ResolvedPlan) -> list[str]:
    return [
        f"memory             about {_bytes(resolved.task_bytes)} in the largest synthesis task, of at most "
        f"{resolved.plan.task_memory} MB;",
        f"                   {_parts(resolved)}",
    ]


def _privacy(resolved: ResolvedPlan, shape: Preview) -> list[str]:
    if resolved.plan.privacy.noisy:
        return _spending(resolved, shape)
    k = resolved.k
    promise = (
        [
            f"                   every synthetic record is contained in at least {k} sensitive ones,",
            "                   which is proved on what is written",
        ]
        if resolved.proves_records
        else [f"                   every combination of up to {resolved.length} in a record is shared by at least {k}"]
    )
    return [
        f"privacy            k-anonymity, k = {k}: no count below it, counts rounded down to multiples of it;",
        *promise,
    ]


def _spending(resolved: ResolvedPlan, shape: Preview) -> list[str]:
    """The split of the budget, and the error of a count that is to be expected of it."""
    plan, cards = resolved.plan, [card + 1 for card in shape.cards]
    terms = plan.private_terms
    pairs = [a * b for place, a in enumerate(cards) for b in cards[place + 1 :]]
    held, triples = [1] * len(cards), len(measurable_triples(plan, cards))
    spending = spend(plan, resolved.length, len(cards), compose(plan, cards, cards, held), None, triples)
    tables = cards if terms.public_domain is True else [1] * len(cards)
    if chooses_share(plan):
        chosen = share_of_values(spending, shape.records, tables, held, True)
        spending = spend(plan, resolved.length, len(cards), None, chosen, triples)
    singles = value_sigmas(spending.on("values"), tables, held)
    errors = {1: sum(float(sigma) for sigma in singles) / len(singles)}
    if plan.synthesis.kind == "marginal_matching":
        if pairs:
            scales = [float(sigma) for sigma in sigma_of(pairs, spending.on("pairs"))]
            errors[2] = sum(scales) / len(scales)
    else:
        for length in range(2, resolved.length + 1):
            cap = math.comb(min(shape.filled, len(cards)), length)
            errors[length] = float(spending.on(f"length {length}").sigma(max(1, cap)))
    lines = [
        f"privacy            differential privacy, ε = {terms.epsilon:g}, δ = {terms.delta:.2g} "
        f"for one {plan.unit}, worth ρ = {spending.rho.value:.4g}",
        *([f"                   {GIVEN}: values are taken from the data"] if terms.conditional else []),
    ]
    for share in spending.shares:
        delta = f" and δ = {share.delta.value:.2g}" if share.delta.value else ""
        part = share.rho.value / spending.rho.value
        lines.append(f"  spent on         {share.purpose}: {part:.1%} of ρ{delta}")
    for length, error in errors.items():
        least = (
            f"; released above {max(0.0, threshold(terms, error, length, resolved.length)):,.0f}" if length > 1 else ""
        )
        lines.append(
            f"  expected error   of a count of length {length}: about {MEAN_ABSOLUTE * error:,.1f} before counts are "
            f"made to agree{least}"
        )
    return lines


def account_text(account: Account) -> str:
    """What a data set may cost, has cost, and how often it was released."""
    granted = "none" if account.granted is None else _cost(*account.granted)
    return (
        f"{account.data_set}\n  granted  {granted}\n  spent    {_cost(*account.spent)} in {account.releases} releases; "
        f"{account.k_releases} more under k-anonymity"
    )


def grant_text(ledger: str, account: Account) -> str:
    """What a data set may cost from now on, and which releases that limits.

    Args:
        ledger: its address.
        account: of the data set.
    """
    limits = (
        f"limits every release whose ledger is {ledger} and whose data set is {account.data_set}: `synth-spark plan` "
        "prints both"
    )
    return f"{account_text(account)}\n{limits}"


def budget_line(account: Account) -> str:
    """What limits a release under differential privacy, before any work."""
    if account.granted is None:
        return f"budget             none was granted: nothing limits releases; spent {_cost(*account.spent)}"
    return f"budget             granted {_cost(*account.granted)}; spent {_cost(*account.spent)}"


def history_text(entry: Entry) -> str:
    """One line of the ledger."""
    cost = "" if entry.epsilon is None or entry.delta is None else f"  ε = {entry.epsilon:g}, δ = {entry.delta:.2g}"
    what = f"{entry.run_id}  {entry.privacy}, {entry.mechanism}" if entry.run_id else "granted"
    return f"{entry.at}  {entry.data_set}  {what}{f'  k = {entry.k}' if entry.k else ''}{cost}"


def _cost(epsilon: Epsilon, delta: Delta) -> str:
    return f"ε = {epsilon.value:.4g}, δ = {delta.value:.2g}"
