"""Running a cascade: whatever the engine can express goes to it as one request, the rest is done here.

Plain stages and fusions in a row are one engine request of nested prefetches. A stage that blends other scores
in (`full+0.2*text`) needs the scores of all its candidates, so it ends a request and costs one more for each
vector added, over those candidates alone. Bits, regions and context are scored by `vrag.rescoring`; as a first
stage they cost one request for all pages before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from vrag.cascade import Cascade, Fusion, Limit, Stage, Step
from vrag.rescoring import Rescorer, rescored
from vrag.store.base import (
    AnyVector,
    Condition,
    FusionRequest,
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
        starts: First row of each page's best region, where a stage looked for one.
    """

    points: list[Scored]
    stages: list[tuple[str, Scores]]
    starts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Execution:
    """One query's way through a cascade.

    Args:
        store: Where the pages are.
        form: The query as a stage scores with it.
        selection: Pages that take part.
        k: Hits wanted.
        corpus: Pages in the index.
        rescorer: Runs the stages that the engine cannot.
        spare: Points read beyond `k`, so that ties at the end of the list can be told apart.
    """

    store: Store
    form: QueryForm
    selection: Selection
    k: int
    corpus: int
    rescorer: Rescorer
    spare: int = 0
    _scored: dict[str, Scores] = field(default_factory=dict)
    _starts: dict[str, int] = field(default_factory=dict)

    def run(self, cascade: Cascade) -> Ranking:
        """Candidates of the last stage; at least `k` where there are as many."""
        points: list[Scored] = []
        waiting: list[Request] = []
        selection = self.selection
        for i, step in enumerate(cascade.steps):
            is_last = i == len(cascade.steps) - 1
            if isinstance(step, Fusion) or step.is_plain:
                waiting.append(self._request(step, is_last))
                continue
            if not step.is_rescored:
                waiting.append(self._everything(step))
            elif i == 0:
                waiting.append(self._everything(Stage(step.vector, step.mean)))
            if waiting:
                points = self.store.query(waiting, selection, PAYLOAD_KEYS)
            points = self._blend(step, self._rescore(step, points))[: self._limit(step.limit, is_last)]
            selection, waiting = Selection(ids=frozenset(point.id for point in points)), []
        if waiting:
            points = self.store.query(waiting, selection, PAYLOAD_KEYS)
        return Ranking(points, list(self._explained(cascade, points)), self._starts)

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
        return StageRequest(stage.vector, self.form(stage), self._limit(stage.limit, is_last), stage.hnsw)

    def _everything(self, stage: Stage) -> StageRequest:
        """The stage's scores of all its candidates: what is added to them may lift any."""
        return StageRequest(stage.vector, self.form(stage), max(self.corpus, 1), stage.hnsw)

    def _limit(self, limit: Limit | None, is_last: bool) -> int:
        wanted = limit or Limit(self.k)
        return wanted.within(self.k, self.corpus) + (self.spare if is_last else 0)

    def _rescore(self, stage: Stage, points: list[Scored]) -> list[Scored]:
        """The points scored by bits, regions and context, best first."""
        query = self.form(stage)
        if not stage.is_rescored or isinstance(query, SparseVector):
            return points
        best = self.rescorer.score(stage, query, points, self._is_one_document)
        if stage.regions:
            self._starts.update({point.id: b.start for point, b in zip(points, best, strict=True)})
        points = rescored(points, best)
        self._scored[stage.scoring] = {point.id: point.score for point in points}
        return points

    @property
    def _is_one_document(self) -> bool:
        """Whether the filter leaves one document's pages."""
        named = [c for c in self.selection.conditions if isinstance(c, Condition) and c.key == "doc_id"]
        return any(len(c.values) == 1 and not c.negate for c in named)

    def _blend(self, stage: Stage, points: list[Scored]) -> list[Scored]:
        """The points with every addition's standardised score added, best first."""
        if not stage.additions:
            return points
        scores = np.array([point.score for point in points])
        spread = scores.std() if len(scores) else 0.0
        for addition in stage.additions:
            other = self._scores_of(Stage(addition.vector), points)
            column = np.array([other.get(point.id, 0.0) for point in points])
            scores = scores + addition.weight * spread * _standardised(column)
        blended = [replace(point, score=float(score)) for point, score in zip(points, scores, strict=True)]
        self._scored[stage.scoring] = {point.id: point.score for point in blended}
        return sorted(blended, key=lambda point: (-point.score, point.id))

    def _explained(self, cascade: Cascade, points: Sequence[Scored]) -> Iterator[tuple[str, Scores]]:
        """Scores of the points that are left, stage by stage."""
        *earlier, last = cascade.stages
        labels = step_labels(cascade.stages)
        best = points[: self.k + self.spare]
        for label, stage in zip(labels, earlier, strict=False):
            yield label, self._scored.get(stage.scoring) or self._scores_of(stage, best)
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


def _exact(step: Step) -> Step:
    return replace(step, hnsw=False) if isinstance(step, Stage) else step


def _name(step: Step) -> str:
    if isinstance(step, Fusion):
        return step.kind
    return step.vector if step.is_plain else replace(step, hnsw=False).scoring


def _standardised(values: np.ndarray) -> np.ndarray:
    """Zero mean and unit spread; zeros where all are equal."""
    spread = values.std() if len(values) else 0.0
    centred: np.ndarray = values - values.mean() if len(values) else values
    return centred / spread if spread > 0 else np.zeros_like(centred)
