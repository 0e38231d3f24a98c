"""Running a plan: every operator takes candidates, lets some through, and leaves behind what it did.

Whatever the engine can express goes to it as one request, the rest is done here. Regions and context are scored by
`vrag.search.rescoring`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from vrag.bits.exact import ExactPages
from vrag.bits.rerank import ONE_THREAD, exact_best
from vrag.bits.stage import BitStage, Scores, best_of, best_pages, scores_of
from vrag.bits.terms import WordScores
from vrag.bits.view import PageTable
from vrag.cascade.bm25 import TEXT
from vrag.cascade.cascade import Cascade, Stage
from vrag.cascade.fusion import fused
from vrag.cascade.regions import RegionRule
from vrag.grid import FloatArray
from vrag.search.bit_source import KeptBits
from vrag.search.blending import Values, blended, contrast
from vrag.search.glance import Glance
from vrag.search.known_pages import KnownPages
from vrag.search.operators import (
    BitScan,
    Blend,
    EngineFusion,
    EngineQuery,
    Fuse,
    Keep,
    Plan,
    ReadPages,
    ReadPayload,
    Rerank,
    Rescore,
    Scoring,
    Survey,
    WeighWords,
    WordScan,
)
from vrag.search.plan import Beside, Detail, Limits, compile_plan
from vrag.search.reading import Reading, read_pages
from vrag.search.rescoring import Rescorer, Wanted, rescored
from vrag.search.trail import Entry, Trail
from vrag.search.wording import weigh_words
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

PAYLOAD_KEYS = ("doc_id", "page", "tiles")  # what a ranking needs of a page's record, but for what bits need
_HERE = 32  # pages scored at once by our own threads
QueryForm = Callable[[Stage], AnyVector]
Given = list[Scored] | None  # candidates; None for all of the selection


@dataclass
class Runner:
    """Runs plans for one query.

    Args:
        store: Where the pages are.
        form: The query as a stage scores with it.
        selection: Pages that take part.
        count_pages: Counts the pages in the index.
        rescorer: Runs the stages that the engine cannot; None for one without contexts.
        reading: Reads pages; None for leaving them unread.
        known: What earlier queries have read of pages; None for nothing.
        glance: What the query sees beside the store.
    """

    store: Store
    form: QueryForm
    selection: Selection
    count_pages: Callable[[], int]
    rescorer: Rescorer | None = None
    reading: Reading | None = None
    known: KnownPages | None = None
    glance: Glance = field(init=False)

    def __post_init__(self) -> None:
        self.glance = Glance(self.store, self.known)

    def among(self, ids: Iterable[str]) -> Runner:
        """The same query, which sees the same, over these of its pages."""
        narrowed = replace(self, selection=replace(self.selection, ids=frozenset(ids)))
        narrowed.glance = self.glance
        return narrowed

    def plan(self, cascade: Cascade, limits: Limits, detail: Detail = "hits") -> Plan:
        """The operators that run a cascade here.

        Raises:
            UsageError: A stage asks for packed bits of a vector that has none.
        """
        asks = any(stage.bits or stage.vector == TEXT for stage in cascade.stages)
        return compile_plan(cascade, self.glance.beside if asks else Beside(), limits, detail)

    def run(self, plan: Plan, given: Given = None) -> Trail:
        """What every operator let through.

        Args:
            plan: From `plan`.
            given: Candidates; None for all of the selection.
        """
        entries = []
        for operator in plan.operators:
            entry = METHODS[type(operator)](self, operator, given)
            entries.append(entry)
            given = given if isinstance(operator, Survey) else entry.points
        return Trail(tuple(entries))

    def engine_query(self, query: EngineQuery, given: Given) -> Entry:
        """Ask the engine."""
        requests = [self._request(part) for part in query.parts]
        return Entry(query, self.store.query(requests, self._those(given), self._keys))

    def scan_bits(self, scan: BitScan, given: Given) -> Entry:
        """The best candidates by packed bits."""
        assert self.glance.view is not None
        stages = [BitStage(part.stage.vector, _rows(self.form(part.stage)), part.limit) for part in scan.parts]
        found = best_pages(self.glance.view, stages, self.glance.selected(self._those(given)))
        return Entry(scan, [Scored(page, score, {}) for page, score in found])

    def scan_words(self, scan: WordScan, given: Given) -> Entry:
        """The best candidates by words."""
        assert self.glance.view is not None
        table, (pages, scores, _) = self.glance.view.table, self._by_words()
        is_in = np.isin(pages, self.glance.selected(self._those(given)), assume_unique=True)
        pages, scores = best_of(table, pages[is_in], scores[is_in], scan.part.limit)
        found = zip(pages.tolist(), scores.tolist(), strict=True)
        return Entry(scan, [Scored(table.ids[page], score, {}) for page, score in found])

    def rerank(self, rerank: Rerank, given: Given) -> Entry:
        """Exact scores where they can matter."""
        query, estimates = self.form(rerank.part.stage), {point.id: point.score for point in given or ()}
        if rerank.from_rows:
            assert self.glance.view is not None
            view = self.glance.view
            rows = view.exact[rerank.part.stage.vector]
            score, at_once = partial(_scored_here, rows, view.table, _rows(query)), _HERE
        else:
            score, at_once = partial(self._scored_in_engine, rerank.part.stage, query), ONE_THREAD
        return Entry(rerank, exact_best(score, estimates, rerank.best, at_once)[: rerank.part.limit])

    def rescore(self, rescore: Rescore, given: Given) -> Entry:
        """Score by region and with context."""
        stage, points = rescore.stage, given or []
        if stage.bits and self.glance.view is not None:  # a page that another thread writes is no part of what is asked
            points = [point for point in points if point.id in self.glance.view.table.position]
        wanted = Wanted(rescore.best, partial(self._promise, stage, points))
        best = self.rescoring.score(stage, _rows(self.form(stage)), points, self.is_one_document, wanted)
        starts = {point.id: b.start for point, b in zip(points, best, strict=True)} if stage.regions else {}
        return Entry(rescore, [point for point in rescored(points, best) if np.isfinite(point.score)], starts)

    def blend(self, blend: Blend, given: Given) -> Entry:
        """Add other scores."""
        points = given or []
        if not points:
            return Entry(blend, points)
        additions = self._additions(blend.stage, points)
        sums = blended(np.array([point.score for point in points]), additions).T.tolist()
        found = [point.at(after[-1]) for point, after in zip(points, sums, strict=True)]
        by_id = {point.id: after for point, after in zip(points, sums, strict=True)}
        return Entry(blend, sorted(found, key=lambda point: (-point.score, point.id)), blended=by_id)

    def _additions(self, stage: Stage, points: Sequence[Scored]) -> list[tuple[float, Values]]:
        """Weight and scores float64 [p] of everything that the stage blends in."""
        additions = []
        for addition in stage.additions:
            other = self.scores(Stage(addition.vector), points)
            column = np.array([other.get(point.id, 0.0) for point in points])
            additions.append((addition.weight * (contrast(column) if addition.vector == TEXT else 1), column))
        return additions

    def _promise(self, stage: Stage, points: Sequence[Scored], scores: Values, chosen: Sequence[int]) -> list[int]:
        """The chosen points, those first that lead by their scores or by what these become with the stage's additions.

        Of those that lead by their own scores there are twice as many: additions are standardised over fifty of them.
        """
        additions = [(weight, column[list(chosen)]) for weight, column in self._additions(stage, points)]
        own, blend = (np.argsort(np.argsort(-sums, kind="stable")) for sums in blended(scores, additions)[[0, -1]])
        return [chosen[i] for i in np.argsort(np.minimum(own, 2 * blend), kind="stable").tolist()]

    def keep(self, keep: Keep, given: Given) -> Entry:
        """Drop what is not among the best."""
        return Entry(keep, (given or [])[: keep.limit])

    def read_payload(self, read: ReadPayload, given: Given) -> Entry:
        """Look pages up."""
        points = given or []
        unknown = [point.id for point in points if not point.payload]
        places = self.glance.pages.places(unknown, self._keys) if unknown else {}
        there = [point for point in points if point.payload or point.id in places]
        return Entry(read, [p if p.payload else Scored(p.id, p.score, places[p.id]) for p in there])

    def fuse(self, fuse: Fuse, given: Given) -> Entry:
        """Run branches side by side."""
        trails = tuple(self.run(branch, given) for branch in fuse.branches)
        return Entry(fuse, fused([trail.points for trail in trails])[: fuse.limit], branches=trails)

    def survey(self, survey: Survey, given: Given) -> Entry:
        """Look at all candidates."""
        trail = self.run(survey.plan, given)
        of_step = trail.starts(survey.step), trail.blended(survey.step), trail.branches(survey.step)
        return Entry(survey, trail.points, *of_step)

    def scores(self, stage: Stage, points: Sequence[Scored]) -> Scores:
        """The stage's own scores of given pages; those without any term in common with a sparse query lack."""
        if not points:
            return {}
        ids, view = frozenset(point.id for point in points), None
        if stage.bits or stage.vector == TEXT:
            view = self.glance.view if self.glance.beside.scores(stage) else None
        if view is not None and stage.vector == TEXT:
            known, places = view.table.places(ids)
            found = zip(known, self._by_words().of(places).tolist(), strict=True)
            return {page: score for page, score in found if not math.isnan(score)}
        query = self.form(stage)
        if isinstance(query, SparseVector) and not len(query.indices):
            return {}
        if view is not None:
            return scores_of(view.packed[stage.vector], view.table, _rows(query), list(ids))
        if isinstance(query, SparseVector):
            return self.glance.engine_scores(query, ids, self.count_pages)
        asked = self.store.query([StageRequest(stage.vector, query, len(ids))], Selection(ids=ids), ("doc_id",))
        return {point.id: point.score for point in asked}

    @property
    def rescoring(self) -> Rescorer:
        """Runs the stages that the engine cannot, by the bits there are; without contexts when none was given."""
        rescorer = self.rescorer or Rescorer(self.store, None, RegionRule())
        return rescorer if rescorer.bits else replace(rescorer, bits=KeptBits(lambda: self.glance.view))

    @property
    def _keys(self) -> Sequence[str]:
        """All that a ranking needs of a page's payload."""
        bits = self.rescoring.bits
        return (*PAYLOAD_KEYS, *(bits.keys if bits else ()))

    @property
    def is_one_document(self) -> bool:
        """Whether the filter leaves one document's pages."""
        named = [c for c in self.selection.conditions if isinstance(c, Condition) and c.key == "doc_id"]
        return any(len(c.values) == 1 and not c.negate for c in named)

    def _those(self, given: Given) -> Selection:
        return self.selection if given is None else Selection(ids=frozenset(point.id for point in given))

    def _request(self, part: Scoring | EngineFusion) -> Request:
        if isinstance(part, Scoring):
            return self._stage_request(part)
        return FusionRequest(tuple(tuple(map(self._stage_request, branch)) for branch in part.branches), part.limit)

    def _stage_request(self, part: Scoring) -> StageRequest:
        return StageRequest(part.stage.vector, self.form(part.stage), part.limit, part.stage.hnsw)

    def _by_words(self) -> WordScores:
        """All pages of the view with a word of the query, and their scores."""
        query = self.form(Stage(TEXT))
        assert isinstance(query, SparseVector)
        return self.glance.word_scores(query)

    def _scored_in_engine(self, stage: Stage, query: AnyVector, ids: Sequence[str]) -> list[Scored]:
        request = StageRequest(stage.vector, query, len(ids))
        return self.store.query([request], Selection(ids=frozenset(ids)), self._keys)


Method = Callable[[Runner, Any, Given], Entry]
METHODS: dict[type, Method] = {
    EngineQuery: Runner.engine_query,
    BitScan: Runner.scan_bits,
    WordScan: Runner.scan_words,
    Rerank: Runner.rerank,
    Rescore: Runner.rescore,
    Blend: Runner.blend,
    Keep: Runner.keep,
    ReadPages: read_pages,
    WeighWords: weigh_words,
    ReadPayload: Runner.read_payload,
    Fuse: Runner.fuse,
    Survey: Runner.survey,
}


def _scored_here(scorer: ExactPages, table: PageTable, query: FloatArray, ids: Sequence[str]) -> list[Scored]:
    return [Scored(page, score, {}) for page, score in scores_of(scorer, table, query, ids).items()]


def _rows(query: AnyVector) -> FloatArray:
    """A query that is scored here: rows [m, d]; the plan lets no words come here."""
    assert not isinstance(query, SparseVector)
    return np.atleast_2d(query)
