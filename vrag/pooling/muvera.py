"""MUVERA's fixed dimensional encoding: a multivector as one vector whose dot product approximates MaxSim.

Space is cut into 2^bits cells by random planes, several times over (arXiv 2405.19504, section 2). A page keeps the
mean of its rows in each cell, and where it has none, the row whose cell differs in the fewest planes; a query keeps
the sum, and zeros where it has none. Rows are brought to `projection` dimensions by random signs first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vrag.grid import FloatArray, Grid
from vrag.pooling.pooled import IntArray, Pooled


@dataclass(frozen=True, slots=True)
class _Planes:
    """Random parts of the encoding: planes float32 [d, r * bits], signs float32 [r, d, projection]."""

    planes: FloatArray
    signs: FloatArray


def muvera(
    full: FloatArray, grid: Grid, *, bits: int = 3, repetitions: int = 20, projection: int = 16, seed: int = 1
) -> Pooled:
    """The page's encoding, one vector [1, repetitions * 2^bits * projection], not normalised: its length counts."""
    random = _planes(full.shape[1], bits, repetitions, projection, seed)
    cells, counts, sums = _cells(full, random, bits, repetitions)
    means: FloatArray = (sums / np.maximum(counts, 1)[..., None]).astype(np.float32)
    empty = np.argwhere(counts == 0)
    means[empty[:, 0], empty[:, 1]] = full[_nearest_rows(cells, counts)[empty[:, 0], empty[:, 1]]]
    encoded: FloatArray = (means @ random.signs).reshape(1, -1)
    return Pooled(encoded, (np.arange(len(full)),))


def muvera_query(
    query: FloatArray, *, bits: int = 3, repetitions: int = 20, projection: int = 16, seed: int = 1
) -> FloatArray:
    """The encoding [1, D] of a query's rows [m, d], whose dot product with a page's is about their MaxSim."""
    random = _planes(query.shape[1], bits, repetitions, projection, seed)
    sums = _cells(query, random, bits, repetitions)[2]
    encoded: FloatArray = (sums @ random.signs).reshape(1, -1)
    encoded /= repetitions
    return encoded


def muvera_dim(*, bits: int = 3, repetitions: int = 20, projection: int = 16, seed: int = 1) -> int:
    """Dimension of the encoding."""
    return int(repetitions * 2**bits * projection)


def _cells(rows: FloatArray, random: _Planes, bits: int, repetitions: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Cell of each of n rows in each repetition [r, n]; rows in each cell [r, 2^bits]; their sums [r, 2^bits, d]."""
    above = (rows @ random.planes > 0).reshape(len(rows), repetitions, bits)
    cells = (above @ (1 << np.arange(bits))).T
    inside = cells[:, None, :] == np.arange(1 << bits)[None, :, None]
    sums = inside.reshape(-1, len(rows)).astype(np.float32) @ rows
    return cells, inside.sum(axis=2, dtype=np.float32), sums.reshape(repetitions, 1 << bits, -1)


def _nearest_rows(cells: IntArray, counts: FloatArray) -> IntArray:
    """For each cell, the first row among those whose own cell differs in the fewest planes: int [r, 2^bits]."""
    repetitions, n = cells.shape
    size = counts.shape[1]
    first = np.full((repetitions, size), n, np.intp)  # first row of each cell
    np.minimum.at(first, (np.arange(repetitions)[:, None], cells), np.arange(n)[None, :])
    apart = np.array([[(a ^ b).bit_count() for b in range(size)] for a in range(size)])
    rank = apart[None] * (n + 1) + first[:, None, :]
    rank[np.broadcast_to((counts == 0)[:, None, :], rank.shape)] = np.iinfo(rank.dtype).max
    return np.take_along_axis(first, rank.argmin(axis=2), axis=1)


@lru_cache(maxsize=8)
def _planes(dim: int, bits: int, repetitions: int, projection: int, seed: int) -> _Planes:
    """The same for a seed on every machine and with every numpy: only raw bits of the generator are used."""
    count = dim * repetitions * bits
    raw = np.random.PCG64(seed)
    uniform = ((raw.random_raw(2 * count) >> np.uint64(11)) + 0.5) / 2**53
    normal = np.sqrt(-2 * np.log(uniform[:count])) * np.cos(2 * np.pi * uniform[count:])  # Box and Muller
    signs = (raw.random_raw(repetitions * dim * projection) >> np.uint64(63)).astype(np.float32) * 2 - 1
    return _Planes(
        normal.reshape(dim, -1).astype(np.float32),
        signs.reshape(repetitions, dim, projection) / np.float32(np.sqrt(projection)),
    )
