"""From the plan to numbers: everything derived that a run needs, before it runs. Pure; prints without a JVM."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from synth_spark.errors import InputError, ResourceError
from synth_spark.kernels.cells import CellSpace
from synth_spark.kernels.growth.settings import MOST_TRACKED
from synth_spark.plan import FROM_RECORDS, Plan, SingleCounts, check_shown_columns

#: Distinct records that a shard should at least see seeds of; most shards, and most of a table so large that laying
#: it out anew for each of them counts.
_SEEDS_A_SHARD, _MOST_SHARDS, _LARGE, _MOST_OF_LARGE = 2_048, 8, 1 << 19, 2
#: Groups of seeds that a table too large for a task is cut for: fewer for larger ones, as each sends every row.
_MOST_TOPS, _LEAST_TOPS, _TOP_ROWS = 2, 1, 1 << 23
#: Memory of a synthesis task: of the process, of a value and of a record (measured at a million records of 20 columns).
_PROCESS_BYTES, _VALUE_BYTES, _RECORD_BYTES = 200 * 10**6, 24, 300
#: Fewest records that a part of a table is worth being cut to.
_LEAST_ROWS = 4_096
#: Combinations of records that one counting task should visit.
_VISITS_A_TASK = 10**8
#: Records, and values and combinations of them, that one counting task works on at once.
_RECORDS_AT_ONCE, _VALUES_AT_ONCE, _COMBINATIONS_AT_ONCE = 1 << 20, 1 << 25, 1 << 25
#: Combinations above which those with a rare attribute are not counted (16 bytes each, a few times over).
_MOST_COUNTED = 1 << 30
#: Records of a published file of a large table; smaller tables have a few files, so that tasks can share the work.
_RECORDS_A_FILE, _RECORDS_A_TASK, _FEW_FILES = 1_000_000, 50_000, 4
#: Most cells that 64-bit keys can number.
_MOST_CELLS = 1 << 62


@dataclass(frozen=True)
class ResolvedPlan:
    """A plan with a table's shape: the numbers that every stage works from.

    Attributes:
        plan: what was asked for.
        names: names of the fields, which are the columns of published tables.
        cards: number of values of each column that is counted; a field with several values a record has many.
        records: number of records n.
        distinct: number of distinct records.
        filled: values of a record on average, rounded up.
        notes: what was changed of the plan, in sentences for the user.
        stepped: whether counts follow those of earlier releases in steps of k records or more.
        lowered_records: by how much more than by rounding the number of records is published lower.
    """

    plan: Plan
    names: tuple[str, ...]
    cards: tuple[int, ...]
    records: int
    distinct: int
    filled: int
    notes: tuple[str, ...]
    stepped: bool = False
    lowered_records: int = 0

    @property
    def k(self) -> int:
        """Privacy resolution."""
        return self.plan.privacy.k

    @property
    def protected_records(self) -> int:
        """Number of records under k-anonymity, as it may be published: ⌊n⌋k, or less."""
        return self.records // self.k * self.k - self.lowered_records

    @property
    def length(self) -> int:
        """R: longest combination, at most the number of columns."""
        return min(self.plan.reporting_length, len(self.cards))

    @cached_property
    def cells(self) -> CellSpace:
        """All combinations of length 1…R, numbered."""
        return CellSpace(self.cards, self.length)

    @property
    def tuples(self) -> int:
        """Number of column tuples to count."""
        return sum(math.comb(len(self.cards), length) for length in range(1, self.length + 1))

    @property
    def visits(self) -> int:
        """Combinations of length 1…R in all distinct records, as if each held the average number of values."""
        return self.distinct * sum(math.comb(self.filled, length) for length in range(1, self.length + 1))

    @property
    def combinations(self) -> int:
        """Combinations of length 1…R that occur, at most."""
        return min(self.cells.size, self.visits)

    @property
    def counting_tasks(self) -> int:
        """Tasks that count."""
        return max(2, min(4_096, math.ceil(self.visits / _VISITS_A_TASK)))

    @property
    def prunes(self) -> bool:
        """Whether only combinations of attributes that occur ≥ k times are counted: all might be too many to keep."""
        return self.combinations > _MOST_COUNTED

    @property
    def counting_block(self) -> int:
        """Records that a counting task counts at once; few where nearly all their combinations may be different."""
        block = min(_RECORDS_AT_ONCE, _VALUES_AT_ONCE // len(self.cards))
        if self.cells.size > _COMBINATIONS_AT_ONCE:
            block = min(block, _COMBINATIONS_AT_ONCE * self.distinct // max(1, self.visits))
        return max(1, block)

    @property
    def shards(self) -> int:
        """Tasks that share the seeds of a table that fits each of them."""
        most = _MOST_SHARDS if self.distinct < _LARGE else _MOST_OF_LARGE
        return max(1, min(most, self.distinct // _SEEDS_A_SHARD))

    @property
    def single_counts(self) -> SingleCounts:
        """What the single counts of the synthetic records are to be, beside the published ones.

        Equal, where every published occurrence of a value is given to a record; multiples of k, where seeds lose values
        that nothing places; else near, or as far off as the plan asks.
        """
        synthesis = self.plan.synthesis
        if synthesis.kind == "unseeded":
            return "multiples"
        if synthesis.kind == "marginal_matching":
            return "free"
        if synthesis.kind == "aggregate_seeded" and (synthesis.rescaled or self._rules_take_values):
            return "free"
        return "equal"

    @property
    def _rules_take_values(self) -> bool:
        """Whether a structural rule can take values of records that are put together from released combinations.

        Where sensitive records keep the rules, no combination that breaks one is released, and a record of released
        combinations up to the rule's length breaks none. With noise a combination that nobody has may be released.
        """
        rules = self.plan.input.constraints
        longest = max((len(rule.forbid) or len(rule.when) + 1 for rule in rules), default=0)
        return bool(rules) and (self.plan.privacy.noisy or longest > self.length)

    @property
    def proves_records(self) -> bool:
        """Whether every synthetic record, as a whole, is to be contained in ≥ k sensitive ones."""
        return self.plan.synthesis.kind in FROM_RECORDS

    @property
    def top_groups(self) -> int:
        """Groups of seeds that the table is cut for where it does not fit a task."""
        return max(_LEAST_TOPS, min(_MOST_TOPS, _TOP_ROWS // max(1, self.distinct)))

    @property
    def groups(self) -> int:
        """Most groups of seeds inside a part."""
        return max(1, self.plan.synthesis.groups // (self.shards if self.fits else self.top_groups))

    @property
    def fits(self) -> bool:
        """Whether a task can work on the whole table."""
        return self.distinct <= self.rows_a_task

    @property
    def rows_a_task(self) -> int:
        """Distinct records that a synthesis task can hold within its budget of memory."""
        return max(0, (self.plan.task_memory * 10**6 - self._fixed_bytes) // self._row_bytes)

    @property
    def files(self) -> int:
        """Files that the synthetic records are written in: by the number of records that is published."""
        few = min(_FEW_FILES, math.ceil(self.protected_records / _RECORDS_A_TASK))
        return max(few, math.ceil(self.protected_records / _RECORDS_A_FILE))

    @property
    def shuffle_bytes(self) -> int:
        """Most bytes that counting shuffles: 16 for every cell of every task."""
        held = min(self.cells.size, self.visits // max(1, self.counting_tasks))
        return 16 * held * self.counting_tasks

    @property
    def task_bytes(self) -> int:
        """Memory of the largest synthesis task: it lays out its records, beside two tables of pairs."""
        return self._fixed_bytes + min(self.distinct, self.rows_a_task) * self._row_bytes

    @property
    def _fixed_bytes(self) -> int:
        tracked = min(sum(self.cards), MOST_TRACKED)
        return _PROCESS_BYTES + 16 * tracked * tracked

    @property
    def _row_bytes(self) -> int:
        return _VALUE_BYTES * len(self.cards) + _RECORD_BYTES


def resolve(
    plan: Plan, names: tuple[str, ...], cards: tuple[int, ...], records: int, distinct: int, filled: int
) -> ResolvedPlan:
    """Check a plan against a table's shape and derive the numbers of the run; arguments as of `ResolvedPlan`.

    Raises:
        PlanError: a column carries a reserved name, or one that is named does not exist.
        InputError: fewer records than k, under k-anonymity.
        ResourceError: more combinations than 64-bit keys can number; under k-anonymity, too little memory for a task.
    """
    check_shown_columns(plan, names)
    exact = not plan.privacy.noisy  # with noise nothing depends on exact numbers of records: whether it ends would tell
    if exact and records < plan.privacy.k:
        raise InputError(
            "privacy.k", "is larger than the number of records", "nothing could be released; lower k or add data"
        )
    notes = []
    if plan.reporting_length > len(cards):
        notes.append(f"reporting_length {plan.reporting_length} was lowered to {len(cards)}, the number of columns.")
    resolved = ResolvedPlan(plan, names, cards, records, distinct, filled, tuple(notes))
    check_cells(cards, resolved.length)
    if not resolved.fits and plan.synthesis.oversampling is not None:
        problem = "needs the {distinct} distinct records in one task, of which {fit} fit"
        numbers = {"distinct": distinct, "fit": resolved.rows_a_task}
        raise ResourceError("synthesis.oversampling", problem, "raise task_memory, or do without", numbers)
    if exact and not resolved.fits and resolved.rows_a_task < _LEAST_ROWS:
        least = math.ceil((resolved._fixed_bytes + _LEAST_ROWS * resolved._row_bytes) / 10**6)
        problem = f"of {plan.task_memory} MB holds {{fit}} of {{distinct}} distinct records"
        numbers = {"distinct": distinct, "fit": resolved.rows_a_task, "least": least}
        raise ResourceError("task_memory", problem, "give a task at least {least} MB", numbers)
    return resolved


def check_cells(cards: Sequence[int], longest: int) -> None:
    """Refuse more combinations than can be numbered.

    Args:
        cards: number of values of each column that is counted.
        longest: longest combination that is counted.

    Raises:
        ResourceError: there are more.
    """
    if number_of_cells(tuple(cards), longest) > _MOST_CELLS:
        problem = f"allows more combinations than the {_MOST_CELLS:.0e} that can be numbered"
        raise ResourceError("reporting_length", problem, "lower it, or group values")


def number_of_cells(cards: tuple[int, ...], longest: int) -> int:
    """How many combinations of length 1…``longest`` columns of these cardinalities allow, exactly.

    These are the elementary symmetric polynomials of the cardinalities, summed.

    >>> number_of_cells((2, 3), 2)
    11
    """
    by_length = [1] + [0] * longest
    for card in cards:
        for length in range(longest, 0, -1):
            by_length[length] += by_length[length - 1] * card
    return sum(by_length[1:])
