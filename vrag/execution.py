"""Running a cascade: whatever the engine can express goes to it as one request, the rest is done here.

Plain stages and fusions in a row are one engine request of nested prefetches. A stage that blends other scores
in (`full+0.2*text`) needs the scores of all its candidates, so it ends a request and costs one more for each
vector added, over those candidates alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from vrag.bits.cache import BitCache
from vrag.bits.rerank import exact_best
from vrag.bits.stage import best_pages, scores_of
from vrag.bits.store import bits_of
from vrag.cascade import Cascade, Fusion, Limit, Stage, Step
from vrag.errors import UsageError
from vrag.grid import FloatArray
from vrag.store.base import (
    AnyVector,
    FusionRequest,
    Payload,
    Request,
    Scored,
    Selection,
    SparseVector,
    StageRequest,
    Store,
)

PAYLOAD_KEYS = ("doc_id", "page")  # all that a ranking needs of a page's record
QueryForm = Callable[[Stage], AnyVector]
Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates of a cascade's last stage, best first, and the scores of every stage.

    Args:
        points: Pages that are left.
        stages: (label, scores by point id) of each stage, the last one included.
    """

    points: list[Scored]
    stages: list[tuple[str, Scores]]


@dataclass
class Execution:
    """One query's way through a cascade.

    Args:
        store: Where the pages are.
        form: The query as a stage scores with it.
        selection: Pages that take part.
        k: Hits wanted.
        corpus: Pages in the index.
        spare: Points read beyond `k`, so that ties at the end of the list can be told apart.
    """

    store: Store
    form: QueryForm
    selection: Selection
    k: int
    corpus: int
    spare: int = 0
    _blended: dict[str, Scores] = field(default_factory=dict)

    def run(self, cascade: Cascade) -> Ranking:
        """Candidates of the last stage; at least `k` where there are as many."""
        points: list[Scored] = []
        estimated: Stage | None = None  # what `points` are scored by, when they are estimates
        waiting: list[Request] = []
        selection = self.selection
        for step, is_last in _with_last(cascade.steps):
            if isinstance(step, Stage) and step.bits and self._bits:
                if waiting:
                    selection, waiting = _only(self.store.query(waiting, selection, ("doc_id",))), []
                points = self._over_bits(self._bits, step, selection, is_last)
                selection, estimated = _only(points), None if step.additions else step
                continue
            waiting.append(self._request(step, is_last))
            if isinstance(step, Stage) and step.additions:
                points = self._blend(step, self.store.query(waiting, selection, PAYLOAD_KEYS))
                points = points[: self._limit(step.limit, is_last)]
                selection, waiting, estimated = _only(points), [], None
        if waiting and estimated and _same_scoring(estimated, cascade.steps[-1]) and len(waiting) == 1:
            points = self._rerank(cascade.steps[-1], points)
        elif waiting:
            points = self.store.query(waiting, selection, PAYLOAD_KEYS)
        return Ranking(points, list(self._explained(cascade, points)))

    def field(self, cascade: Cascade, i: int) -> list[Scored]:
        """Every candidate that step `i` of the cascade scores, best first, however many it would let through."""
        step = cascade.steps[i]
        whole = replace(step, limit=Limit(max(self.corpus, 1)))
        return self.run(replace(cascade, steps=(*cascade.steps[:i], _exact(whole)))).points

    def limit(self, cascade: Cascade, i: int) -> int:
        """Candidates that step `i` of the cascade lets through."""
        return self._limit(cascade.steps[i].limit, i == len(cascade.steps) - 1)

    def _request(self, step: Step, is_last: bool) -> Request:
        if isinstance(step, Fusion):
            branches = tuple(tuple(self._stage_request(s, False) for s in branch) for branch in step.branches)
            limit = None if step.kind == "union" and not is_last else self._limit(step.limit, is_last)
            return FusionRequest(branches, limit)
        return self._stage_request(step, is_last)

    def _stage_request(self, stage: Stage, is_last: bool) -> StageRequest:
        if stage.regions or stage.context:
            raise UsageError(f"{stage.scoring!r} cannot be scored in this index.", f"Write {stage.vector!r} alone.")
        # What is blended in may lift any candidate, so none is cut before.
        limit = self.corpus if stage.additions else self._limit(stage.limit, is_last)
        return StageRequest(stage.vector, self.form(stage), limit, stage.hnsw)

    @cached_property
    def _bits(self) -> BitCache | None:
        """The store's packed bits; None when it has none, and the engine scores those stages too."""
        return bits_of(self.store)

    def _over_bits(self, cache: BitCache, stage: Stage, selection: Selection, is_last: bool) -> list[Scored]:
        """The best of the selection by the stage's packed bits, with what a ranking needs of the last ones."""
        if stage.vector not in cache.names:
            raise UsageError(f"{stage.vector!r} has no packed bits.", f"These have: {', '.join(cache.names)}.")
        limit = self.corpus if stage.additions else self._limit(stage.limit, is_last)
        best = best_pages(cache, self.store, stage.vector, _rows(self.form(stage)), selection, limit)
        payloads: dict[str, Payload] = {}
        if is_last:
            chosen = Selection(ids=frozenset(page for page, _ in best))
            payloads = {record.id: record.payload for record in self.store.scroll(chosen, keys=PAYLOAD_KEYS)}
        points = [Scored(page, score, payloads.get(page, {})) for page, score in best]
        return self._blend(stage, points)[: self._limit(stage.limit, is_last)] if stage.additions else points

    def _rerank(self, step: Step, points: Sequence[Scored]) -> list[Scored]:
        """Exact scores of those candidates that can still be among the best by what the bits have estimated."""
        assert isinstance(step, Stage)
        query = self.form(step)

        def score(ids: Sequence[str]) -> list[Scored]:
            request = StageRequest(step.vector, query, len(ids))
            return self.store.query([request], Selection(ids=frozenset(ids)), PAYLOAD_KEYS)

        best = exact_best(score, {point.id: point.score for point in points}, self._limit(step.limit, False))
        return best[: self._limit(step.limit, True)]

    def _limit(self, limit: Limit | None, is_last: bool) -> int:
        wanted = limit or Limit(self.k)
        return wanted.within(self.k, self.corpus) + (self.spare if is_last else 0)

    def _blend(self, stage: Stage, points: list[Scored]) -> list[Scored]:
        """The points with every addition's standardised score added, best first."""
        scores = np.array([point.score for point in points])
        spread = scores.std() if len(scores) else 0.0
        for addition in stage.additions:
            other = self._scores_of(Stage(addition.vector), points)
            column = np.array([other.get(point.id, 0.0) for point in points])
            scores = scores + addition.weight * spread * _standardised(column)
        blended = [replace(point, score=float(score)) for point, score in zip(points, scores, strict=True)]
        self._blended[stage.scoring] = {point.id: point.score for point in blended}
        return sorted(blended, key=lambda point: (-point.score, point.id))

    def _explained(self, cascade: Cascade, points: Sequence[Scored]) -> Iterator[tuple[str, Scores]]:
        """Scores of the points that are left, stage by stage."""
        *earlier, last = cascade.stages
        labels = step_labels(cascade.stages)
        best = points[: self.k + self.spare]
        for label, stage in zip(labels, earlier, strict=False):
            yield label, self._blended[stage.scoring] if stage.additions else self._scores_of(stage, best)
        if isinstance(cascade.steps[-1], Fusion):
            yield labels[-1], self._scores_of(last, best)
            yield cascade.steps[-1].kind, {point.id: point.score for point in points}
        else:
            yield labels[-1], {point.id: point.score for point in points}

    def _scores_of(self, stage: Stage, points: Sequence[Scored]) -> Scores:
        """The stage's exact scores of given points; those without any term in common with a sparse query lack."""
        query = self.form(stage)
        if not points or (isinstance(query, SparseVector) and not len(query.indices)):
            return {}
        if stage.bits and self._bits:
            return dict(scores_of(self._bits, stage.vector, _rows(query), [point.id for point in points]))
        ids = frozenset(point.id for point in points)
        found = self.store.query([StageRequest(stage.vector, query, len(ids))], Selection(ids=ids), ("doc_id",))
        return {point.id: point.score for point in found}


