"""MaxSim over packed bits, compiled by numba to the machine's own popcount. Imported only where numba is.

A page is a block uint32 [words, n] in one long array, word by word, so that neighbouring rows lie side by side and
the loops over rows become vector instructions. Every kernel works on a list of pages and releases the GIL.
`portable.py` says the same in numpy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_BITS = types.Array(types.uint32, 1, "C", readonly=True)
_ROWS = types.Array(types.int64, 1, "C", readonly=True)
_QUERY = (types.uint32[:, :, ::1], types.float32[::1], types.float32[::1])
_PAGES = (_BITS, _ROWS, types.int64[::1])
_MAXSIM = types.void(*_PAGES, *_QUERY, types.float32[::1])
_REGIONS = types.void(
    *_PAGES, *_QUERY, types.int64, types.int64, types.int64, types.float32[:, ::1], types.float32[::1], types.int64[::1]
)

_MAXIMA = types.void(*_PAGES, *_QUERY, types.int64[::1], types.int64[::1], types.int64, types.float32[:, ::1])


@intrinsic
def _set_bits(typing: Any, value: Any) -> Any:
    """Set bits of a uint32, as the processor counts them."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint32(types.uint32), code


_popcount: Any = _set_bits  # to the type checker an intrinsic is called as it is defined, with the typing context


@njit(inline="always")
def _ham(y0: Any, y1: Any, y2: Any, y3: Any, q: Any, w: int) -> Any:
    """Hamming distance of 128 bits of a row to a plane, as uint32."""
    near = _popcount(y0 ^ q[w]) + _popcount(y1 ^ q[w + 1])
    return np.uint32(near + _popcount(y2 ^ q[w + 2]) + _popcount(y3 ^ q[w + 3]))


@njit(nogil=True, cache=True)
def _distances(block: Any, n: int, planes: Any, out: Any) -> None:
    """Weighted Hamming distance of each of n rows of a block to planes uint32 [planes, words]."""
    out[:n] = 0
    for w in range(0, planes.shape[1], 4):
        x0, x1 = block[w * n : w * n + n], block[w * n + n : w * n + 2 * n]
        x2, x3 = block[w * n + 2 * n : w * n + 3 * n], block[w * n + 3 * n : w * n + 4 * n]
        if planes.shape[0] == 4:
            q0, q1, q2, q3 = planes[0], planes[1], planes[2], planes[3]
            for i in range(n):
                y0, y1, y2, y3 = x0[i], x1[i], x2[i], x3[i]
                low = _ham(y0, y1, y2, y3, q0, w) + (_ham(y0, y1, y2, y3, q1, w) << np.uint32(1))
                high = (_ham(y0, y1, y2, y3, q2, w) << np.uint32(2)) + (_ham(y0, y1, y2, y3, q3, w) << np.uint32(3))
                out[i] += np.uint32(low + high)
        else:
            for p in range(planes.shape[0]):
                for i in range(n):
                    out[i] += np.uint32(_ham(x0[i], x1[i], x2[i], x3[i], planes[p], w) << np.uint32(p))


@njit(nogil=True, cache=True)
def _longest(rows: Any, pages: Any) -> int:
    longest = 0
    for page in pages:
        longest = max(longest, rows[page + 1] - rows[page])
    return longest


@njit(_MAXSIM, nogil=True, cache=True)
def maxsim(bits: Any, rows: Any, pages: Any, planes: Any, offset: Any, slope: Any, out: Any) -> None:
    """Estimated MaxSim of each page into out float32 [pages]; minus infinity for a page without rows."""
    words = planes.shape[2]
    distance = np.empty(_longest(rows, pages), np.uint32)
    for k in range(len(pages)):
        first, n = rows[pages[k]], rows[pages[k] + 1] - rows[pages[k]]
        if n == 0:
            out[k] = -np.inf
            continue
        block = bits[first * words : (first + n) * words]
        total = np.float32(0)
        for j in range(planes.shape[0]):
            _distances(block, n, planes[j], distance)
            nearest = distance[0]
            for i in range(n):
                nearest = min(nearest, distance[i])
            total += offset[j] + slope[j] * np.float32(nearest)
        out[k] = total


@njit(_REGIONS, nogil=True, cache=True)
def regions(
    bits: Any,
    rows: Any,
    pages: Any,
    planes: Any,
    offset: Any,
    slope: Any,
    window: int,
    stride: int,
    head: int,
    context: Any,
    out: Any,
    start: Any,
) -> None:
    """Score and first row of each page's best window; context float32 [m, pages] is what a row has at least.

    The first `head` rows of a page count in every window.
    """
    words = planes.shape[2]
    longest = _longest(rows, pages)
    distance = np.empty(longest, np.uint32)
    scores = np.empty(longest // stride + 1, np.float32)
    for k in range(len(pages)):
        first, n = rows[pages[k]], rows[pages[k] + 1] - rows[pages[k]]
        if n == 0:
            out[k], start[k] = -np.inf, 0
            continue
        block = bits[first * words : (first + n) * words]
        count = 1 + max(0, -((window - n) // stride))
        scores[:count] = 0
        for j in range(planes.shape[0]):
            _distances(block, n, planes[j], distance)
            least = context[j, k]
            for i in range(min(head, n)):
                least = max(least, offset[j] + slope[j] * np.float32(distance[i]))
            for r in range(count):
                nearest = distance[r * stride]
                for i in range(r * stride, min(r * stride + window, n)):
                    nearest = min(nearest, distance[i])
                scores[r] += max(offset[j] + slope[j] * np.float32(nearest), least)
        best = np.argmax(scores[:count])
        out[k], start[k] = scores[best], best * stride


@njit(_MAXIMA, nogil=True, cache=True)
def maxima(
    bits: Any,
    rows: Any,
    pages: Any,
    planes: Any,
    offset: Any,
    slope: Any,
    start: Any,
    end: Any,
    head: int,
    out: Any,
) -> None:
    """Each query row's best similarity in one window of each page or its first `head` rows: float32 [m, pages]."""
    words = planes.shape[2]
    distance = np.empty(_longest(rows, pages), np.uint32)
    for k in range(len(pages)):
        first, n = rows[pages[k]], rows[pages[k] + 1] - rows[pages[k]]
        block = bits[first * words : (first + n) * words]
        for j in range(planes.shape[0]):
            out[j, k] = -np.inf
            _distances(block, n, planes[j], distance)
            for i in range(n):
                if i < head or start[k] <= i < end[k]:
                    out[j, k] = max(out[j, k], offset[j] + slope[j] * np.float32(distance[i]))
