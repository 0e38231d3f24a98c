"""MaxSim and best regions over packed pages: our own threads over blocks of pages, compiled kernels where there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vrag.bits.kernels import compiled, portable
from vrag.bits.kernels.portable import IntArray
from vrag.bits.kernels.quantise import PLANES, BitArray, Signs
from vrag.bits.kernels.threads import in_blocks, positions
from vrag.grid import FloatArray


@dataclass(frozen=True, slots=True)
class PackedPages:
    """The sign bits of one named vector of all pages.

    Args:
        signs: How they were made.
        bits: uint32 [words * rows], page after page, each a block [words, n].
        rows: int64 [pages + 1], first row of each page and the end.
    """

    signs: Signs
    bits: BitArray
    rows: IntArray

    def __len__(self) -> int:
        return len(self.rows) - 1

    def maxsim(self, query: FloatArray, pages: IntArray | None = None, planes: int = PLANES) -> FloatArray:
        """Estimated MaxSim, float32 [pages].

        Args:
            query: float32 [m, d], weighted rows.
            pages: Positions of the pages wanted; None for all.
            planes: Bits a value of the query; 1 compares signs with signs.
        """
        chosen = positions(pages, len(self))
        coded = self.signs.query(query, planes)
        out, kernels = np.empty(len(chosen), np.float32), compiled.kernels() or portable

        def score(part: slice) -> None:
            kernels.maxsim(self.bits, self.rows, chosen[part], coded, out[part])

        in_blocks(score, self.rows[chosen + 1] - self.rows[chosen], coded.bits.size)
        return out

    def regions(
        self,
        query: FloatArray,
        window: int,
        stride: int,
        pages: IntArray | None = None,
        context: FloatArray | None = None,
        planes: int = PLANES,
        head: int = 0,
    ) -> tuple[FloatArray, IntArray]:
        """Each page's best window: max over windows r of sum_j max(max_{i in r} <q_j, x_i>, context_j).

        Windows start every `stride` rows, until one reaches the last row.

        Args:
            query: float32 [m, d], weighted rows.
            window: Rows of a window, at least 1.
            stride: Rows from one window to the next, from 1 to `window`.
            pages: Positions of the pages wanted; None for all.
            context: float32 [m, pages], similarities every window of the page has at least (weighted as `query`).
            planes: Bits a value of the query.
            head: First rows of a page that count in every window.

        Returns:
            Estimated scores float32 [pages], and the first row of the window, int64 [pages].
        """
        if not 1 <= stride <= window:
            raise ValueError(f"stride must be from 1 to the window of {window} rows, not {stride}")
        chosen = positions(pages, len(self))
        floor = np.full((len(query), len(chosen)), -np.inf, np.float32) if context is None else context
        if floor.shape != (len(query), len(chosen)):
            raise ValueError(f"context must be [{len(query)}, {len(chosen)}], not {list(floor.shape)}")
        coded = self.signs.query(query, planes)
        out, start = np.empty(len(chosen), np.float32), np.empty(len(chosen), np.int64)
        kernels = compiled.kernels() or portable

        def score(part: slice) -> None:
            least = np.ascontiguousarray(floor[:, part], np.float32)
            found = out[part], start[part]
            kernels.regions(self.bits, self.rows, chosen[part], coded, window, stride, head, least, *found)

        in_blocks(score, self.rows[chosen + 1] - self.rows[chosen], coded.bits.size)
        return out, start

    def maxima(self, query: FloatArray, pages: IntArray, first: IntArray, end: IntArray, head: int) -> FloatArray:
        """Each query row's best similarity in one window of each page, or in the page's head: float32 [m, pages].

        Args:
            query: float32 [m, d], weighted rows.
            pages: Positions of the p pages wanted.
            first: int64 [p], first row of each page's window.
            end: int64 [p], the row behind its last.
            head: First rows of a page that count too.
        """
        chosen, coded = positions(pages, len(self)), self.signs.query(query)
        out = np.empty((len(query), len(chosen)), np.float32)
        span = np.ascontiguousarray(first, np.int64), np.ascontiguousarray(end, np.int64)
        (compiled.kernels() or portable).maxima(self.bits, self.rows, chosen, coded, *span, head, out)
        return out
