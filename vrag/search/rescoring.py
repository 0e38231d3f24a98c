"""Stages that the engine cannot express: best regions, document context, packed bits.

Where the index has packed bits and the stage asks for them, these are scored; else the candidates' vectors are read
from the store, page by page, which costs about 3 ms a page with Qdrant Edge and a transfer with a server. Both follow
the one formula of `vrag.cascade.regions`. Where bits have to be fetched, a few of all candidates tell which of them are
worth the others (`vrag.search.bit_source`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vrag.bits.kernels.portable import IntArray
from vrag.bits.view import BitsView
from vrag.cascade.cascade import Stage
from vrag.cascade.regions import Best, RegionRule, Windows, best_region
from vrag.catalog.payload import page_tiles
from vrag.grid import FloatArray
from vrag.pipeline.pipeline import HEAD_ROWS
from vrag.search.bit_source import BitSource
from vrag.search.blending import Values
from vrag.search.context import Answering
from vrag.search.similarity import similarities
from vrag.store.interface import Record, Scored, Store

_AT_ONCE = 16  # pages whose vectors are held as numbers of Python at a time
_WHOLE = None, 0  # the last look: all bits of all that are left
_NO_END = 2**31  # rows no page has
_NOT_THERE = Best(-np.inf, 0)
BoolArray = npt.NDArray[np.bool_]
_TIMES = 2  # as many as are to be right are scored by all of their bits, at least
# Scores so far, float64 [c], of c candidates by their places: to these candidates, the most promising first.
Promise = Callable[[Values, Sequence[int]], list[int]]


class Wanted(NamedTuple):
    """Which candidates are worth all of their bits.

    Args:
        best: How many of the best are to be right; None for all candidates.
        promise: Tells which may be among them.
    """

    best: int | None
    promise: Promise


@dataclass(frozen=True, slots=True)
class _Rescoring:
    """One stage over p candidates.

    Args:
        vector: Named vector that is scored.
        query: float32 [m, d].
        windows: Of each of the p candidates; None for the whole page.
        head: First rows of a page that count in every window.
        context: float32 [m, p], what the candidates' documents answer; None for nothing.
    """

    vector: str
    query: FloatArray
    windows: Sequence[Windows | None]
    head: int
    context: FloatArray | None

    def of(self, chosen: Sequence[int]) -> _Rescoring:
        """The same over some of the candidates."""
        context = None if self.context is None else self.context[:, list(chosen)]
        return replace(self, windows=[self.windows[i] for i in chosen], context=context)

    def best(self, rows: FloatArray, candidate: int) -> Best:
        """Score of one candidate from its rows float32 [n, d]."""
        context = None if self.context is None else self.context[:, candidate]
        return best_region(similarities(self.query, rows), self.windows[candidate], self.head, context)


@dataclass(frozen=True, slots=True)
class Rescorer:
    """Scores candidates by bits, regions and context.

    Args:
        store: Where the pages are.
        contexts: Of the store's documents; None where the pipeline has none.
        rule: What a region is.
        head: Rows of the page's head; 0 where the pipeline has none.
        bits: Where packed bits come from; None for nowhere.
    """

    store: Store
    contexts: Answering | None
    rule: RegionRule
    head: int = HEAD_ROWS
    bits: BitSource | None = None

    def score(
        self, stage: Stage, query: FloatArray, points: Sequence[Scored], one_document: bool, wanted: Wanted
    ) -> list[Best]:
        """Score and best region of each candidate, in the order of `points`; minus infinity for what is not there.

        Where bits have to be fetched, only those that may be among the best get the score of all their bits: the
        others get less.

        Args:
            stage: What counts.
            query: float32 [m, d], or [d] for a single vector.
            points: Candidates, with `doc_id` in their payload.
            one_document: All pages are of one document, so its context tells nothing.
            wanted: Which of them are to have that score.
        """
        rows = np.atleast_2d(query)
        context = self.context(rows, points) if stage.context and not one_document else None
        windows = [self._windows(point) if stage.regions else None for point in points]
        scoring = _Rescoring(stage.vector, rows, windows, self.head if stage.context else 0, context)
        best = self._from_bits(self.bits, scoring, points, wanted) if stage.bits and self.bits else None
        return list(self._from_store(scoring, points)) if best is None else best

    def by_context(
        self, stage: Stage, query: FloatArray, points: Sequence[Scored], starts: Mapping[str, int]
    ) -> dict[str, BoolArray]:
        """Which of the query's rows a document's context answers better than its page does: bool [m] by point id.

        Args:
            stage: One with context.
            query: float32 [m, d].
            points: Pages, with `doc_id` in their payload.
            starts: First rows of the pages' best regions; empty when whole pages were scored.
        """
        context = self.context(query, points)
        if context is None:
            return {}
        first = np.array([starts.get(point.id, 0) for point in points], np.int64)
        sizes = np.array([self._windows(point).size if starts else _NO_END for point in points], np.int64)
        best = self._maxima(stage, query, points, first, first + sizes)
        return {point.id: rows for point, rows in zip(points, (context > best).T, strict=True)}

    def maxima_within(
        self, stage: Stage, query: FloatArray, points: Sequence[Scored], spans: Sequence[IntArray]
    ) -> list[FloatArray]:
        """What spans of each page's rows answer, its head left alone: float32 [m, u] a page; minus infinity for none.

        Args:
            stage: Says which vector, and whether estimates from packed bits will do.
            query: float32 [m, d].
            points: Pages.
            spans: int64 [u, 2] for each of them, first rows and ends.
        """
        if not points:
            return []
        bits = self._bits(stage, points)
        if bits is None:
            found = self.store.fetch([point.id for point in points], [stage.vector])
            rows = [_rows(found, point, stage.vector) for point in points]
            return [_within(query, of_page, edges) for of_page, edges in zip(rows, spans, strict=True)]
        edges, counts = np.concatenate(spans), [len(of_page) for of_page in spans]
        pages = np.repeat(_positions(bits, points), counts)
        found_at = bits.packed[stage.vector].maxima(query, pages, edges[:, 0], edges[:, 1], head=0)
        return np.split(found_at, np.cumsum(counts)[:-1], axis=1)

    def context(self, query: FloatArray, points: Sequence[Scored]) -> FloatArray | None:
        """What the points' documents answer, float32 [m, p]; None where the pipeline has no context."""
        if self.contexts is None:
            return None
        return self.contexts.answers(query, [str(point.payload["doc_id"]) for point in points])

    def _windows(self, point: Scored) -> Windows:
        """Rows of the regions of a page, by the tiles in its payload."""
        return self.rule.windows(page_tiles(point.payload))

    def _bits(self, stage: Stage, points: Sequence[Scored]) -> BitsView | None:
        """Packed bits, when the stage asks for them and there are those of all the points."""
        view = self.bits.view(stage.vector, points) if stage.bits and self.bits else None
        return view if view is not None and all(point.id in view.table.position for point in points) else None

    def _from_bits(
        self, bits: BitSource, scoring: _Rescoring, points: Sequence[Scored], wanted: Wanted
    ) -> list[Best] | None:
        """Scores by all bits of those that earlier looks leave; None where this vector has no bits."""
        best = [_NOT_THERE] * len(points)
        chosen = list(range(len(points)))
        least = len(points) if wanted.best is None else _TIMES * wanted.best
        for pieces, enough in [*bits.looks, _WHOLE]:
            keeps = max(enough, least)
            if pieces is not None and len(chosen) <= keeps:
                continue  # all of them will have all of their bits
            some = [points[i] for i in chosen]
            view = bits.view(scoring.vector, some, pieces)
            if view is None:
                return None
            chosen = [i for i in chosen if points[i].id in view.table.position]
            found = _by_view(view, scoring.of(chosen), [points[i] for i in chosen])
            for i, of_page in zip(chosen, found, strict=True):
                best[i] = of_page
            if pieces is not None:
                chosen = wanted.promise(np.array([of_page.score for of_page in found]), chosen)[:keeps]
        return _below(best, chosen)

    def _from_store(self, scoring: _Rescoring, points: Sequence[Scored]) -> Iterator[Best]:
        for first in range(0, len(points), _AT_ONCE):
            some = points[first : first + _AT_ONCE]
            found = self.store.fetch([point.id for point in some], [scoring.vector])
            for i, point in enumerate(some, first):
                rows = _rows(found, point, scoring.vector)
                yield _NOT_THERE if rows is None else scoring.best(rows, i)

    def _maxima(
        self, stage: Stage, query: FloatArray, points: Sequence[Scored], first: IntArray, end: IntArray
    ) -> FloatArray:
        """What the rows from `first` [p] to `end` [p], or the head, of each page answer: float32 [m, p]."""
        bits = self._bits(stage, points)
        if bits is not None:
            return bits.packed[stage.vector].maxima(query, _positions(bits, points), first, end, self.head)
        found = self.store.fetch([point.id for point in points], [stage.vector])
        columns = []
        for point, start, stop in zip(points, first.tolist(), end.tolist(), strict=True):
            rows = _rows(found, point, stage.vector)
            if rows is None:
                columns.append(np.full(len(query), np.inf, np.float32))  # nothing answers better than what is gone
            else:
                columns.append(similarities(query, np.concatenate([rows[start:stop], rows[: self.head]])).max(axis=1))
        return np.stack(columns, axis=1)


