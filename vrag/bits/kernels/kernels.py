"""MaxSim over packed bits, compiled by numba to the machine's own popcount. Imported only where numba is.

A page is a block uint32 [words, n] in one long array, word by word, so that neighbouring rows lie side by side and
the loops over rows become vector instructions. Every kernel works on a list of pages and releases the GIL.
`portable.py` says the same in numpy.

Rows of 128 and 384 values have loops of their own, in which everything but the number of rows is a constant: rows are
compared in tiles of 32 or 16 that the compiler unrolls, and no array is sliced, because numba counts references to each
slice, which costs more than comparing a pooled page. The last tile ends with the last row and may overlap the one
before: a minimum does not mind.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_BITS = types.Array(types.uint32, 1, "C", readonly=True)
_ROWS = types.Array(types.int64, 1, "C", readonly=True)
_QUERY = (types.uint32[:, :, ::1], types.float32[::1], types.float32[::1], types.int64)
_PAGES = (_BITS, _ROWS, types.int64[::1])
_MAXSIM = types.void(*_PAGES, *_QUERY, types.float32[::1])
_REGIONS = types.void(
    *_PAGES, *_QUERY, types.int64, types.int64, types.int64, types.float32[:, ::1], types.float32[::1], types.int64[::1]
)

_MAXIMA = types.void(*_PAGES, *_QUERY, types.int64[::1], types.int64[::1], types.int64, types.float32[:, ::1])


_FAR = np.uint32(0xFFFFFFFF)


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
def _distances(block: Any, n: int, planes: Any, heavy: int, out: Any) -> None:
    """Weighted Hamming distance of each of n rows of a block to planes uint32 [planes, words].

    The first `heavy` words count twice.
    """
    out[:n] = 0
    for w in range(0, planes.shape[1], 4):
        twice = np.uint32(1 if w < heavy else 0)
        x0, x1 = block[w * n : w * n + n], block[w * n + n : w * n + 2 * n]
        x2, x3 = block[w * n + 2 * n : w * n + 3 * n], block[w * n + 3 * n : w * n + 4 * n]
        if planes.shape[0] == 4:
            q0, q1, q2, q3 = planes[0], planes[1], planes[2], planes[3]
            for i in range(n):
                y0, y1, y2, y3 = x0[i], x1[i], x2[i], x3[i]
                low = _ham(y0, y1, y2, y3, q0, w) + (_ham(y0, y1, y2, y3, q1, w) << np.uint32(1))
                high = (_ham(y0, y1, y2, y3, q2, w) << np.uint32(2)) + (_ham(y0, y1, y2, y3, q3, w) << np.uint32(3))
                out[i] += np.uint32((low + high) << twice)
        else:
            for p in range(planes.shape[0]):
                for i in range(n):
                    out[i] += np.uint32(_ham(x0[i], x1[i], x2[i], x3[i], planes[p], w) << (np.uint32(p) + twice))


@njit(nogil=True, cache=True)
def _longest(rows: Any, pages: Any) -> int:
    longest = 0
    for page in pages:
        longest = max(longest, rows[page + 1] - rows[page])
    return longest


@njit(inline="always")
def _plane(bits: Any, i: Any, n: Any, planes: Any, j: Any, p: int, w: int) -> Any:
    """Hamming distance of 128 bits of a row, whose words lie n apart, to plane p of query row j."""
    near = _popcount(bits[i] ^ planes[j, p, w]) + _popcount(bits[i + n] ^ planes[j, p, w + 1])
    far = _popcount(bits[i + n + n] ^ planes[j, p, w + 2]) + _popcount(bits[i + n + n + n] ^ planes[j, p, w + 3])
    return np.uint32(near + far)


@njit(inline="always")
def _one_plane(bits: Any, i: Any, n: Any, planes: Any, j: Any, w: int) -> Any:
    return _plane(bits, i, n, planes, j, 0, w)


@njit(inline="always")
def _four_planes(bits: Any, i: Any, n: Any, planes: Any, j: Any, w: int) -> Any:
    """Written out: a loop over planes inside one over words is more than the compiler unrolls."""
    low = _plane(bits, i, n, planes, j, 0, w) + (_plane(bits, i, n, planes, j, 1, w) << np.uint32(1))
    high = (_plane(bits, i, n, planes, j, 2, w) << np.uint32(2)) + (_plane(bits, i, n, planes, j, 3, w) << np.uint32(3))
    return np.uint32(low + high)


def _distance_kernel(words: int, planes: int) -> Any:
    """Weighted Hamming distance of one row of `words` words to one query row."""
    four_words = {1: _one_plane, 4: _four_planes}[planes]

    @njit(inline="always")
    def distance(bits: Any, i: Any, n: Any, query: Any, j: Any) -> Any:
        total = np.uint32(0)
        for w in range(0, words, 4):
            total = np.uint32(total + four_words(bits, i + np.uint64(w) * n, n, query, j, w))
        return total

    return distance


def _tile_kernel(distance: Any, tile: int) -> Any:
    """The least distance of `tile` neighbouring rows."""

    @njit(nogil=True)
    def nearest(bits: Any, i: Any, n: Any, query: Any, j: Any) -> Any:
        least = _FAR
        for lane in range(tile):
            least = min(least, distance(bits, i + np.uint64(lane), n, query, j))
        return least

    return nearest


def _nearest_kernel(words: int, planes: int) -> Any:
    """The least distance of a page's n rows, of which the first word is bits[i]."""
    distance = _distance_kernel(words, planes)
    large, small = _tile_kernel(distance, 32), _tile_kernel(distance, 16)
    wide, narrow = np.uint64(32), np.uint64(16)

    @njit(nogil=True)
    def nearest(bits: Any, i: Any, n: Any, query: Any, j: Any) -> Any:
        least = _FAR
        if n >= wide:
            for t in range((n + wide - np.uint64(1)) // wide):
                least = min(least, large(bits, i + min(wide * t, n - wide), n, query, j))
            return least
        if n >= narrow:
            return min(small(bits, i, n, query, j), small(bits, i + n - narrow, n, query, j))
        for row in range(n):
            least = min(least, distance(bits, i + row, n, query, j))
        return least

    return nearest


def _pages_kernel(words: int, planes: int) -> Any:
    """`maxsim` for rows of `words` words and queries of `planes` planes."""
    nearest = _nearest_kernel(words, planes)
    step = np.uint64(words)

    @njit(nogil=True)
    def score(bits: Any, rows: Any, pages: Any, query: Any, offset: Any, slope: Any, out: Any) -> None:
        for k in range(len(pages)):
            first, end = np.uint64(rows[pages[k]]), np.uint64(rows[pages[k] + 1])
            total = np.float32(0) if end > first else np.float32(-np.inf)
            for j in range(query.shape[0] if end > first else 0):
                total += offset[j] + slope[j] * np.float32(nearest(bits, first * step, end - first, query, j))
            out[k] = total

    return score


_of_128, _of_128_signs = _pages_kernel(4, 4), _pages_kernel(4, 1)
_of_384, _of_384_signs = _pages_kernel(12, 4), _pages_kernel(12, 1)


@njit(nogil=True, cache=True)
def _of_any(bits: Any, rows: Any, pages: Any, planes: Any, offset: Any, slope: Any, heavy: int, out: Any) -> None:
    words = planes.shape[2]
    distance = np.empty(_longest(rows, pages), np.uint32)
    for k in range(len(pages)):
        first, n = rows[pages[k]], rows[pages[k] + 1] - rows[pages[k]]
        total = np.float32(0) if n else np.float32(-np.inf)
        if n:
            block = bits[first * words : (first + n) * words]
            for j in range(planes.shape[0]):
                _distances(block, n, planes[j], heavy, distance)
                total += offset[j] + slope[j] * np.float32(distance[:n].min())
        out[k] = total


@njit(_MAXSIM, nogil=True, cache=True)
def maxsim(bits: Any, rows: Any, pages: Any, planes: Any, offset: Any, slope: Any, heavy: int, out: Any) -> None:
    """Estimated MaxSim of each page into out float32 [pages]; minus infinity for a page without rows."""
    count, words = planes.shape[1], planes.shape[2]
    if heavy:
        _of_any(bits, rows, pages, planes, offset, slope, heavy, out)
    elif words == 4 and count == 4:
        _of_128(bits, rows, pages, planes, offset, slope, out)
    elif words == 4 and count == 1:
        _of_128_signs(bits, rows, pages, planes, offset, slope, out)
    elif words == 12 and count == 4:
        _of_384(bits, rows, pages, planes, offset, slope, out)
    elif words == 12 and count == 1:
        _of_384_signs(bits, rows, pages, planes, offset, slope, out)
    else:
        _of_any(bits, rows, pages, planes, offset, slope, heavy, out)


@njit(_REGIONS, nogil=True, cache=True)
def regions(
    bits: Any,
    rows: Any,
    pages: Any,
    planes: Any,
    offset: Any,
    slope: Any,
    heavy: int,
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
            _distances(block, n, planes[j], heavy, distance)
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
    heavy: int,
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
            _distances(block, n, planes[j], heavy, distance)
            for i in range(n):
                if i < head or start[k] <= i < end[k]:
                    out[j, k] = max(out[j, k], offset[j] + slope[j] * np.float32(distance[i]))
