"""Tuning: which cascade is the cheapest that keeps what scoring every page finds, measured on the index itself.

Every cascade is compared with the reference: the last stage of the index's default over every page, which is exact
MaxSim when that stage is `full`. Recall is the share of its top 10 that is still there after each stage.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from vrag.cascade.cascade import Cascade
from vrag.evaluation.numbers.metrics import judge
from vrag.evaluation.numbers.statistics import ConfidenceInterval, bootstrap_interval
from vrag.index import Index
from vrag.tuning.candidates import bytes_read, reference_of, vector_bytes
from vrag.tuning.queries import TuningQuery, page_key

K = 10
KEEP = 0.99
ENOUGH = 10  # queries with labels from which their NDCG says something

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class StageRecall:
    """Recall of the reference's top 10 among what a stage lets through; its text is without what came before."""

    stage: str
    recall: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A cascade, measured.

    Args:
        cascade: Its text.
        name: What the pipeline calls it; empty when it has no name.
        stages: Recall after each stage.
        interval: 95 % bootstrap interval of the last recall, over queries.
        ndcg: NDCG@10 over the queries with labels; None when there are none.
        median_ms: Median time of a search, its query embedded before.
        p95_ms: 95th percentile of it.
        bytes: Of stored vectors that a search reads.
        pareto: Whether no other cascade is both faster and better.
    """

    cascade: str
    name: str
    stages: tuple[StageRecall, ...]
    interval: ConfidenceInterval
    ndcg: float | None
    median_ms: float
    p95_ms: float
    bytes: int
    pareto: bool = False

    @property
    def recall(self) -> float:
        """Recall of the reference's top 10 among the 10 hits."""
        return self.stages[-1].recall


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured, and the cheapest cascade that keeps enough.

    Args:
        reference: The cascade that the others are compared with.
        keep: Share of its top 10 to be kept.
        rows: Fastest first.
        labelled: Queries whose answers are known.
    """

    reference: str
    keep: float
    rows: tuple[Measured, ...]
    labelled: int = 0

    @property
    def chosen(self) -> Measured:
        """The fastest cascade with at least `keep` of the reference's top 10, which has all of it.

        Where enough answers are known, a faster one whose NDCG is as high: equal quality never costs more.
        """
        kept = next(row for row in self.rows if row.recall >= self.keep - 1e-9)
        if self.labelled < ENOUGH or kept.ndcg is None:
            return kept
        return next(row for row in self.rows if row.ndcg is not None and row.ndcg >= kept.ndcg - 1e-9)


@dataclass(slots=True)
class _Tally:
    """What is noted of one cascade while the queries run: one entry a query."""

    recalls: list[list[float]] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    runs: list[dict[str, float]] = field(default_factory=list)


def tune(
    index: Index,
    cascades: Sequence[Cascade],
    queries: Sequence[TuningQuery],
    keep: float = KEEP,
    step: Step = lambda: None,
) -> Tuning:
    """Measure cascades with queries.

    Args:
        index: Where they search.
        cascades: What to compare; the reference is measured besides.
        queries: At least one.
        keep: Share of the reference's top 10 that the chosen cascade must find.
        step: Called after each query and cascade.
    """
    reference = reference_of(index)
    texts = {str(cascade): cascade for cascade in (reference, *(cascade.plain for cascade in cascades))}
    tallies = {text: _Tally() for text in texts}
    for query in queries:
        wanted: set[str] = set()  # what the reference, which comes first, finds
        # All cascades take turns, so that a slow moment of the machine falls on all alike.
        for text, cascade in texts.items():
            wanted = _measure(index, query, cascade, wanted, tallies[text])
            step()
    sizes = vector_bytes(index)
    names = {str(index.pipeline.cascade(name).plain): name for name in reversed(list(index.pipeline.cascades))}
    rows = [
        _summary(cascade, names.get(text, ""), tallies[text], queries, bytes_read(cascade, sizes, index.page_count, K))
        for text, cascade in texts.items()
    ]
    labelled = sum(bool(query.grades) for query in queries)
    return Tuning(str(reference), keep, tuple(on_the_front(rows)), labelled)


def total_steps(index: Index, cascades: Sequence[Cascade], queries: Sequence[TuningQuery]) -> int:
    """How often `tune` will call its `step`."""
    return len({str(reference_of(index)), *(str(cascade.plain) for cascade in cascades)}) * len(queries)


def _measure(index: Index, query: TuningQuery, cascade: Cascade, wanted: set[str], tally: _Tally) -> set[str]:
    """Search, note how it went, and give back what is wanted: what the first search found."""
    started = time.perf_counter()
    hits = index.search(query.text, K, str(cascade))
    tally.milliseconds.append((time.perf_counter() - started) * 1000)
    watched = index.watch(query.text, cascade, K, "steps")
    found = [watched.passed(step) for step in range(len(cascade.steps) - 1)]
    sets = [*found, {hit.id for hit in hits}]
    wanted = wanted or sets[-1]
    tally.recalls.append([len(wanted & kept) / max(len(wanted), 1) for kept in sets])
    tally.runs.append({page_key(hit.path, hit.page): hit.score for hit in hits})
    return wanted


def _summary(cascade: Cascade, name: str, tally: _Tally, queries: Sequence[TuningQuery], read: int) -> Measured:
    recalls = np.array(tally.recalls)
    stages = list(map(str, cascade.steps))
    return Measured(
        cascade=str(cascade),
        name=name,
        stages=tuple(StageRecall(stage, float(r)) for stage, r in zip(stages, recalls.mean(axis=0), strict=True)),
        interval=bootstrap_interval(recalls[:, -1]),
        ndcg=_ndcg(tally, queries),
        median_ms=float(np.median(tally.milliseconds)),
        p95_ms=float(np.quantile(tally.milliseconds, 0.95)),
        bytes=read,
    )


def _ndcg(tally: _Tally, queries: Sequence[TuningQuery]) -> float | None:
    judged = [i for i, query in enumerate(queries) if query.grades]
    if not judged:
        return None
    run = {str(i): tally.runs[i] for i in judged}
    qrels = {str(i): dict(queries[i].grades) for i in judged}
    return float(judge(run, qrels).ndcg(K).mean())


def on_the_front(rows: Sequence[Measured]) -> list[Measured]:
    """The rows, fastest first; a row is on the Pareto front when every faster one finds less."""
    best, marked = -1.0, []
    for row in sorted(rows, key=lambda row: (row.median_ms, -row.recall)):
        marked.append(replace(row, pareto=row.recall > best))
        best = max(best, row.recall)
    return marked
