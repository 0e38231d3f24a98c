"""Which passages of a page answer a query best.

A passage is a run of whole sentences, or of lines of a table, of at most `MOST` words or as many as are asked for. Its
score is

    sum over query rows j of  max(g_j, HEAD_SHARE * h_j),  g_j = |q_j| * max(0, max over rows i of <u_j, x_i> - c_j)^2

over the rows i of the passage, with u_j = q_j / |q_j|, and c_j what the document's own context answers to u_j: a word
that says whose the page is says nothing of the place. The square makes one word that stands there outweigh many that
only resemble it. h_j is g_j of the first words of the page, where the passage stands below them: a title says what all
of the page is about, and would else outdo the rows of its table. A passage that breaks off behind a heading has a lower
score, for a heading belongs to what follows. Room that the passage leaves is filled with those of the sentences around
it that say most to the query, of equal ones with those behind: the answer often is one of them. `eval/snippets.py`
measures how often it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.grid import FloatArray
from vrag.pages.sentences import Span

MOST = 40
HEAD_WORDS = 20  # first words of a page
HEAD_SHARE = np.float32(0.8)
_ENDS_IN_HEADING = np.float32(0.8)  # of the score
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cuts:
    """A page of words cut into u >= 1 spans that follow each other.

    Args:
        spans: Sentences and lines, first word and end of each.
        headings: bool [u], which of them name what follows.
        most: Words of a passage, and of a span.
        head: Words with which the page begins that count for what is below; 0 where the words are a part of a page.
    """

    spans: Sequence[Span]
    headings: BoolArray
    most: int = MOST
    head: int = HEAD_WORDS


def best_passages(
    maxima: FloatArray, weights: FloatArray, context: FloatArray | None, cuts: Cuts, count: int = 1
) -> list[Span]:
    """The runs of spans with the greatest scores, as defined above, that share no word; of equal ones the first.

    Args:
        maxima: float32 [m, u], the query rows' best dot products within each span.
        weights: float32 [m], lengths of the query's rows.
        context: float32 [m], what the document's context answers; None for nothing.
        cuts: Of the page.
        count: Passages wanted.
    """
    least = np.zeros_like(weights) if context is None else np.maximum(context, 0)
    excess = np.maximum(maxima - least[:, None], 0)
    gains: FloatArray = np.asarray(excess**2 / np.maximum(weights, np.float32(1e-12))[:, None], np.float32)
    spans, worth, taken = cuts.spans, gains.sum(axis=0), list[Span]()
    for first, last in _runs(gains, cuts):
        if len(taken) == count:
            break
        if all(last < start or first >= end for start, end in taken):
            low = max((end for _, end in taken if end <= first), default=0)
            high = min((start for start, _ in taken if start > last), default=len(spans))
            first, last = _filled(cuts, worth, first, last, (low, high))
            taken.append((first, last + 1))
    return [(spans[first][0], spans[end - 1][1]) for first, end in taken]


def _runs(gains: FloatArray, cuts: Cuts) -> list[tuple[int, int]]:
    """First and last span of every run that may be a passage, the best first; of equal ones the shortest, the first.

    Args:
        gains: float32 [m, u], what each row of the query adds to the score of each span.
        cuts: The spans.
    """
    starts, ends = np.array(cuts.spans, np.int64).T
    above, run = _above(gains, cuts), gains
    breaks_off = cuts.headings & (np.arange(len(starts)) < len(starts) - 1)
    fitting = np.searchsorted(ends, starts + cuts.most, "right") - np.arange(len(starts))  # spans of the longest runs
    sums, firsts, lasts = [], [], []
    for more in range(int(fitting.max())):
        run = gains if not more else np.maximum(run[:, :-1], gains[:, more:])
        fit = np.flatnonzero(fitting[: len(starts) - more] > more)
        sums.append(np.maximum(run[:, fit], above[:, fit]).sum(axis=0))
        firsts.append(fit)
        lasts.append(fit + more)
    first, last = np.concatenate(firsts), np.concatenate(lasts)
    scores = np.concatenate(sums) * np.where(breaks_off[last], _ENDS_IN_HEADING, np.float32(1))
    order = np.argsort(-scores, kind="stable")
    return list(zip(first[order].tolist(), last[order].tolist(), strict=True))


def _above(gains: FloatArray, cuts: Cuts) -> FloatArray:
    """What the head of the page adds to a passage that begins with each span: float32 [m, u]."""
    of_head = np.array([start < cuts.head for start, _ in cuts.spans])
    so_far = np.maximum.accumulate(np.where(of_head, gains, 0), axis=1)
    above: FloatArray = np.zeros_like(gains)
    above[:, 1:] = HEAD_SHARE * so_far[:, :-1]
    return above


def _filled(cuts: Cuts, worth: FloatArray, first: int, last: int, within: Span) -> tuple[int, int]:
    """Spans `first` to `last` with as many around them as there is room for: those that are worth most.

    Args:
        cuts: The spans.
        worth: float32 [u], sum of what each span says to the query.
        first: The first.
        last: The last.
        within: First span, and the one behind the last, that may be taken.
    """
    spans, found, best = cuts.spans, (first, last), (-1.0, 0)
    while first >= within[0] and spans[last][1] - spans[first][0] <= cuts.most:
        end = last
        while end + 1 < within[1] and spans[end + 1][1] - spans[first][0] <= cuts.most:
            end += 1
        said = float(worth[first : end + 1].sum()), spans[end][1] - spans[first][0]
        if said > best:  # of equal ones the longest, then those behind
            found, best = (first, end), said
        first -= 1
    return found
