"""Records that exchange values until they have given tables, against counting and comparing by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_spark.kernels.keyed_random import stream
from synth_spark.kernels.marginals.exchange import Wanted, exchange
from synth_spark.kernels.marginals.starting import dealt, shares, start, tree, whole_counts


def _counted(codes, i, j, cards):
    return _table(codes, (i, j), cards)


def _table(codes, columns, cards):
    table = np.zeros([cards[c] for c in columns])
    for row in codes.tolist():
        table[tuple(row[c] for c in columns)] += 1
    return table


def _wanted(pairs, tables, empty=(), triples=()) -> Wanted:
    """Tables of pairs, cells to be empty: ((i, j), where), and tables of triples: ((i, j, k), table)."""
    sparing = [pair for pair, _ in empty]
    return Wanted(
        np.array(pairs, np.int64).reshape(-1, 2),
        tables,
        np.array(sparing, np.int64).reshape(-1, 2),
        [own for _, own in empty],
        [own for own, _ in triples],
        [own for _, own in triples],
    )


def _independent(counts, state):
    return start(counts, tree(len(counts), {}), state)


def _squares(codes, cards, wanted) -> float:
    pairs = zip(wanted.pairs.tolist(), wanted.tables, strict=True)
    squares = sum(float((np.square(_counted(codes, i, j, cards) - own) / (own + 1)).sum()) for (i, j), own in pairs)
    triples = zip(wanted.triples, wanted.triple_tables, strict=True)
    return squares + 0.1 * sum(
        float((np.square(_table(codes, columns, cards) - own) / (own + 1)).sum()) for columns, own in triples
    )


def _singles(codes) -> list[list[int]]:
    return [sorted(column.tolist()) for column in codes.T]


def _broken(codes, barred) -> int:
    return sum(all(row[column] == code for column, code in held) for row in codes.tolist() for held in barred)


@st.composite
def cases(draw):
    """A few records, tables that contradict each other, and sets of two or three attributes that are barred."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    cards = rng.integers(1, 4, draw(st.integers(1, 4)))
    codes = np.stack([rng.integers(0, card, draw(st.integers(1, 9))) for card in cards[:1]], axis=1)
    codes = np.stack([rng.integers(0, card, len(codes)) for card in cards], axis=1).astype(np.uint16)
    pairs = [pair for pair in itertools.combinations(range(len(cards)), 2) if rng.random() < 0.8]
    tables = [rng.gamma(0.5, 3, (cards[i], cards[j])) for i, j in pairs]
    sets = [own for length in (2, 3) for own in itertools.combinations(range(len(cards)), length)]
    barred = [tuple((c, int(rng.integers(cards[c]))) for c in own) for own in sets if rng.random() < 0.2]
    triples = [(own, rng.gamma(0.5, 3, [cards[c] for c in own])) for own in sets if len(own) == 3]
    triples = [one for one in triples if rng.random() < 0.5]
    return codes, cards, _wanted(pairs, tables, (), triples), barred


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(0, 2))
def test_exchanges_keep_single_counts_and_go_on_until_none_brings_records_nearer(case, passes) -> None:
    codes, cards, wanted, barred = case
    singles, state, quiet = _singles(codes), stream(1, "case"), 0
    for call in range(300):
        before, squares, broken = codes.copy(), _squares(codes, cards, wanted), _broken(codes, barred)
        exchange(codes, cards, wanted, barred, passes, state)
        now = _broken(codes, barred), _squares(codes, cards, wanted)
        assert now[0] < broken or (now[0] == broken and now[1] <= squares + 1e-9)
        assert _singles(codes) == singles
        quiet = quiet + 1 if (codes == before).all() else 0
        if quiet == 6:
            break
        assert call < 299
    broken, squares = _broken(codes, barred), _squares(codes, cards, wanted)
    for column in range(len(cards)):
        for one, other in itertools.combinations(range(len(codes)), 2):
            changed = codes.copy()
            changed[[one, other], column] = codes[[other, one], column]
            assert _broken(changed, barred) >= broken
            if _broken(changed, barred) == broken:
                assert _squares(changed, cards, wanted) >= squares - 1e-9


def _codes(n=3_000, seed=1):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, n)
    return np.stack([(group + rng.integers(0, 2, n)) % card for card in (3, 4, 2, 5)], axis=1), np.array([3, 4, 2, 5])


@pytest.fixture(scope="module")
def exact() -> tuple[np.ndarray, np.ndarray, Wanted]:
    """Records, and their own tables as those that others are to have."""
    codes, cards = _codes()
    pairs = list(itertools.combinations(range(4), 2))
    return codes, cards, _wanted(pairs, [_counted(codes, i, j, cards) for i, j in pairs])


def _made(exact, passes, barred=(), key="made") -> np.ndarray:
    codes, cards, wanted = exact
    state = stream(1, key)
    made = _independent([np.bincount(codes[:, c], minlength=cards[c]) for c in range(4)], state)
    exchange(made, cards, wanted, list(barred), passes, state)
    return made


