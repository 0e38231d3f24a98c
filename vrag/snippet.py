"""The words of a page that answer a query best."""

from __future__ import annotations

import numpy as np

from vrag.grid import FloatArray
from vrag.pages.page import Words

WIDTH = 24


def snippet(query: FloatArray, full: FloatArray, words: Words, width: int = WIDTH) -> str:
    """The run of `width` words with the highest MaxSim.

    Args:
        query: float32 [m, d].
        full: float32 [n, d], one row a word (further rows are ignored).
        words: The page's words; without them there is no snippet.
        width: Words in the snippet.
    """
    count = len(words)
    if count == 0 or len(full) < count:
        return ""
    start = best_window(query @ full[:count].T, width)
    text = " ".join(words.texts[start : start + width])
    return f"{'… ' if start else ''}{text}{' …' if start + width < count else ''}"


def best_window(similarities: FloatArray, width: int) -> int:
    """Start of the window of `width` columns of float32 [m, n] whose row maxima add up to most."""
    n = similarities.shape[1]
    if n <= width:
        return 0
    windows = np.lib.stride_tricks.sliding_window_view(similarities, width, axis=1)
    return int(windows.max(axis=2).sum(axis=0).argmax())
