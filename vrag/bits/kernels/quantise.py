"""Vectors to bits: one sign bit a value for pages, a few bit planes for queries.

With x a page row, mu a fixed mean and b = sign(x - mu) in {-1, +1}^d, a similarity is estimated as

    <q, x> ~ <q, mu> + scale * <q, b>

with one scale for all rows, such that the best matches come out right on average: it is the best match that MaxSim
uses. (A scale a row changed no recall on the development sets.) The query is rounded to `planes` bits a
value, so that <q, b> becomes a weighted sum of Hamming distances, one a plane:

    q ~ step/2 * sum_p 2^p v_p,  v_p in {-1, +1}^d    =>    <q, b> ~ step/2 * (d (2^P - 1) - 2 sum_p 2^p ham(v_p, b))

With two bits a value a row is x - mu ~ scale * (2 b1 + b2), b2 the sign of what is left once b1 is taken away: four
levels instead of two, for vectors whose estimates are the last word (`full` of words, where a region has few rows).

One plane is sign against sign. Bit planes of a query against 1-bit vectors are the idea of RaBitQ (arXiv 2405.12497);
no rotation is applied here, since the values of embedding models are spread well enough (docs/performance/speed.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.grid import FloatArray

WORD = 32
BitArray = npt.NDArray[np.uint32]
_STEP = 4  # words the kernels take at a time
_GAUSSIAN_STEP = 0.996  # standard deviations between the four levels that lose least of a Gaussian (Max, 1960)
PLANES = 4  # bits a value of a query: the estimate is then as good as with the float query


def words_for(dim: int) -> int:
    """32-bit words that hold a row of `dim` bits, a multiple of four."""
    return _STEP * -(-dim // (_STEP * WORD))


@dataclass(frozen=True, slots=True)
class Signs:
    """How rows become bits.

    Args:
        mean: float32 [d], subtracted first.
        scale: What one matching sign is worth, so that estimates are on the scale of dot products.
        threshold: With two bits, the absolute value beyond which a value counts as large; 0 with one.
        levels: Bits a value, 1 or 2.
    """

    mean: FloatArray
    scale: float
    threshold: float = 0.0
    levels: int = 1

    @classmethod
    def of(cls, mean: FloatArray, levels: int = 1) -> Signs:
        """How rows of unit length become bits around a mean float32 [d]: the same for every corpus.

        Whatever is fitted on pages makes scores depend on which pages came first, and is not needed. A row x of unit
        length has nearly nothing to do with the mean of a model's vocabulary, so |x - mean|^2 = 1 + |mean|^2, spread
        evenly over d values that are close enough to Gaussian (docs/performance/speed.md). With g a value in such
        spreads, and c(g) what it becomes, +-1 or +-3, a sign is worth E[g g] / E[g c(g)] spreads for a row that is its
        own best match.
        """
        spread = math.sqrt((1 + float(mean @ mean)) / len(mean))
        threshold = _GAUSSIAN_STEP if levels == 2 else 0.0
        matching = math.sqrt(2 / math.pi) * (1 + (2 * math.exp(-(threshold**2) / 2) if levels == 2 else 0))
        return cls(mean, spread / matching, threshold * spread, levels)

    @classmethod
    def around(cls, mean: FloatArray | None, dim: int, levels: int = 1) -> Signs:
        """As `of`, around a model's mean where it has one of this dimension, else around zero."""
        return cls.of(np.zeros(dim, np.float32) if mean is None or len(mean) != dim else mean, levels)

    def of_first(self, dim: int) -> Signs:
        """How the first values of rows alone become bits, one each: as they are the first in a block."""
        return Signs(self.mean[:dim].copy(), Signs.of(self.mean).scale)

    @property
    def dim(self) -> int:
        """d."""
        return len(self.mean)

    @property
    def words(self) -> int:
        """32-bit words of a row."""
        return self.levels * words_for(self.dim)

    def block(self, rows: FloatArray) -> BitArray:
        """Bits of a page: float32 [n, d] to uint32 [words, n], bit k of a row in word k // 32, b2 behind b1."""
        return np.ascontiguousarray(np.concatenate(list(map(pack, self._planes(rows))), axis=1).T)

    def codes(self, rows: FloatArray) -> FloatArray:
        """What rows float32 [n, d] become, in units of `scale`: +-1, or +-1 and +-3 with two bits."""
        signs = [np.where(plane, np.float32(1), np.float32(-1)) for plane in self._planes(rows)]
        return signs[0] if self.levels == 1 else 2 * signs[0] + signs[1]

    def _planes(self, rows: FloatArray) -> list[npt.NDArray[np.bool_]]:
        centred = rows - self.mean
        first = centred > 0
        if self.levels == 1:
            return [first]
        is_large = np.abs(centred) > self.threshold
        return [first, is_large == first]

    def query(self, rows: FloatArray, planes: int = PLANES) -> QueryPlanes:
        """A query's rows float32 [m, d] ready for the kernels.

        Args:
            rows: Weighted rows: a row's length is its weight.
            planes: Bits a value; 1 compares signs with signs.
        """
        levels = 2**planes - 1
        if planes == 1:
            # The least-squares size of a row of signs is the mean of its absolute values.
            half_step = np.abs(rows).mean(axis=1)
            codes = (rows > 0).astype(np.uint8)
        else:
            half_step = np.abs(rows).max(axis=1) / levels
            safe = np.where(half_step > 0, half_step, 1)[:, None]
            codes = np.clip(np.rint((rows / safe + levels) / 2), 0, levels).astype(np.uint8)
        bits = pack((codes[:, None] >> np.arange(planes, dtype=np.uint8)[:, None] & 1).astype(bool))
        unit = (half_step * self.scale).astype(np.float32)
        highest = 2**self.levels - 1
        offset = rows @ self.mean + unit * np.float32(self.dim * levels * highest)
        heavy = words_for(self.dim) if self.levels == 2 else 0
        both = bits if self.levels == 1 else np.ascontiguousarray(np.tile(bits, (1, 1, self.levels)))
        return QueryPlanes(both, offset.astype(np.float32), -2 * unit, heavy)


@dataclass(frozen=True, slots=True)
class QueryPlanes:
    """A query's m rows: similarity to a page row = offset + slope * (weighted Hamming distance).

    Args:
        bits: uint32 [m, planes, words].
        offset: float32 [m], the similarity of a row without a differing bit.
        slope: float32 [m], at most 0.
        heavy: First words of a row that count twice: those of b1 where there is a b2.
    """

    bits: BitArray
    offset: FloatArray
    slope: FloatArray
    heavy: int = 0

    def __len__(self) -> int:
        return len(self.bits)


def pack(bits: npt.NDArray[np.bool_]) -> BitArray:
    """Bits [..., d] to uint32 [..., words], zeros behind the last one."""
    dim = bits.shape[-1]
    missing = words_for(dim) * WORD - dim
    padded = np.pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, missing)]) if missing else bits
    return np.packbits(padded, axis=-1, bitorder="little").view("<u4").astype(np.uint32, copy=False)
