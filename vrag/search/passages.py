"""Where on its page a hit lies: the passage that answers the query best, or for patches the window that counted.

The score of a page adds its best window, its head and its document's context. Where the head has counted, the window
that won besides may stand anywhere. So what is shown is chosen among all sentences of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vrag.cascade.cascade import Stage
from vrag.catalog.payload import page_grid, page_place, page_words
from vrag.grid import Box, FloatArray, Grid
from vrag.pages.page import Words
from vrag.pages.sentences import Span
from vrag.pipeline.pipeline import FULL
from vrag.search.best_passages import HEAD_WORDS, best_passages
from vrag.search.context import Answering
from vrag.search.snippet import (
    PassageParts,
    box_around,
    cut,
    passage_text,
    passages_of_words,
    words_within,
)
from vrag.store.interface import Record, Scored

if TYPE_CHECKING:
    from vrag.search.running import Runner


@dataclass(frozen=True, slots=True)
class Passage:
    """Where on a page that is which was looked for.

    Args:
        rows: First row and end in the page's `full` multivector.
        box: x0, y0, x1, y1 as shares of the page, around all of it.
        words: First word and end; None where rows are patches.
    """

    rows: tuple[int, int]
    box: Box
    words: Span | None = None


def find_passages(
    runner: Runner, stage: Stage, query: FloatArray, points: Sequence[Scored], starts: Mapping[str, int]
) -> dict[str, Passage]:
    """Passages by point id; pages that are gone meanwhile have none, nor has any page for other vectors than `full`.

    Args:
        runner: Of the search.
        stage: One with regions; its packed bits will do, where the index has them.
        query: float32 [m, d], as the stage scores with it.
        points: Pages, with `doc_id` in their payload.
        starts: First row of the window that counted, of those pages that have one.
    """
    if stage.vector != FULL:
        return {}
    pages, rescoring = runner.glance.pages.pages([point.id for point in points if point.id in starts]), runner.rescoring
    passages, of_words = {}, []
    for point in (point for point in points if point.id in pages):
        page = pages[point.id]
        if page.parts:
            of_words.append((point, page.parts))
        else:
            passages[point.id] = _window(page.grid, page.words, rescoring.rule.rows(page.grid, starts[point.id]))
    chosen = [point for point, _ in of_words]
    maxima = rescoring.maxima_within(stage, query, chosen, [parts.rows for _, parts in of_words])
    context, weights = rescoring.context(query, chosen), np.linalg.norm(query, axis=1)
    for i, (point, parts) in enumerate(of_words):
        said = None if context is None else context[:, i]
        passages[point.id] = _passage(parts, *best_passages(maxima[i], weights, said, parts.cuts))
    return passages


def page_snippet(record: Record, region: Box | None, embed: Callable[[], FloatArray], contexts: Answering) -> str:
    """The passage of a page as text; empty when no words stand there.

    Args:
        record: The page's, with its vector `full`.
        region: Where to look for it; None for the whole page.
        embed: Gives the query's rows, float32 [m, d]; called only when they are needed.
        contexts: Of the store's documents.
    """
    words = page_words(record.payload)
    words = words_within(words, region) if region else words
    if not len(words):
        return ""
    rows, doc_id = embed(), page_place(record.payload)[0]
    said, cuts = contexts.answers(rows, [doc_id])[:, 0], cut(words, head=0 if region else HEAD_WORDS)
    grid = page_grid(record.payload)
    return passage_text(words, passages_of_words(rows, record.vectors[FULL], grid, words, said, cuts)[0])


def page_passages(record: Record, query: FloatArray, contexts: Answering, count: int, most: int) -> list[Span]:
    """The passages of a page that answer a query best, best first: words of each, first and end.

    Args:
        record: The page's, with its vector `full`.
        query: float32 [m, d].
        contexts: Of the store's documents.
        count: Passages wanted; a page of few words has fewer.
        most: Words of a passage.
    """
    words = page_words(record.payload)
    if not len(words):
        return []
    said, grid = contexts.answers(query, [page_place(record.payload)[0]])[:, 0], page_grid(record.payload)
    return passages_of_words(query, record.vectors[FULL], grid, words, said, cut(words, most), count)


def _passage(parts: PassageParts, span: Span) -> Passage:
    chosen = [rows for rows, (start, end) in zip(parts.rows.tolist(), parts.cuts.spans, strict=True)
              if span[0] <= start and end <= span[1]]  # fmt: skip
    return Passage((chosen[0][0], chosen[-1][1]), box_around(parts.words.boxes[slice(*span)]), span)


def _window(grid: Grid, words: Words, rows: tuple[int, int]) -> Passage:
    """A window of patches, with the words whose middle it holds."""
    held = words_within(words, box_around(grid.boxes[slice(*rows)]))
    return Passage(rows, box_around(np.concatenate([grid.boxes[slice(*rows)], held.boxes])))
