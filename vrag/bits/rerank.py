"""Exact scores for the few pages that can still be among the best, when estimates from bits are known for all.

The exact score of 32 pages costs more than the bits of a thousand. But after the first ten exact scores it is known
how exact scores follow from estimates for this very query: a line fitted through them, and how far they lie from it.
(A line, because pages with the best estimates are those that were overestimated.) Pages are scored in order of estimate
until those left can be expected to hold less than `MISSES` of the pages wanted. This is the thought of Col-Bandit
(arXiv 2602.02827), by page instead of by token.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from vrag.grid import FloatArray
from vrag.store.interface import Scored

MISSES = 0.05  # pages wanted that may be expected among those left unscored, of a query
_SLOPES = (0.3, 1.0)  # what a line through a dozen scores may say
_TINY = 1e-9
_FEWEST = 3  # scores that a line and its spread are taken from
ONE_THREAD = 8  # pages scored at once, where more of them take no less time each

Score = Callable[[Sequence[str]], list[Scored]]


def exact_best(score: Score, estimates: Mapping[str, float], k: int, at_once: int = ONE_THREAD) -> list[Scored]:
    """Exactly scored pages, best first, among them the `k` best but for `MISSES` of them on average.

    Args:
        score: Exact scores of pages by id.
        estimates: Estimated score of every candidate by id.
        k: Pages wanted.
        at_once: Pages scored before it is looked again whether the others still matter.
    """
    left = sorted(estimates, key=lambda page: (-estimates[page], page))
    done: list[Scored] = []
    step = k + at_once
    while left:
        done += score(left[:step])
        left = _hopeful(left[step:], done, estimates, k)
        step = at_once
    return sorted(done, key=lambda point: (-point.score, point.id))


def _hopeful(left: Sequence[str], done: Sequence[Scored], estimates: Mapping[str, float], k: int) -> list[str]:
    """`left`, which is in order of estimate, without the end that holds less than `MISSES` of the k best."""
    if len(done) < max(k, _FEWEST):
        return list(left)
    exact = np.array([point.score for point in done])
    least = np.partition(exact, len(exact) - k)[len(exact) - k]
    known = np.array([estimates[point.id] for point in done])
    expected, deviation = _predicted(known, exact, np.array([estimates[page] for page in left]))
    chances = [math.erfc(z / math.sqrt(2)) / 2 for z in ((least - expected) / deviation).tolist()]
    return [page for page, misses in zip(left, np.cumsum(chances[::-1])[::-1], strict=True) if misses >= MISSES]


def _predicted(known: FloatArray, exact: FloatArray, estimates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Expected exact scores of pages by their estimates, and the standard deviation of that: linear regression."""
    middle, height = known.mean(), exact.mean()
    width = max(float(((known - middle) ** 2).sum()), _TINY)
    slope = float(np.clip(((known - middle) * (exact - height)).sum() / width, *_SLOPES))
    rest = exact - height - slope * (known - middle)
    variance = float((rest**2).sum()) / (len(rest) - 2)
    away = estimates - middle
    return height + slope * away, np.sqrt(variance * (1 + 1 / len(rest) + away**2 / width)) + _TINY
