"""Compiling every kernel ahead of its first use, on a small table."""

import numpy as np

from synth_spark.kernels.cells import CellSpace, Codes, Ints
from synth_spark.kernels.counting.association import Singles, compare_pairs
from synth_spark.kernels.counting.by_column_tuple import walk_tuples
from synth_spark.kernels.counting.by_record import enumerate_records
from synth_spark.kernels.counting.merge_records import merge
from synth_spark.kernels.csv_records import find_ends, words_of
from synth_spark.kernels.csv_state import begin
from synth_spark.kernels.deduction.lattice import lattice_of
from synth_spark.kernels.deduction.lowering import one_round
from synth_spark.kernels.deduction.regrouping import Grown, regroup
from synth_spark.kernels.deduction.separation import separate
from synth_spark.kernels.growth.part import Part, grow_part
from synth_spark.kernels.growth.rounding import give_up, offer, thresholds
from synth_spark.kernels.growth.settings import Growth
from synth_spark.kernels.keyed_random import draw_poisson, hash_copies, hash_rows, hash_texts, stream
from synth_spark.kernels.marginals.assembly import Assembly, assemble, combinations
from synth_spark.kernels.marginals.candidates import counts, links, next_level, sizes
from synth_spark.kernels.marginals.consistency import lower_to_parents
from synth_spark.kernels.marginals.exchange import Wanted, exchange
from synth_spark.kernels.marginals.expected import Cells, expected, learned
from synth_spark.kernels.marginals.starting import start, tree
from synth_spark.kernels.risk.containment import support_up_to
from synth_spark.kernels.risk.joint_bounds import Published, proved
from synth_spark.kernels.risk.linkage import rare_records
from synth_spark.kernels.risk.local_suppression import suppress_cells
from synth_spark.kernels.risk.nearest_record import fits, nearest
from synth_spark.kernels.risk.rarity import judge
from synth_spark.kernels.risk.record_bounds import Records, proved_by_each, proved_by_pairs
from synth_spark.kernels.risk.recount import added, count_held, numbering, numbers_of

_SPACE = CellSpace((2,) * 6, 2)


def compile_kernels() -> None:
    """Call every kernel once with the types that the stages call it with."""
    for part in _PARTS:
        part()


def compile_beside() -> None:
    """The same in processes beside each other; they share what they keep."""
    from concurrent.futures import ProcessPoolExecutor  # workers, which load this module, need none

    with ProcessPoolExecutor() as processes:
        for done in [processes.submit(part) for part in _PARTS]:
            done.result()


def _table() -> tuple[Codes, Ints]:
    codes = np.random.default_rng(1).integers(0, 3, (2_000, 6)).astype(np.uint16)
    return codes, np.ones(len(codes), np.int64)


def _compile_growth() -> None:
    codes, weights = _table()
    growth = Growth(k=60, sample=4, rows=8)  # so small that tables are divided
    part = Part(7, np.arange(12, dtype=np.int32), starts=None)
    records, copies = grow_part(codes, weights, weights, np.array(_SPACE.cards, np.int64), part, growth)
    starts = np.arange(0, 13, 2)
    some, largest = thresholds(*offer(records, copies, starts, 59, 1), 60, np.zeros(12, np.int64))
    give_up(records, copies, starts, some, largest, 1)
    draw_poisson(np.ones(1), hash_rows(codes[:1], np.uint64(1)))
    hash_copies(records, copies, np.uint64(1))
    hash_texts(records, copies, np.arange(0, 18, 3), np.zeros(18, np.uint64))


def _compile_counting() -> None:
    codes, weights = _table()
    merge(codes, weights)
    for count in (walk_tuples, enumerate_records):
        count(_SPACE, codes, weights)
    rare_records(_SPACE, codes, weights, np.arange(20))
    support_up_to(2, codes, weights, codes)
    starts, items = np.arange(0, 4_001, 2), np.tile(np.arange(2, dtype=np.int32), 2_000)
    numbers = numbering([1, 1], 2)
    numbers_of(starts, items, numbers)
    added(*(count_held(starts, items, weights, numbers),) * 2)


def _compile_deduction() -> None:
    codes, weights = _table()
    space = CellSpace(_SPACE.cards, 3)
    cells, counts = walk_tuples(space, codes, weights)
    lattice = lattice_of(space, cells, counts // 50, len(codes) // 50)
    one_round(lattice, 50, 0, 1)
    firsts = np.arange(0, 12, 2)
    grown = Grown(codes[:20], weights[:20])
    regroup(lattice, *merge(*separate(lattice, *grown, firsts)), firsts, grown)
    members, units = np.array([[0, -1], [2, -1], [0, 2]]), np.array([5, 4, 2])
    published, some = Published(members, units, 6, np.arange(3)), Records(np.array([0, 2, 0]), np.array([0, 2, 3]))
    proved(published, 2)
    proved_by_pairs(published, some, proved_by_each(published, some)[1])


def _compile_assessment() -> None:
    codes, weights = _table()
    cells, counts = walk_tuples(_SPACE, codes, weights)
    judge(_SPACE, codes, cells, counts > 100)
    suppress_cells(_SPACE, codes, cells, np.arange(6))
    singles, pairs = Singles(counts[:12], len(codes)), slice(12, None)
    compare_pairs(_SPACE, cells[pairs], counts[pairs], counts[pairs], singles, singles)
    nearest(codes[:10], codes, np.arange(3))
    fits(np.array([[0, 1]]), codes[:1, :2], codes)


def _compile_private() -> None:
    codes, weights = _table()
    starts, state, singles = np.arange(0, 13, 2), stream(1, "warm"), np.arange(12)[:, None]
    pairs = next_level(starts, [singles])
    sizes(pairs, codes, weights, 20)
    counted = counts(pairs, codes, weights, 3, 1)
    triples = next_level(starts, [singles, pairs.rows])
    counts(triples, codes, weights, 3, 1)
    everything = np.concatenate([[2_000.0], np.bincount(starts[:-1].repeat(2), minlength=12), counted])
    lower_to_parents(everything, np.ones(len(everything)), *links(starts, [singles, pairs.rows]), rounds=1)
    of_pairs = combinations(np.repeat(np.arange(6), 2), np.full(12, 3), [(pairs.rows, counted)], 20)
    for percentile in (0, 95):
        assemble(of_pairs, of_pairs.counts, state, Assembly(2, percentile))
    pair, both = np.array([[0, 1]]), np.array([[5.0, 0.0], [0.0, 5.0]])
    table = start([np.array([5, 5])] * 2, tree(2, {(0, 1): both}), state)
    cells = Cells(*[both.ravel()] * 4)
    expected(cells, learned(cells))
    wanted = Wanted(pair, [both], pair, [both == 0])
    exchange(table, np.array([2, 2]), wanted, [((0, 0), (1, 1))], 1, state)


def _compile_reading() -> None:
    signs, ends, filled = np.array([44, 34, 34]), np.zeros(2, np.int64), np.zeros(2, np.bool_)
    data = b'"a","b"\n' * 2
    for units in (np.frombuffer(data, np.uint8), np.frombuffer(data.decode().encode("utf-32-le"), np.uint32)):
        find_ends(units, words_of(units), begin(), signs, False, 0, ends, filled)


#: What is compiled by itself; the longest first.
_PARTS = (
    _compile_growth,
    _compile_deduction,
    _compile_counting,
    _compile_private,
    _compile_assessment,
    _compile_reading,
)