def step_labels(steps: Sequence[Step]) -> list[str]:
    """A name a step: its vector's, numbered when a vector is scored twice; with what is special about it."""
    labels: list[str] = []
    for step in steps:
        name = _name(step)
        again = sum(label.split("#")[0] == name for label in labels)
        labels.append(f"{name}#{again + 1}" if again else name)
    return labels


def _only(points: Sequence[Scored]) -> Selection:
    return Selection(ids=frozenset(point.id for point in points))


def _same_scoring(estimated: Stage, step: Step) -> bool:
    """Whether a step gives exactly what a stage over bits has estimated."""
    return isinstance(step, Stage) and (step.vector, step.mean) == (estimated.vector, estimated.mean)


def _rows(query: AnyVector) -> FloatArray:
    """A query that is scored against bits: rows [m, d]; the grammar lets no other vector be packed."""
    assert not isinstance(query, SparseVector)
    return np.atleast_2d(query)


def _exact(step: Step) -> Step:
    return replace(step, hnsw=False) if isinstance(step, Stage) else step


def _name(step: Step) -> str:
    if isinstance(step, Fusion):
        return step.kind
    return step.vector if step.is_plain else replace(step, hnsw=False).scoring


def _with_last(steps: Sequence[Step]) -> Iterator[tuple[Step, bool]]:
    for i, step in enumerate(steps):
        yield step, i == len(steps) - 1


def _standardised(values: np.ndarray) -> np.ndarray:
    """Zero mean and unit spread; zeros where all are equal."""
    spread = values.std() if len(values) else 0.0
    centred: np.ndarray = values - values.mean() if len(values) else values
    return centred / spread if spread > 0 else np.zeros_like(centred)
