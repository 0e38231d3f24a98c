"""The kernels of `kernels.c` in numpy: for machines that have no library of them, and to compare them with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vrag.bits.kernels.quantise import WORD, BitArray, QueryPlanes
from vrag.cascade.regions import Windows, best_region
from vrag.grid import FloatArray

IntArray = npt.NDArray[np.int64]

_ROWS_AT_ONCE = 1024
# The eight signs of every byte, float32 [256, 8]; the lowest bit is the first value.
_BYTE_SIGNS = (
    np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(np.float32) * 2 - 1
)


def maxsim(bits: BitArray, rows: IntArray, pages: IntArray, query: QueryPlanes, out: FloatArray) -> None:
    """Estimated MaxSim of each page into out float32 [pages]; minus infinity for a page without rows."""
    for k, similarity in _similarities(bits, rows, pages, query):
        out[k] = similarity.max(axis=1).sum() if similarity.shape[1] else -np.inf


def regions(
    bits: BitArray,
    rows: IntArray,
    pages: IntArray,
    query: QueryPlanes,
    window: int,
    stride: int,
    head: int,
    context: FloatArray,
    out: FloatArray,
    start: IntArray,
) -> None:
    """Score and first row of each page's best window; context float32 [m, pages] is what a row has at least.

    The first `head` rows of a page count in every window.
    """
    for k, similarity in _similarities(bits, rows, pages, query):
        out[k], start[k] = -np.inf, 0
        if similarity.shape[1]:
            best = best_region(similarity, Windows(window, stride), head, context[:, k])
            out[k], start[k] = best.score, best.start


def maxima(
    bits: BitArray,
    rows: IntArray,
    pages: IntArray,
    query: QueryPlanes,
    start: IntArray,
    end: IntArray,
    head: int,
    out: FloatArray,
) -> None:
    """Each query row's best similarity in one window of each page or its first `head` rows: float32 [m, pages]."""
    for k, similarity in _similarities(bits, rows, pages, query):
        chosen = (similarity[:, start[k] : end[k]], similarity[:, :head])
        out[:, k] = np.concatenate(chosen, axis=1).max(axis=1, initial=-np.inf)


def _similarities(
    bits: BitArray, rows: IntArray, pages: IntArray, query: QueryPlanes
) -> Iterator[tuple[int, FloatArray]]:
    """Each page's place in `pages` with its estimated similarities float32 [m, n].

    Pages are multiplied together up to a thousand rows: BLAS starts threads for every product, and on a busy machine
    that costs more than the product of one page; of more rows the signs do not fit a processor's cache.
    """
    weights, most = _weights(query)
    lengths = rows[pages + 1] - rows[pages]
    batch = np.cumsum(lengths) // _ROWS_AT_ONCE
    for part in np.split(np.arange(len(pages)), np.flatnonzero(np.diff(batch)) + 1):
        coded = np.concatenate([_bytes(bits, rows, page, query.bits.shape[2]) for page in pages[part]])
        signs = np.take(_BYTE_SIGNS, coded, axis=0).reshape(len(coded), -1)  # some times as fast as indexing with it
        distances = (np.float32(most) - weights @ signs.T) / 2
        similarities = query.offset[:, None] + query.slope[:, None] * distances
        yield from zip(part.tolist(), np.split(similarities, np.cumsum(lengths[part])[:-1], axis=1), strict=True)


def _weights(query: QueryPlanes) -> tuple[FloatArray, float]:
    """The query's codes as float32 [m, words * 32], and the distance of a row that differs in every bit."""
    m, planes, words = query.bits.shape
    signs = _BYTE_SIGNS[query.bits.view(np.uint8)].reshape(m, planes, words * WORD)
    weights = np.einsum("mpd,p->md", signs, 2.0 ** np.arange(planes)).astype(np.float32)
    weights[:, : query.heavy * WORD] *= 2
    return weights, (2**planes - 1) * WORD * (words + query.heavy)


def _bytes(bits: BitArray, rows: IntArray, page: np.int64, words: int) -> npt.NDArray[np.uint8]:
    """A page's rows as bytes, uint8 [n, words * 4]."""
    block = bits[rows[page] * words : rows[page + 1] * words].reshape(words, -1)
    return np.ascontiguousarray(block.T).view(np.uint8)
