"""Our own threads over blocks of pages: the kernels release the GIL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from vrag.bits.kernels import compiled
from vrag.bits.kernels.portable import IntArray
from vrag.runtime.machine import usable_cpus

_WORTH_A_THREAD = 2_000_000  # words compared or numbers multiplied; less is done before a thread has woken


def positions(pages: IntArray | Sequence[int] | None, count: int) -> IntArray:
    """Positions of pages as int64, None for all; none outside, since a kernel does not look."""
    if pages is None:
        return np.arange(count, dtype=np.int64)
    chosen = np.ascontiguousarray(pages, dtype=np.int64)
    if chosen.size and (chosen.min() < 0 or chosen.max() >= count):
        raise IndexError(f"pages must lie in 0..{count - 1}")
    return chosen


def in_blocks(score: Callable[[slice], None], sizes: IntArray, unit: int) -> None:
    """Run `score` over parts of the pages of about equal work, on as many threads as pay; this one does its share.

    Args:
        score: Scores the pages of a slice.
        sizes: int64 [pages], work of each.
        unit: Words compared in one unit of that.
    """
    if not len(sizes):
        return
    ends = np.cumsum(sizes)
    available = usable_cpus() if compiled.kernels() is not None else 1  # BLAS brings its own
    parts = min(available, len(sizes), 1 + int(ends[-1]) * unit // _WORTH_A_THREAD)
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, parts) // parts).tolist()
    own, *others = [slice(a, b) for a, b in zip([0, *cuts], [*cuts, len(sizes)], strict=True)]
    elsewhere = [thread_pool().submit(score, part) for part in others]
    score(own)
    for part in elsewhere:
        part.result()


@lru_cache(maxsize=1)
def thread_pool() -> ThreadPoolExecutor:
    """The threads that score, one a processor."""
    return ThreadPoolExecutor(usable_cpus(), thread_name_prefix="vrag-bits")
