"""Where on its page a hit lies: the passage that answers the query best, or for patches the window that counted.

The score of a page adds its best window, its head and its document's context. Where the head has counted, the window
that won besides may stand anywhere. So what is shown is chosen among all sentences of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vrag.cascade import Stage
from vrag.grid import Box, FloatArray, Grid
from vrag.pages.page import Words
from vrag.pages.sentences import Span
from vrag.payload import page_grid, page_words
from vrag.pipeline import FULL
from vrag.rescoring import Rescorer
from vrag.snippet import Pieces, best_passage, box_around, pieces, words_within
from vrag.store.base import Scored


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
    rescoring: Rescorer, stage: Stage, query: FloatArray, points: Sequence[Scored], starts: Mapping[str, int]
) -> dict[str, Passage]:
    """Passages by point id; pages that are gone meanwhile have none, nor has any page for other vectors than `full`.

    Args:
        rescoring: Of the search.
        stage: One with regions; its packed bits will do, where the index has them.
        query: float32 [m, d], as the stage scores with it.
        points: Pages, with `doc_id` in their payload.
        starts: First row of the window that counted, of those pages that have one.
    """
    if stage.vector != FULL:
        return {}
    records = rescoring.store.fetch([point.id for point in points if point.id in starts])
    passages, of_words = {}, []
    for point in (point for point in points if point.id in records):
        grid, words = page_grid(records[point.id].payload), page_words(records[point.id].payload)
        if grid.is_free and len(words):
            of_words.append((point, pieces(words, grid)))
        else:
            passages[point.id] = _window(grid, words, rescoring.rule.rows(grid, starts[point.id]))
    chosen = [point for point, _ in of_words]
    maxima = rescoring.maxima_within(stage, query, chosen, [cut.rows for _, cut in of_words])
    context, weights = rescoring.context(query, chosen), np.linalg.norm(query, axis=1)
    for i, (point, cut) in enumerate(of_words):
        said = None if context is None else context[:, i]
        passages[point.id] = _passage(cut, best_passage(maxima[i], weights, said, cut.spans))
    return passages


def _passage(cut: Pieces, span: Span) -> Passage:
    chosen = [rows for rows, (start, end) in zip(cut.rows.tolist(), cut.spans, strict=True)
              if span[0] <= start and end <= span[1]]  # fmt: skip
    return Passage((chosen[0][0], chosen[-1][1]), box_around(cut.words.boxes[slice(*span)]), span)


def _window(grid: Grid, words: Words, rows: tuple[int, int]) -> Passage:
    """A window of patches, with the words whose middle it holds."""
    held = words_within(words, box_around(grid.boxes[slice(*rows)]))
    return Passage(rows, box_around(np.concatenate([grid.boxes[slice(*rows)], held.boxes])))
