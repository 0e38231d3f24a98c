"""Stages that the engine cannot express: best regions, document context, packed bits.

Where the index keeps packed bits and the stage asks for them, they are scored in place; else the candidates'
vectors are read from the store, page by page, which costs about 3 ms a page with Qdrant Edge and a transfer with a
server. Both follow the one formula of `vrag.regions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vrag.bits.store import bits_of
from vrag.cascade import Stage
from vrag.context import HEAD_ROWS, Contexts
from vrag.grid import FloatArray
from vrag.regions import Best, RegionRule, best_region
from vrag.store.base import Scored, Store

_AT_ONCE = 16  # pages whose vectors are held as numbers of Python at a time


@dataclass(frozen=True, slots=True)
class Rescorer:
    """Scores candidates by bits, regions and context.

    Args:
        store: Where the pages are.
        contexts: Of the store's documents; None where the recipe has none.
        rule: Windows of a region.
        head: Rows of the page's head; 0 where the recipe has none.
    """

    store: Store
    contexts: Contexts | None
    rule: RegionRule
    head: int = HEAD_ROWS

    def score(self, stage: Stage, query: FloatArray, points: Sequence[Scored], one_document: bool) -> list[Best]:
        """Score and best region of each candidate, in the order of `points`.

        Args:
            stage: What counts.
            query: float32 [m, d], or [d] for a single vector.
            points: Candidates, with `doc_id` in their payload.
            one_document: All pages are of one document, so its context tells nothing.
        """
        rows = query.reshape(-1, query.shape[-1])
        rule = self.rule if stage.regions else None
        context = self._context(rows, points) if stage.context and not one_document else None
        head = self.head if stage.context else 0
        packed = self._from_bits(stage, rows, points, rule, head, context) if stage.bits else None
        return packed if packed is not None else list(self._from_store(stage, rows, points, rule, head, context))

    def _context(self, query: FloatArray, points: Sequence[Scored]) -> FloatArray | None:
        if self.contexts is None:
            return None
        return self.contexts.answers(query, [str(point.payload["doc_id"]) for point in points])

    def _from_bits(
        self,
        stage: Stage,
        query: FloatArray,
        points: Sequence[Scored],
        rule: RegionRule | None,
        head: int,
        context: FloatArray | None,
    ) -> list[Best] | None:
        cache = bits_of(self.store)
        if cache is None or stage.vector not in cache.names:
            return None
        position, packed = cache.table().position, cache.pages(stage.vector)
        # Another thread may have written pages a moment ago: known, but not packed yet.
        if any(position.get(point.id, len(packed)) >= len(packed) for point in points):
            return None
        pages = np.array([position[point.id] for point in points], np.int64)
        longest = int((packed.rows[pages + 1] - packed.rows[pages]).max()) if len(pages) else 1
        window, stride = (rule.window, rule.stride) if rule else (max(longest, 1), max(longest, 1))
        scores, starts = packed.regions(query, window, stride, pages, context, head=head)
        return [Best(float(score), int(start)) for score, start in zip(scores, starts, strict=True)]

    def _from_store(
        self,
        stage: Stage,
        query: FloatArray,
        points: Sequence[Scored],
        rule: RegionRule | None,
        head: int,
        context: FloatArray | None,
    ) -> Iterator[Best]:
        for first in range(0, len(points), _AT_ONCE):
            some = points[first : first + _AT_ONCE]
            found = self.store.fetch([point.id for point in some], [stage.vector])
            for i, point in enumerate(some, first):
                rows = found[point.id].vectors[stage.vector]
                least = None if context is None else context[:, i]
                yield best_region(query @ rows.reshape(-1, rows.shape[-1]).T, rule, head, least)


def rescored(points: Sequence[Scored], best: Sequence[Best]) -> list[Scored]:
    """The points with their new scores, best first; equal scores by id."""
    scored = [replace(point, score=b.score) for point, b in zip(points, best, strict=True)]
    return sorted(scored, key=lambda point: (-point.score, point.id))