def _rows(found: Mapping[str, Record], point: Scored, vector: str) -> FloatArray | None:
    """Rows [n, d] of a candidate; None when another process has removed it since it was found."""
    record = found.get(point.id)
    rows = None if record is None else record.vectors.get(vector)
    return None if rows is None else np.atleast_2d(rows)


def _within(query: FloatArray, rows: FloatArray | None, spans: IntArray) -> FloatArray:
    """The query's best similarities with the rows of each span: float32 [m, u]."""
    best = np.full((len(query), len(spans)), -np.inf, np.float32)
    of_rows = np.zeros((len(query), 0), np.float32) if rows is None else similarities(query, rows)
    for k, (first, end) in enumerate(spans.tolist()):
        best[:, k] = of_rows[:, first:end].max(axis=1, initial=-np.inf)
    return best


def _below(best: Sequence[Best], chosen: Sequence[int]) -> list[Best]:
    """Scores of which those by fewer bits are no better than the worst of the chosen candidates."""
    least = min((best[i].score for i in chosen), default=np.inf)
    are_chosen = set(chosen)
    return [b if i in are_chosen else Best(min(b.score, least), b.start) for i, b in enumerate(best)]


def _by_view(view: BitsView, scoring: _Rescoring, points: Sequence[Scored]) -> list[Best]:
    packed, pages = view.packed[scoring.vector], _positions(view, points)
    seen, d = packed.signs.dim, scoring.query.shape[1]
    query = scoring.query if seen == d else scoring.query[:, :seen] * np.float32(d / seen)  # as if all values were seen
    longest = int((packed.rows[pages + 1] - packed.rows[pages]).max(initial=1))
    best: list[Best] = [_NOT_THERE] * len(points)
    for windows in set(scoring.windows):  # pages of words have all the same, pictures of one shape too
        chosen = [i for i, of_page in enumerate(scoring.windows) if of_page == windows]
        size, stride = windows or (longest, longest)
        context = None if scoring.context is None else scoring.context[:, chosen]
        found = packed.regions(query, size, stride, pages[chosen], context, head=scoring.head)
        for i, score, start in zip(chosen, *found, strict=True):
            best[i] = Best(float(score), int(start))
    return best


def _positions(view: BitsView, points: Sequence[Scored]) -> IntArray:
    return np.array([view.table.position[point.id] for point in points], np.int64)


def rescored(points: Sequence[Scored], best: Sequence[Best]) -> list[Scored]:
    """The points with their new scores, best first; equal scores by id."""
    scored = [point.at(b.score) for point, b in zip(points, best, strict=True)]
    return sorted(scored, key=lambda point: (-point.score, point.id))
