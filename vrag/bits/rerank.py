"""Exact scores for the few pages that can still be among the best, when estimates from bits are known for all.

The exact score of 32 pages costs more than the bits of a thousand. But after the first ten exact scores the error of
the estimates is known (its mean and spread on this very query), and a page whose estimate lies further below the
tenth best score than the error reaches need not be scored. This is the thought of Col-Bandit (arXiv 2602.02827), by
page instead of by token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import numpy as np

from vrag.bits.scoring import thread_pool, threads
from vrag.store.base import Scored

REACH = 4.0  # standard deviations of the error that a page may still rise by
_STEP = 4  # pages a thread scores at once

Score = Callable[[Sequence[str]], list[Scored]]


def exact_best(score: Score, estimates: Mapping[str, float], k: int) -> list[Scored]:
    """Exactly scored pages, best first, among them the `k` best but for errors beyond `REACH`.

    Args:
        score: Exact scores of pages by id; called from several threads.
        estimates: Estimated score of every candidate by id.
        k: Pages wanted.
    """
    left = sorted(estimates, key=lambda page: (-estimates[page], page))
    done: list[Scored] = []
    step = k + _STEP
    while left:
        done += _together(score, left[:step])
        left = _hopeful(left[step:], done, estimates, k)
        step = _STEP * threads()
    return sorted(done, key=lambda point: (-point.score, point.id))


def _hopeful(left: Sequence[str], done: Sequence[Scored], estimates: Mapping[str, float], k: int) -> list[str]:
    """Those that may still be among the k best."""
    if len(done) < k:
        return list(left)
    errors = np.array([point.score - estimates[point.id] for point in done])
    least = sorted((point.score for point in done), reverse=True)[k - 1]
    reach = errors.mean() + REACH * errors.std(ddof=min(1, len(errors) - 1))
    return [page for page in left if estimates[page] + reach >= least]


def _together(score: Score, pages: Sequence[str]) -> list[Scored]:
    """Exact scores, the pages dealt out to as many threads as have enough to do."""
    parts = max(1, min(threads(), len(pages) // _STEP))
    if parts == 1:
        return score(pages)
    return list(chain.from_iterable(thread_pool().map(score, [pages[part::parts] for part in range(parts)])))