def test_records_come_to_have_the_tables_they_are_to_match(exact) -> None:
    codes, cards, wanted = exact
    made = _made(exact, 2)
    off = [
        np.abs(_counted(made, i, j, cards) - table).sum() / 6_000
        for (i, j), table in zip(wanted.pairs.tolist(), wanted.tables, strict=True)
    ]
    assert np.mean(off) < 0.002
    assert _singles(made) == _singles(codes)
    assert _made(exact, 2).tolist() == made.tolist()
    assert _made(exact, 2, key="another").tolist() != made.tolist()


def test_records_come_to_have_a_table_of_three_columns_that_no_pair_tells_of() -> None:
    """The third column follows from the first two together, and is independent of each of them."""
    rng = np.random.default_rng(5)
    a, b, d = (rng.integers(0, card, 3_000) for card in (2, 3, 4))
    codes, cards = np.stack([a, b, (a + b) % 2, d], axis=1).astype(np.uint16), np.array([2, 3, 2, 4])
    exact = _table(codes, (0, 1, 2), cards)
    pairs = list(itertools.combinations(range(4), 2))
    tables, off = [_counted(codes, i, j, cards) for i, j in pairs], []
    for triples in ((), [((0, 1, 2), exact)]):
        state = stream(1, "triple")
        made = _independent([np.bincount(codes[:, c]) for c in range(4)], state)
        exchange(made, cards, _wanted(pairs, tables, (), triples), [], 2, state)
        off.append(np.abs(_table(made, (0, 1, 2), cards) - exact).sum() / 6_000)
        assert _singles(made) == _singles(codes)
        assert np.mean([np.abs(_counted(made, *own, cards) - table).sum() / 6_000
                        for own, table in zip(pairs, tables, strict=True)]) < 0.005  # fmt: skip
    assert off[0] > 0.2
    assert off[1] < 0.02


def test_passes_go_on_where_exchanges_at_random_find_little() -> None:
    """Two columns of forty values that are always the same: of any two records few have what the other one lacks."""
    codes, cards = np.repeat(np.arange(3_000) % 40, 2).reshape(-1, 2), np.array([40, 40])
    wanted = _wanted([(0, 1)], [_counted(codes, 0, 1, cards)])
    squares = []
    for passes in (0, 1, 2):
        state = stream(1, "passes")
        made = _independent([np.bincount(codes[:, c]) for c in range(2)], state)
        exchange(made, cards, wanted, [], passes, state)
        squares.append(_squares(made, cards, wanted))
    assert squares[1] < 0.5 * squares[0]
    assert squares[2] <= squares[1]


def test_records_come_to_hold_no_barred_set_though_the_tables_want_it(exact) -> None:
    """A pair that is as frequent as others, and three attributes of which every two may meet."""
    codes, _, _ = exact
    barred = [((0, 1), (1, 2)), ((0, 0), (2, 0), (3, 1))]
    plain, kept = _made(exact, 2), _made(exact, 2, barred)
    assert _broken(codes, barred) > 250
    assert _broken(plain, barred) > 250
    assert _broken(kept, barred) == 0
    assert _singles(kept) == _singles(codes)


def _in(codes, empty) -> int:
    return sum(int(own[codes[:, i], codes[:, j]].sum()) for (i, j), own in empty)


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(0, 10**6))
def test_what_records_lose_by_leaving_cells_is_bounded_by_their_price(case, seed) -> None:
    """From records that no exchange brings nearer to the tables: those in such cells get fewer, at a price each."""
    codes, cards, wanted, barred = case
    rng, pairs = np.random.default_rng(seed), list(itertools.combinations(range(len(cards)), 2))
    empty = [((i, j), rng.random((cards[i], cards[j])) < 0.3) for i, j in pairs]
    quiet, state = 0, stream(seed, "quiet")
    while quiet < 12:
        before = codes.copy()
        exchange(codes, cards, wanted, barred, 2, state)
        quiet = quiet + 1 if (codes == before).all() else 0
    plain, singles = codes.copy(), _singles(codes)
    spared = _wanted(
        wanted.pairs.tolist(), wanted.tables, empty, list(zip(wanted.triples, wanted.triple_tables, strict=True))
    )
    exchange(codes, cards, spared, barred, 2, stream(seed, "empty"))
    assert _singles(codes) == singles
    assert _broken(codes, barred) <= _broken(plain, barred)
    fewer = _in(plain, empty) - _in(codes, empty)
    assert fewer >= 0
    assert _squares(codes, cards, wanted) <= _squares(plain, cards, wanted) + 10 * fewer + 1e-9


