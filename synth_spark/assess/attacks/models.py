"""Whether a model can tell synthetic records from real ones, and whether models learn the same from both."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from synth_spark.assess.attacks.anonymeter import Row, Terms
from synth_spark.kernels.cells import Codes, Ints

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Most records a model is trained or tested on; fields that are predicted, and most values of theirs.
_MOST, _PREDICTED, _VALUES = 50_000, 5, 30
#: Parts of the training: telling real from synthetic records, and predicting each field.
PARTS = 1 + _PREDICTED


def train(
    trained: Codes, control: Codes, synthetic: Codes, terms: Terms, parts: Collection[int]
) -> Iterator[tuple[int, Row]]:
    """Train models.

    Args:
        trained: (n, m) codes of the records that the synthetic ones were made from; 0 = absent.
        control: (h, m) codes of records that were held out.
        synthetic: (s, m) codes of the synthetic records.
        terms: names of the fields, those of special interest, and the seed.
        parts: which of 0 … `PARTS` − 1.

    Yields:
        Parts, with figures of the topic model: ``pmse``, ``pmse_ratio`` and ``auc`` of telling real from synthetic
        records (part 0), and a part for each of some fields ``synthetic_accuracy`` (trained on synthetic, tested on
        held-out records), ``real_accuracy`` (trained on as many real ones) and ``majority``.
    """
    random = np.random.default_rng(terms.seed + 1)
    real, test, synthetic = (side[random.permutation(len(side))[:_MOST]] for side in (trained, control, synthetic))
    if min(len(real), len(test), len(synthetic)) < 2:
        return
    if 0 in parts:
        yield from ((0, row) for row in _propensity(real, synthetic))
    size = min(len(real), len(synthetic))
    for part, field in enumerate(_targets(real, terms), 1):
        if part in parts:
            yield from ((part, row) for row in _prediction(real[:size], synthetic[:size], test, field, terms))


def _row(measure: str, about: str | None, value: float) -> Row:
    return {
        "topic": "model", "comparison": "real_to_synthetic", "measure": measure, "about": about,
        "value": float(value), "low": None, "high": None,
    }  # fmt: skip


def one_hot(codes: Codes, cards: Ints) -> "csr_matrix":
    """(n, Σ cards) a column for each present value; absent is all zeros."""
    from scipy.sparse import csr_matrix

    starts = np.concatenate([[0], np.cumsum(cards)])
    rows, columns = np.nonzero(codes)
    places = starts[columns] + codes[rows, columns] - 1
    return csr_matrix((np.ones(len(rows)), (rows, places)), shape=(len(codes), int(starts[-1])))


def _model() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=300)


def _propensity(real: Codes, synthetic: Codes) -> Iterator[Row]:
    """Propensity scores by logistic regression (Snoke et al. 2018).

    pMSE = Σ (pᵢ − c)² / N; if synthetic records were drawn as the real ones were, its expectation were
    (q − 1) (1 − c)² c / N, where q is the number of parameters (their equation 7).
    """
    from sklearn.metrics import roc_auc_score

    both = np.concatenate([real, synthetic])
    features = one_hot(both, both.max(axis=0).astype(np.int64))
    label = np.repeat([0, 1], [len(real), len(synthetic)])
    score = _model().fit(features, label).predict_proba(features)[:, 1]
    share, total = len(synthetic) / len(both), len(both)
    pmse = float(np.mean((score - share) ** 2))
    parameters = 1 + len(np.unique(features.nonzero()[1]))
    expected = (parameters - 1) * (1 - share) ** 2 * share / total
    yield _row("pmse", None, pmse)
    yield _row("pmse_ratio", None, pmse / expected if expected else 0.0)
    yield _row("auc", None, float(roc_auc_score(label, score)))


def _targets(real: Codes, terms: Terms) -> list[int]:
    """Fields of one value that are worth predicting: declared ones first, then those that say most."""
    fields = [
        (terms.names[field] not in terms.secrets, -_entropy(real[:, terms.bounds[field]]), field)
        for field in range(len(terms.names))
        if terms.bounds[field + 1] - terms.bounds[field] == 1
        and 2 <= len(np.unique(real[:, terms.bounds[field]])) <= _VALUES
    ]
    return [field for *_, field in sorted(fields)[:_PREDICTED]]


def _entropy(column: Codes) -> float:
    share = np.unique(column, return_counts=True)[1] / len(column)
    return float(-(share * np.log2(share)).sum())


def _prediction(real: Codes, synthetic: Codes, test: Codes, field: int, terms: Terms) -> Iterator[Row]:
    """Train on synthetic and on real records, test on held-out real ones."""
    column = terms.bounds[field]
    others = np.delete(np.arange(real.shape[1]), column)
    cards = np.maximum.reduce([side.max(axis=0) for side in (real, synthetic, test)]).astype(np.int64)[others]
    asked, answer, name = one_hot(test[:, others], cards), test[:, column], terms.names[field]
    for measure, side in (("synthetic_accuracy", synthetic), ("real_accuracy", real)):
        if len(np.unique(side[:, column])) < 2:
            guessed = np.full(len(test), side[0, column])
        else:
            guessed = _model().fit(one_hot(side[:, others], cards), side[:, column]).predict(asked)
        yield _row(measure, name, float(np.mean(guessed == answer)))
    values, counts = np.unique(real[:, column], return_counts=True)
    yield _row("majority", name, float(np.mean(answer == values[counts.argmax()])))
