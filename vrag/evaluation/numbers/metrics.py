"""Retrieval metrics at parity with trec_eval (https://github.com/usnistgov/trec_eval).

Its conventions, which papers rely on without naming them:

- Documents are ranked by score alone, compared as float32; ties by document id, the larger one first.
- A grade of 1 or more is relevant; NDCG's gain is the grade itself, negative grades count as 0.
- The ideal ranking of NDCG holds every judged document, retrieved or not.

One difference: a judged query without any hit scores 0 here, where trec_eval leaves it out of the mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.errors import UsageError

Run = Mapping[str, Mapping[str, float]]  # query id -> document id -> score
Qrels = Mapping[str, Mapping[str, int]]  # query id -> document id -> grade
Scores = npt.NDArray[np.float64]  # [q], one a query

METRICS = ("ndcg@10", "recall@10", "precision@10", "mrr", "map")
_NAME = re.compile(r"(?P<name>ndcg|recall|mrr|map|precision(?=@))(?:@(?P<k>[1-9]\d*))?")


@dataclass(frozen=True, slots=True)
class Judged:
    """Grades along the rankings of q queries, and along the ideal ones.

    Args:
        queries: Ids of the judged queries, in the order of the qrels.
        grades: float64 [q, depth], grade at each rank; 0 where unjudged or past the end.
        ideal: float64 [q, width], positive grades of all judged documents, best first, padded with 0.
    """

    queries: tuple[str, ...]
    grades: npt.NDArray[np.float64]
    ideal: npt.NDArray[np.float64]

    def ndcg(self, k: int | None = None) -> Scores:
        """Normalised discounted cumulated gain, discount log2(rank + 1) (Järvelin and Kekäläinen 2002)."""
        return _divided(_dcg(np.maximum(self.grades[:, :k], 0)), _dcg(self.ideal[:, :k]))

    def recall(self, k: int | None = None) -> Scores:
        """Share of the relevant documents that are among the first k."""
        return _divided(self._relevant(k).sum(1), self._relevant_count())

    def precision(self, k: int) -> Scores:
        """Share of relevant documents among the first k; a shorter list counts as filled with others."""
        share: Scores = self._relevant(k).sum(1) / k
        return share

    def mrr(self, k: int | None = None) -> Scores:
        """1 / rank of the first relevant document, 0 when it is not among the first k."""
        relevant = self._relevant(k)
        if not relevant.shape[1]:
            return np.zeros(len(relevant))
        return np.where(relevant.any(1), 1 / (relevant.argmax(1) + 1), 0.0)

    def map(self, k: int | None = None) -> Scores:
        """Average precision: precision at each relevant rank up to k, summed, over all relevant documents."""
        relevant = self._relevant(k)
        precisions = relevant.cumsum(1) / np.arange(1, relevant.shape[1] + 1)
        return _divided((precisions * relevant).sum(1), self._relevant_count())

    def _relevant(self, k: int | None) -> npt.NDArray[np.bool_]:
        return self.grades[:, :k] >= 1

    def _relevant_count(self) -> Scores:
        count: Scores = (self.ideal >= 1).sum(1, dtype=np.float64)
        return count


def judge(run: Run, qrels: Qrels) -> Judged:
    """Rank the run's documents as trec_eval does and look up their grades.

    Queries of the run that nobody judged are passed over.
    """
    grades = [[judged.get(doc, 0) for doc in ranked(run.get(query, {}))] for query, judged in qrels.items()]
    ideal = [sorted((grade for grade in judged.values() if grade > 0), reverse=True) for judged in qrels.values()]
    return Judged(tuple(qrels), _padded(grades), _padded(ideal))


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Document ids, best first; equal scores (as float32) by id, the larger one first."""
    rounded = np.fromiter(scores.values(), np.float32, len(scores)).tolist()
    return [doc for _, doc in sorted(zip(rounded, scores, strict=True), reverse=True)]


def evaluate(run: Run, qrels: Qrels, metrics: Sequence[str] = METRICS) -> dict[str, Scores]:
    """Values of each metric, [q] in the order of the qrels.

    Args:
        run: Scores of the retrieved documents by query.
        qrels: Grades of the judged documents by query.
        metrics: ndcg, recall, mrr or map, each with `@k` (the first k hits only) or without; precision@k.

    Raises:
        UsageError: A metric is not of that form.
    """
    judged = judge(run, qrels)
    return {name: _value(judged, name) for name in metrics}


def _value(judged: Judged, name: str) -> Scores:
    match = _NAME.fullmatch(name)
    if not match:
        raise UsageError(
            f"Unknown metric {name!r}.", "Metrics: ndcg, recall, mrr, map, each with @k or not; precision@k."
        )
    k = int(match["k"]) if match["k"] else None
    if name.startswith("precision") and k is not None:
        return judged.precision(k)
    functions = {"ndcg": judged.ndcg, "recall": judged.recall, "mrr": judged.mrr, "map": judged.map}
    return functions[match["name"]](k)


def _padded(rows: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
    """Rows of unequal length as one array [q, longest], filled up with 0."""
    padded = np.zeros((len(rows), max(map(len, rows), default=0)))
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    return padded


def _dcg(gains: npt.NDArray[np.float64]) -> Scores:
    dcg: Scores = gains @ (1 / np.log2(np.arange(2, gains.shape[1] + 2)))
    return dcg


def _divided(parts: Scores, wholes: Scores) -> Scores:
    """Elementwise quotient, 0 where the divisor is 0: a query without relevant documents."""
    return np.divide(parts, wholes, out=np.zeros(len(parts)), where=wholes != 0)
