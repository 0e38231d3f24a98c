"""Running a cascade: whatever the engine can express goes to it as one request, the rest is done here.

Plain stages and fusions in a row are one engine request of nested prefetches. A stage that blends other scores
in (`full+0.2*text`) needs the scores of all its candidates, so it ends a request and costs one more for each
vector added, over those candidates alone. Bits, regions and context are scored by `vrag.search.rescoring`; as a first
stage they cost one request for all pages before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from vrag.bits import compiled
from vrag.bits.beside import view_of
from vrag.bits.exact import ExactPages
from vrag.bits.portable import IntArray
from vrag.bits.rerank import ONE_THREAD, exact_best
from vrag.bits.stage import BitStage, Scores, best_of, best_pages, scores_of, selected
from vrag.bits.view import BitsView, PageTable
from vrag.cascade.bm25 import TEXT
from vrag.cascade.cascade import Cascade, Fusion, Limit, Stage, Step
from vrag.cascade.fusion import fused
from vrag.cascade.regions import RegionRule
from vrag.errors import UsageError
from vrag.grid import FloatArray
from vrag.search.rescoring import Rescorer, rescored
from vrag.store.interface import (
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

PAYLOAD_KEYS = ("doc_id", "page", "tiles")  # all that a ranking needs of a page's record
_FREE = 10_000  # pages that a stage may let through for the asking, whether there are as many or not
_HERE = 32  # pages scored at once by our own threads
_LEADING = 50  # pages that what is blended in is standardised over
_CONTRAST = 30  # pages down from the best by words, where they should mean less
QueryForm = Callable[[Stage], AnyVector]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates of a cascade's last stage, best first, and the scores of every stage.

    Args:
        points: Pages that are left.
        stages: (label, scores by point id) of each stage, the last one included.
        starts: First row of each page's best region, by the place of the stage that looked for it in
            `Cascade.stages`, from 0.
    """

    points: list[Scored]
    stages: list[tuple[str, Scores]]
    starts: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Seen:
    """What the stages of one run have scored, by their place in `Cascade.stages`: a stage may stand there twice."""

    scores: dict[int, Scores] = field(default_factory=dict)
    starts: dict[int, dict[str, int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Walk:
    """How far a query has come through a cascade.

    Args:
        selection: Pages that the next step may take.
        seen: What this step's stages score goes here.
        at: Place of this step's first stage in `Cascade.stages`.
        waiting: Steps that the engine will run in one request.
        points: Candidates of the last step that was run here.
        estimated: That step, when its scores are estimates.
        has_arrived: Whether there was such a step.
        before: Stages over bits that the next one, over bits too, will run first.
    """

    selection: Selection
    seen: _Seen
    at: int = 0
    waiting: list[Request] = field(default_factory=list)
    points: list[Scored] = field(default_factory=list)
    estimated: Stage | None = None
    has_arrived: bool = False
    before: list[Stage] = field(default_factory=list)

    def arrive(self, points: list[Scored], estimated: Stage | None = None) -> None:
        """Go on with these candidates."""
        self.points, self.estimated, self.has_arrived = points, estimated, True
        self.selection, self.waiting = _only(points), []


@dataclass(slots=True)
class _Taken:
    """What a query has looked at, once for all of its stages.

    Args:
        is_taken: Whether it has looked at the view.
        view: What is kept beside the store.
        words: Positions in the view of pages with a word of the query, and their scores; None until asked for.
    """

    is_taken: bool = False
    view: BitsView | None = None
    words: tuple[IntArray, FloatArray] | None = None


@dataclass
class Execution:
    """One query's way through a cascade.

    Args:
        store: Where the pages are.
        form: The query as a stage scores with it.
        selection: Pages that take part.
        k: Hits wanted.
        count_pages: Counts the pages in the index; asked only by what depends on it.
        rescorer: Runs the stages that the engine cannot; None for one without contexts.
        spare: Points read beyond `k`, so that ties at the end of the list can be told apart.
    """

    store: Store
    form: QueryForm
    selection: Selection
    k: int
    count_pages: Callable[[], int]
    rescorer: Rescorer | None = None
    spare: int = 0
    _taken: _Taken = field(default_factory=_Taken)

    def run(self, cascade: Cascade) -> Ranking:
        """Candidates of the last stage; at least `k` where there are as many.

        Raises:
            UsageError: A stage asks for packed bits of a vector that has none.
        """
        for stage in cascade.stages:
            if stage.bits and self.view is not None and stage.vector not in self.view.packed:
                names = ", ".join(self.view.packed)
                raise UsageError(f"{stage.vector!r} has no packed bits.", f"These have: {names}.")
        seen = _Seen()
        points = self._through(_Walk(self.selection, seen), cascade.steps, is_whole=True)
        return Ranking(points, list(self._explained(cascade, points, seen)), seen.starts)

    def _through(self, walk: _Walk, steps: Sequence[Step], is_whole: bool) -> list[Scored]:
        """Candidates of the last of the steps, which are a whole cascade or a branch of one."""
        for i, step in enumerate(steps):
            following = steps[i + 1] if i + 1 < len(steps) else None
            is_last = is_whole and following is None
            with_payload = is_last or _takes_points(following)
            if isinstance(step, Fusion) and any(map(self._is_for_view, step.stages)):
                self._walk_branches(walk, step, is_last, with_payload)
            elif isinstance(step, Fusion) or self._is_for_engine(step):
                walk.waiting.append(self._request(step, is_last))
            elif self._is_for_view(step):
                if _only_bits(step) and _only_bits(following):
                    walk.before.append(step)
                else:
                    self._walk_view(walk, step, is_last, with_payload)
            else:
                self._walk_rescored(walk, step, is_last)
            walk.at += len(step.stages) if isinstance(step, Fusion) else 1
        return self._finish(walk, steps[-1])

    def _walk_branches(self, walk: _Walk, fusion: Fusion, is_last: bool, with_payload: bool) -> None:
        """Run every branch by itself: the engine has neither packed bits nor our counts of words."""
        at, found = walk.at, []
        for branch in fusion.branches:
            found.append(self._through(_Walk(walk.selection, walk.seen, at), branch, is_whole=False))
            at += len(branch)
        points = fused(found)
        if is_last or fusion.limit:
            points = points[: self._limit(fusion.limit, is_last)]
        walk.arrive(self._with_payloads(points) if with_payload else points)

    def _walk_view(self, walk: _Walk, step: Stage, is_last: bool, with_payload: bool) -> None:
        """Score the selection's packed bits or words, wherever the candidates come from."""
        if walk.waiting:
            walk.selection = _only(self.store.query(walk.waiting, walk.selection, ("doc_id",)))
        points = self._over_view(walk, step, is_last, with_payload)
        walk.before = []
        walk.arrive(points, step if step.bits and not step.additions else None)

    def _walk_rescored(self, walk: _Walk, step: Stage, is_last: bool) -> None:
        """Score candidates by region and context, blend other scores in."""
        if not step.is_rescored:
            walk.waiting.append(self._everything(step))
        elif not (walk.waiting or walk.has_arrived):
            walk.waiting.append(self._everything(Stage(step.vector, step.mean)))
        points = self.store.query(walk.waiting, walk.selection, PAYLOAD_KEYS) if walk.waiting else walk.points
        rescored = self._rescore(step, points, walk)
        walk.arrive(self._blend(step, rescored, walk)[: self._limit(step.limit, is_last)])

    def _finish(self, walk: _Walk, last: Step) -> list[Scored]:
        """What is left once the engine has done what it was still asked for.

        Who lets all pages through wants the exact answer, not the likely one.
        """
        before, is_next = walk.estimated, len(walk.waiting) == 1
        narrowed = before is not None and self._limit(before.limit, False) < self.corpus
        if before and is_next and narrowed and isinstance(last, Stage) and before.estimates(last):
            return self._rerank(last, walk.points)
        return self.store.query(walk.waiting, walk.selection, PAYLOAD_KEYS) if walk.waiting else walk.points

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

    def _is_for_engine(self, stage: Stage) -> bool:
        """Whether the engine runs the stage by itself: so it does with bits that the index does not keep."""
        if stage.bits:
            return not self._bits and replace(stage, bits=False).is_plain
        return stage.is_plain and not self._is_for_view(stage)

    def _is_for_view(self, stage: Stage) -> bool:
        """Whether the stage scores what is kept beside the store: packed bits, or words.

        Bits without compiled kernels are no gain: the engine is faster, and exact.
        """
        if stage.vector == TEXT:
            return self.view is not None and TEXT in self.view.terms
        return stage.bits and not stage.is_rescored and self._bits is not None

    @property
    def view(self) -> BitsView | None:
        """What is kept beside the store, taken once a query; None for a server, which keeps nothing there."""
        if not self._taken.is_taken:
            self._taken.view, self._taken.is_taken = view_of(self.store), True
        return self._taken.view

    @property
    def _bits(self) -> BitsView | None:
        """What MaxSim over bits is to be scored with; None without compiled kernels."""
        return self.view if compiled.kernels() is not None else None

    def _over_view(self, walk: _Walk, stage: Stage, is_last: bool, with_payload: bool) -> list[Scored]:
        """The best of the selection by what the view has for the stages, with what a ranking needs of the last ones."""
        stages = [*walk.before, stage]
        limits = [self._limit(one.limit, False) for one in stages[:-1]]
        limits.append(self.corpus if stage.additions else self._limit(stage.limit, is_last))
        best = self._best_of_view(stages, limits, walk.selection)
        if not stage.additions:
            walk.seen.scores[walk.at] = dict(best)
        points = [Scored(page, score, {}) for page, score in best]
        points = self._with_payloads(points) if with_payload else points
        return self._blend(stage, points, walk)[: self._limit(stage.limit, is_last)] if stage.additions else points

    def _best_of_view(
        self, stages: Sequence[Stage], limits: Sequence[int], selection: Selection
    ) -> list[tuple[str, float]]:
        assert self.view is not None
        if stages[-1].vector != TEXT:
            scorings = [BitStage(s.vector, _rows(self.form(s)), n) for s, n in zip(stages, limits, strict=True)]
            return best_pages(self.view, self.store, scorings, selection)
        table, (pages, scores) = self.view.table, self._by_words(self.view)
        is_in = np.isin(pages, selected(table, self.store, selection), assume_unique=True)
        pages, scores = best_of(table, pages[is_in], scores[is_in], limits[-1])
        return [(table.ids[page], score) for page, score in zip(pages.tolist(), scores.tolist(), strict=True)]

    def _by_words(self, view: BitsView) -> tuple[IntArray, FloatArray]:
        """Positions in the view of all pages with a word of the query, int64 [p], and their scores, float32 [p]."""
        if self._taken.words is None:
            query = self.form(Stage(TEXT))
            assert isinstance(query, SparseVector)
            self._taken.words = view.terms[TEXT].scores(query, view.table.alive)
        return self._taken.words

    def _with_payloads(self, points: Sequence[Scored]) -> list[Scored]:
        """The points with what a ranking needs of them."""
        chosen = Selection(ids=frozenset(point.id for point in points if not point.payload))
        payloads = {record.id: record.payload for record in self.store.scroll(chosen, keys=PAYLOAD_KEYS)}
        found = [replace(point, payload=point.payload or payloads.get(point.id, {})) for point in points]
        return [point for point in found if point.payload]  # the others are gone since the view was taken

    def _rerank(self, step: Stage, points: Sequence[Scored]) -> list[Scored]:
        """Exact scores of those candidates that can still be among the best by what the bits have estimated."""
        query = self.form(step)
        rows = self._bits.exact.get(step.vector) if self._bits else None
        if self._bits and rows:
            score, at_once = partial(_scored_here, rows, self._bits.table, _rows(query)), _HERE
        else:
            score, at_once = partial(self._scored_in_engine, step, query), ONE_THREAD
        estimates = {point.id: point.score for point in points}
        best = exact_best(score, estimates, self._limit(step.limit, False), at_once)
        return self._with_payloads(best[: self._limit(step.limit, True)])

    def _scored_in_engine(self, step: Stage, query: AnyVector, ids: Sequence[str]) -> list[Scored]:
        request = StageRequest(step.vector, query, len(ids))
        return self.store.query([request], Selection(ids=frozenset(ids)), PAYLOAD_KEYS)

    @cached_property
    def corpus(self) -> int:
        """Pages in the index, counted once a query: on a server other processes write meanwhile."""
        return self.count_pages()

    def _limit(self, limit: Limit | None, is_last: bool) -> int:
        wanted = limit or Limit(self.k)
        most = max(self.k, int(wanted.value))
        if wanted.is_share or most > _FREE:  # an engine makes room for as many as it is asked for
            most = wanted.within(self.k, self.corpus)
        return most + (self.spare if is_last else 0)

    def _rescore(self, stage: Stage, points: list[Scored], walk: _Walk) -> list[Scored]:
        """The points scored by bits, regions and context, best first."""
        query = self.form(stage)
        if not stage.is_rescored or isinstance(query, SparseVector):
            return points
        if stage.bits and self.view is not None:  # a page that another thread writes is no part of what is asked
            points = [point for point in points if point.id in self.view.table.position]
        best = self.rescoring.score(stage, query, points, self.is_one_document)
        if stage.regions:
            walk.seen.starts[walk.at] = {point.id: b.start for point, b in zip(points, best, strict=True)}
        points = [point for point in rescored(points, best) if np.isfinite(point.score)]
        walk.seen.scores[walk.at] = {point.id: point.score for point in points}
        return points

    @property
    def rescoring(self) -> Rescorer:
        """Runs the stages that the engine cannot, on the query's view; without contexts when none was given."""
        return replace(self.rescorer or Rescorer(self.store, None, RegionRule()), take_view=lambda: self.view)

    @property
    def is_one_document(self) -> bool:
        """Whether the filter leaves one document's pages."""
        named = [c for c in self.selection.conditions if isinstance(c, Condition) and c.key == "doc_id"]
        return any(len(c.values) == 1 and not c.negate for c in named)

    def _blend(self, stage: Stage, points: list[Scored], walk: _Walk) -> list[Scored]:
        """The points with every addition's score added, best first.

        An addition is standardised over the pages that lead by the stage's own score: those are the same however many
        candidates came this far, and so is what a page scores.
        """
        if not stage.additions or not points:
            return points
        scores = np.array([point.score for point in points])
        leading = np.argsort(-scores, kind="stable")[:_LEADING]
        spread = scores[leading].std()
        for addition in stage.additions:
            other = self._scores_of(Stage(addition.vector), points)
            column = np.array([other.get(point.id, 0.0) for point in points])
            weight = addition.weight * (_contrast(column) if addition.vector == TEXT else 1)
            scores = scores + weight * spread * _standardised(column, leading)
        blended = [replace(point, score=float(score)) for point, score in zip(points, scores, strict=True)]
        walk.seen.scores[walk.at] = {point.id: point.score for point in blended}
        return sorted(blended, key=lambda point: (-point.score, point.id))

    def _explained(self, cascade: Cascade, points: Sequence[Scored], seen: _Seen) -> Iterator[tuple[str, Scores]]:
        """Scores of the points that are left, stage by stage."""
        labels, final, last = step_labels(cascade.stages), {p.id: p.score for p in points}, cascade.steps[-1]
        best = points[: self.k + self.spare]
        scored_last = len(labels) - 1 if isinstance(last, Stage) else None
        for place, (label, stage) in enumerate(zip(labels, cascade.stages, strict=True)):
            yield label, final if place == scored_last else self._seen_or_scored(seen, place, stage, best)
        if isinstance(last, Fusion):
            yield last.kind, final

    def _seen_or_scored(self, seen: _Seen, place: int, stage: Stage, points: Sequence[Scored]) -> Scores:
        """The stage's scores; those are added that it has not given, as another branch or the engine found the page."""
        known = seen.scores.get(place, {})
        return {**known, **self._scores_of(stage, [point for point in points if point.id not in known])}

    def _scores_of(self, stage: Stage, points: Sequence[Scored]) -> Scores:
        """The stage's exact scores of given points; those without any term in common with a sparse query lack."""
        ids = frozenset(point.id for point in points)
        if self.view is not None and stage.vector == TEXT and self._is_for_view(stage):
            pages, scores = self._by_words(self.view)
            by_words = {self.view.table.ids[page]: score for page, score in zip(pages, scores.tolist(), strict=True)}
            return {page: by_words[page] for page in ids if page in by_words}
        query = self.form(stage)
        if not points or (isinstance(query, SparseVector) and not len(query.indices)):
            return {}
        if stage.bits and self._bits:
            return scores_of(self._bits.packed[stage.vector], self._bits.table, _rows(query), list(ids))
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


def _only_bits(step: Step | None) -> bool:
    """Whether a step scores packed bits and nothing else."""
    return isinstance(step, Stage) and step.bits and not (step.is_rescored or step.additions)


def _takes_points(step: Step | None) -> bool:
    """Whether a step works on the candidates it is given instead of asking the engine for them."""
    return isinstance(step, Stage) and step.is_rescored


def _scored_here(rows: ExactPages, table: PageTable, query: FloatArray, ids: Sequence[str]) -> list[Scored]:
    return [Scored(page, score, {}) for page, score in scores_of(rows, table, query, ids).items()]


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


def _contrast(values: np.ndarray) -> float:
    """How well words tell pages apart, 0 to 1: by how much the best word score exceeds that of a page further down.

    Where every page of a filing has the query's words, their counts say little of the page that is meant.
    """
    down = np.sort(values)[::-1]
    return float(1 - down[min(_CONTRAST, len(down) - 1)] / down[0]) if len(down) and down[0] > 0 else 0.0


def _standardised(values: np.ndarray, leading: np.ndarray) -> np.ndarray:
    """Zero mean and unit spread of the leading ones; zeros where these are all equal."""
    spread = values[leading].std()
    centred: np.ndarray = values - values[leading].mean()
    return centred / spread if spread > 0 else np.zeros_like(centred)
