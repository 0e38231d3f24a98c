"""The best region of a page: a long page wins by adding matches up from anywhere on it, a place does not.

    score(page) = max over regions r of  sum over query rows j of
                  max( max over rows i in r of <q_j, x_i>,  max over rows h of the head of <q_j, x_h>,  c_j )

A region is a window of neighbouring rows; for words that is a passage in reading order, for patches stored row by
row a band of the page. `c_j` is what the document's own context answers (`vrag.context`). With one window over the
whole page and no context this is MaxSim.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vrag.grid import FloatArray


@dataclass(frozen=True, slots=True)
class RegionRule:
    """How a page is cut into overlapping windows.

    Args:
        window: Rows of a window, at least 1.
        stride: Rows from one window to the next, from 1 to `window`.
    """

    window: int = 48
    stride: int = 16


@dataclass(frozen=True, slots=True)
class Best:
    """A page's score and its best region.

    Args:
        score: As defined above.
        start: First row of the best window.
    """

    score: float
    start: int


def best_region(similarities: FloatArray, rule: RegionRule | None, head: int, context: FloatArray | None) -> Best:
    """The score of one page, and where its best region begins.

    Args:
        similarities: float32 [m, n], dot products of the query's rows with the page's.
        rule: None for the whole page.
        head: First rows of the page that count in every region.
        context: float32 [m], what every region has at least; None for nothing.
    """
    m, n = similarities.shape
    least = np.full(m, -np.inf, np.float32) if context is None else context
    if head:
        least = np.maximum(least, similarities[:, :head].max(axis=1))
    window, stride = (rule.window, rule.stride) if rule else (n, n)
    starts = range(0, max(0, n - window) + stride, stride)
    scores = [float(np.maximum(similarities[:, s : s + window].max(axis=1), least).sum()) for s in starts if s < n]
    best = int(np.argmax(scores))
    return Best(scores[best], starts[best])