def test_records_leave_cells_that_are_to_be_empty_of_pairs_with_a_table_and_without(exact) -> None:
    """Two columns without a table of their own never hold two of their values together, nor do two others with one."""
    codes, cards, wanted = exact
    empty = [((0, 1), np.arange(12).reshape(3, 4) == 6), ((2, 3), np.arange(10).reshape(2, 5) == 9)]
    tables = [(pair, own) for pair, own in zip(wanted.pairs.tolist(), wanted.tables, strict=True) if pair != [2, 3]]
    pairs, given_tables = [pair for pair, _ in tables], [own for _, own in tables]
    singles = [np.bincount(codes[:, c], minlength=cards[c]) for c in range(4)]
    found = []
    for spared in ((), empty):
        state = stream(1, "spared")
        made = _independent(singles, state)
        exchange(made, cards, _wanted(pairs, given_tables, spared), [], 2, state)
        found.append(_in(made, empty))
        assert _singles(made) == _singles(codes)
    assert found[0] > 200
    assert found[1] < 0.1 * found[0]


def test_few_records_in_cells_that_are_to_be_empty_find_each_other_among_many() -> None:
    """One column follows from another: a record with the wrong value can have the right one of another such alone."""
    first = np.repeat(np.arange(8), 1_500)
    codes, cards = np.stack([first, first // 2], axis=1).astype(np.uint16), np.array([8, 4])
    table = np.zeros((8, 4))
    np.add.at(table, (codes[:, 0], codes[:, 1]), 1)
    codes[:24_000:750, 1] = np.roll(codes[:24_000:750, 1], 4)  # 16 records have the value of another group
    wrong = [((0, 1), table == 0)]
    assert _in(codes, wrong) == 16
    exchange(codes, cards, _wanted([(0, 1)], [table], wrong), [], 0, stream(1, "few"))
    assert _in(codes, wrong) == 0


def test_records_stay_in_a_cell_where_leaving_costs_more_than_its_price() -> None:
    """Records have the table already; each two that leave cost more, as others go where none are wanted."""
    codes, cards = np.repeat([[0, 0], [1, 1]], 20, axis=0).astype(np.uint16), np.array([2, 2])
    wanted = _wanted([(0, 1)], [np.diag([20.0, 20.0])], [((0, 1), np.array([[True, False], [False, False]]))])
    exchange(codes, cards, wanted, [], 2, stream(1, "price"))
    assert 14 <= (codes == 0).all(axis=1).sum() <= 18


def test_a_table_may_ask_for_less_than_nothing_so_that_the_first_record_weighs_more(exact) -> None:
    """Of cells where other tables want some records and this one none, fewer records are in those with a price."""
    codes, cards, wanted = exact
    rng, found = np.random.default_rng(3), []
    tables = [np.where(rng.random(own.shape) < 0.3, 0.0, own) for own in wanted.tables]
    for price in (0.0, 5.0):
        made = _independent([np.bincount(codes[:, c], minlength=cards[c]) for c in range(4)], stream(1, "price"))
        priced = [np.where(own == 0, -price, own) for own in tables]
        exchange(made, cards, _wanted(wanted.pairs.tolist(), priced), [], 2, stream(1, "less"))
        found.append(
            _in(made, [(tuple(pair), own == 0) for pair, own in zip(wanted.pairs.tolist(), tables, strict=True)])
        )
    assert found[1] < found[0]


def test_records_start_from_independent_columns_with_their_own_counts() -> None:
    made = _independent([np.array([4_000, 0, 2_000]), np.array([3_000, 3_000])], stream(1, "start"))
    assert [np.bincount(made[:, c]).tolist() for c in range(2)] == [[4_000, 0, 2_000], [3_000, 3_000]]
    assert _counted(made, 0, 1, [3, 2]) == pytest.approx(np.array([[2_000] * 2, [0] * 2, [1_000] * 2]), abs=120)


def test_shares_add_up_to_the_counts() -> None:
    rng = np.random.default_rng(2)
    counts, phases = rng.gamma(0.5, 20, 400), rng.random(400)
    parts = [shares(counts, part, 7, phases) for part in range(7)]
    assert np.sum(parts, axis=0).tolist() == np.floor(counts + phases).astype(int).tolist()
    assert max(np.abs(part - counts / 7).max() for part in parts) <= 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=9), st.integers(0, 6), st.integers(1, 9))
def test_counts_are_dealt_wholly_evenly_and_to_as_many_records_in_every_column(counts, other, parts) -> None:
    """Of a second column of as many records each part has as many, too."""
    own = np.array(counts)
    shared = [dealt(own, part, parts) for part in range(parts)]
    assert np.sum(shared, axis=0).tolist() == counts
    assert max(np.abs(part - own / parts).max() for part in shared) < 1
    split = np.array([min(other, own.sum()), own.sum() - min(other, own.sum())])
    assert [dealt(split, part, parts).sum() for part in range(parts)] == [part.sum() for part in shared]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 50), min_size=1, max_size=9), st.integers(0, 200))
def test_whole_counts_have_the_total_and_are_less_than_one_off(counts, total) -> None:
    own = np.array(counts)
    if own.sum() < 1e-3:
        return
    whole = whole_counts(own, total)
    assert whole.sum() == total
    assert (whole >= 0).all()
    assert np.abs(whole - own * total / own.sum()).max() < 1
