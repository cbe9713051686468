"""Scores and tables of triples of columns, counted in tasks, against counting by hand."""

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from noises import NoNoise
from pyspark.sql import SparkSession

from synth_spark.aggregate import Counted, Sides, noisy_scores, noisy_triples
from synth_spark.encode.combinations import count
from synth_spark.kernels.arrow_codec import pack_codes, unpack_ints
from synth_spark.kernels.cells import CellSpace
from synth_spark.kernels.marginals.triples import candidates
from synth_spark.privacy import Rho

CARDS, WHOLE = (2, 3, 1, 4, 2), (False, True, False, False, False)
SIZES = [card + 1 - int(never) for card, never in zip(CARDS, WHOLE, strict=True)]


def _records(n: int, seed: int) -> np.ndarray:
    """The last column is never held together with two others, so that some triples have no cell that is counted."""
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, card + 1, n) for card in CARDS], axis=1)
    codes[codes[:, 0] > 0, 4] = 0
    codes[:, 2] = np.where(codes[:, 4] > 0, 0, codes[:, 2])
    return codes.astype(np.uint16)


def _counted(spark: SparkSession, codes: np.ndarray, longest: int) -> Counted:
    rows, copies = np.unique(codes, axis=0, return_counts=True)
    frame = spark.createDataFrame(pa.table([pack_codes(rows), pa.array(copies)], names=["record", "multiplicity"]))
    space = CellSpace(CARDS, longest)
    return Counted(count(frame, space, 2, 1_000), len(codes), space)


def _table(codes: np.ndarray, triple: tuple[int, ...]) -> np.ndarray:
    """By hand; who has no value of a column that is known to be never absent is in no cell."""
    table = np.zeros([SIZES[c] for c in triple], np.int64)
    for row in codes.astype(int).tolist():
        place = tuple(row[c] - int(WHOLE[c]) for c in triple)
        if min(place) >= 0:
            table[place] += 1
    return table


@pytest.mark.parametrize("longest", [3, 4])
def test_scores_and_tables_of_triples_are_those_of_counting_by_hand(spark: SparkSession, longest: int) -> None:
    """Whatever else is counted: all triples have a score; a record more changes each by one at most, and one cell."""
    codes, made = _records(300, 1), _records(280, 2)
    made[:, 3] = np.minimum(made[:, 3], 2)
    triples, of_pairs = candidates(SIZES), _counted(spark, made, 3)
    assert len(triples) == 10
    found = []
    for own in (codes, np.concatenate([codes, [[2, 0, 1, 4, 2]]]).astype(np.uint16)):
        sides = Sides(_counted(spark, own, longest), of_pairs, WHOLE)
        scores = noisy_scores(spark, sides, triples, Rho(0.5), NoNoise())
        assert list(zip(*(scores[name].to_pylist() for name in ("first", "second", "third")), strict=True)) == [
            *combinations(range(5), 3)
        ]
        by_hand = [int(np.abs(_table(own, tuple(t)) - _table(made, tuple(t))).sum()) for t in triples.tolist()]
        assert scores["score"].to_pylist() == by_hand
        assert scores["sigma"].to_pylist() == pytest.approx([len(triples) ** 0.5] * len(triples))
        found.append((by_hand, own, sides))
    changes = np.array(found[1][0]) - np.array(found[0][0])
    held = np.array([1 not in triple for triple in triples.tolist()])  # that record has no value of the second column
    assert (np.abs(changes) == held).all()
    chosen = triples[[0, 3, 8, 9]]
    rows = noisy_triples(spark, found[1][2], chosen, Rho(0.5), NoNoise()).toArrow().to_pylist()
    assert sorted((row["first"], row["second"], row["third"]) for row in rows) == [tuple(t) for t in chosen.tolist()]
    for row in rows:
        triple = (row["first"], row["second"], row["third"])
        assert row["sigma"] == pytest.approx(2.0)
        for name, side in (("counts", found[1][1]), ("of_pairs", made)):
            assert unpack_ints(pa.scalar(row[name])).tolist() == _table(side, triple).ravel().tolist()
