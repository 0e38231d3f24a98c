"""Timing one system over the queries, and what it found against the exact answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from vrag.grid import FloatArray

TOP = 10
FEWEST = 3  # queries that the slowest system answers
Ranked = list[int]  # page numbers, best first


@dataclass(frozen=True, slots=True)
class SpeedRow:
    """One system at one size.

    Args:
        pages: Pages searched.
        system: What searched.
        cascade: How; empty where there is no choice.
        qps: Queries a second, one after another: 1 / median seconds of a query.
        recall_at_10: Share of the exact top 10 among its first 10, mean over the queries.
        ratio: `qps` over that of the fastest exact system of this size.
        median_ms: Median milliseconds of a query.
        p95_ms: 95th percentile of the same.
        bytes: Bytes a query's candidates are read from, of all pages; 0 where not known.
        queries: How many were asked; a slow system answers those that fit into its time, the first ones.
        build_s: Seconds that its index of these pages took to build; 0 where there is none.
        ndcg_kept: NDCG@10 over that of the exact answer, where a page is right when it was made from the one asked for;
            None where that is known of no query.
        questions_recall_at_10: As `recall_at_10`, of the questions of a file; None where none were asked.
        questions_ndcg_kept: As `ndcg_kept`, of those.
    """

    pages: int
    system: str
    cascade: str
    qps: float
    recall_at_10: float
    ratio: float
    median_ms: float
    p95_ms: float
    bytes: int = 0
    queries: int = 0
    build_s: float = 0.0
    ndcg_kept: float | None = None
    questions_recall_at_10: float | None = None
    questions_ndcg_kept: float | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What the rankings of a size are compared with, a query each.

    Args:
        exact: The exact top ten.
        right: Pages made from one that answers; empty where that is not known.
        is_question: Whether it is of a file; the others are pieces of text.
    """

    exact: Sequence[Ranked]
    right: Sequence[frozenset[int]] = ()
    is_question: Sequence[bool] = ()

    def recall(self, ranked: Sequence[Ranked], of_file: bool) -> float | None:
        """Mean share of the exact top ten among the first ten of the queries of a kind; None where there are none."""
        found = [len(set(ranked[i][:TOP]) & set(self.exact[i])) / len(self.exact[i]) for i in self._of(ranked, of_file)]
        return float(np.mean(found)) if found else None

    def ndcg_kept(self, ranked: Sequence[Ranked], of_file: bool) -> float | None:
        """NDCG@10 of the queries of a kind over that of the exact answer; None where it is not known or nothing."""
        known = [i for i in self._of(ranked, of_file) if self.right and self.right[i]]
        whole = sum(_ndcg(self.exact[i], self.right[i]) for i in known)
        return sum(_ndcg(ranked[i], self.right[i]) for i in known) / whole if whole else None

    def _of(self, ranked: Sequence[Ranked], of_file: bool) -> list[int]:
        return [i for i in range(len(ranked)) if bool(self.is_question and self.is_question[i]) is of_file]


def _ndcg(ranked: Ranked, right: frozenset[int]) -> float:
    """NDCG@10 of a ranking whose right pages are all as good."""
    discounts = [1 / math.log2(rank + 2) for rank in range(TOP)]
    gain = sum(discount for page, discount in zip(ranked, discounts, strict=False) if page in right)
    return gain / sum(discounts[: len(right)])


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds and rankings of the first queries by one system, and the seconds that its index took to build."""

    seconds: Sequence[float]
    ranked: Sequence[Ranked]
    build_s: float = 0.0


def timed(
    search: Callable[[FloatArray], Ranked],
    queries: Sequence[FloatArray],
    most_s: float = math.inf,
    build_s: float = 0.0,
) -> Result:
    """Every query once, after one that is not counted; after `most_s` seconds no more than `FEWEST`."""
    search(queries[0])
    seconds: list[float] = []
    ranked = []
    for query in queries:
        if len(seconds) >= FEWEST and sum(seconds) > most_s:
            break
        started = time.perf_counter()
        ranked.append(search(query))
        seconds.append(time.perf_counter() - started)
    return Result(seconds, ranked, build_s)


def timed_scorer(
    score: Callable[[FloatArray, FloatArray], FloatArray],
    blocks: Iterable[FloatArray],
    queries: Sequence[FloatArray],
    most_s: float = math.inf,
    pages: int = 0,
) -> tuple[Result, FloatArray]:
    """A scorer that reads every page, over blocks float32 [b, n, d] made one after another.

    Only the scoring is timed, so it costs what it would with all pages in memory, where they need not fit. By the time
    of the first block, no more queries are asked than take `most_s` seconds for all `pages`, but `FEWEST`.

    Returns:
        The result, and all scores float32 [queries, pages].
    """
    seconds, scores = np.zeros(len(queries)), []
    for number, block in enumerate(blocks):
        if number == 0:
            score(queries[0], block)  # not counted: the first call of many libraries prepares something
            started = time.perf_counter()
            score(queries[0], block)
            whole = (time.perf_counter() - started) * pages / len(block)
            queries = queries[: max(FEWEST, int(min(most_s / max(whole, 1e-9), len(queries))))]
            seconds = np.zeros(len(queries))
        part = np.empty((len(queries), len(block)), np.float32)
        for i, query in enumerate(queries):
            started = time.perf_counter()
            part[i] = score(query, block)
            seconds[i] += time.perf_counter() - started
        scores.append(part)
    together = np.concatenate(scores, axis=1)
    return Result(seconds.tolist(), [best(row) for row in together]), together


def best(scores: FloatArray, k: int = TOP) -> Ranked:
    """Positions of the `k` best scores, equal ones in order of page."""
    order: Ranked = np.argsort(-scores, kind="stable")[:k].tolist()
    return order


def make_row(pages: int, system: str, cascade: str, result: Result, truth: Truth, size: int = 0) -> SpeedRow:
    """The row of a result, its ratio still to be set."""
    ranked, middle = result.ranked, median(result.seconds)
    return SpeedRow(
        pages, system, cascade, 1 / middle, truth.recall(ranked, False) or 0.0, 0.0, middle * 1000,
        float(np.percentile(result.seconds, 95)) * 1000, size, len(ranked), round(result.build_s, 3),
        truth.ndcg_kept(ranked, False), truth.recall(ranked, True), truth.ndcg_kept(ranked, True),
    )  # fmt: skip
