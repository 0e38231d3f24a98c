"""Packed bits of a page's `full` that travel with its point on a server, where nothing is kept beside the store.

A search there looks at some hundred candidates by region, and their vectors would be 45 MB. Their bits come in pieces,
each under a key of its own, so that most pages are told apart by the first: signs of the first values, then the other
signs, then the second plane where there is one (`vrag.bits.kernels.quantise`). They are text, since a payload holds no
bytes, and follow from `full` alone: whoever writes a page to a server makes them, and no copy takes them along. Their
CRC-32 beside them tells a reader who has kept some of them whether they are still those.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass

import numpy as np

from vrag.bits.cache.columns import as_stored
from vrag.bits.kernels.quantise import WORD, BitArray, Signs, words_for
from vrag.catalog.kinds import ARRIVING, PAGE
from vrag.catalog.payload import MOST_ROWS
from vrag.grid import FloatArray
from vrag.pipeline.pipeline import FULL, Pipeline
from vrag.store.interface import BITS, BITS_SUM, Payload, Record

_FIRST = 8  # words of a row that make the first piece: signs of 256 values
Pieces = tuple[BitArray, ...]  # uint32 [words of the piece, n] each


@dataclass(frozen=True, slots=True)
class PageBits:
    """The bits of pages in pieces.

    Args:
        signs: How rows of `full` become bits.
    """

    signs: Signs

    @classmethod
    def of(cls, pipeline: Pipeline, dim: int, mean: FloatArray | None) -> PageBits:
        """The bits that an index has.

        Args:
            pipeline: Says how many bits a value has.
            dim: Of the vectors.
            mean: The model's mean vector [d], None when it has none.
        """
        return cls(Signs.around(mean, dim, pipeline.bits.get(FULL, 1)))

    @property
    def edges(self) -> list[int]:
        """Words of a row before each piece, and of all of them."""
        plane = words_for(self.signs.dim)
        return sorted({0, min(_FIRST, plane), plane, self.signs.words})

    @property
    def keys(self) -> tuple[str, ...]:
        """Of the payload, one a piece."""
        return BITS[: len(self.edges) - 1]

    def payload(self, record: Record) -> Payload:
        """What travels with a record that is written: for a page its bits and their sum, for others nothing."""
        if record.payload.get("kind") not in (PAGE, ARRIVING) or FULL not in record.vectors:
            return {}
        pieces = self.pieces(record)
        return {**dict(zip(self.keys, map(_text, pieces), strict=True)), BITS_SUM: sum_of(pieces)}

    def pieces(self, record: Record) -> Pieces:
        """All pieces of a page, made of its `full`."""
        block = self.signs.block(as_stored(record, FULL, self.signs.dim))
        return tuple(block[start:end] for start, end in zip(self.edges, self.edges[1:], strict=False))

    def more(self, payload: Payload, before: Pieces, end: int) -> Pieces | None:
        """The pieces before and those up to `end` from a payload; None where that is not what was written.

        Whether it is can be told by the sum once all pieces are there.
        """
        try:
            read = (self._piece(payload[self.keys[i]], i) for i in range(len(before), end))
            pieces = (*before, *read)
        except (LookupError, ValueError):
            return None
        fit = len({piece.shape[1] for piece in pieces}) == 1
        is_right = end < len(self.keys) or sum_of(pieces) == payload.get(BITS_SUM)
        return pieces if fit and is_right else None

    def signs_of(self, pieces: int) -> Signs:
        """How the rows of blocks of so many pieces were made."""
        words = self.edges[pieces]
        return self.signs if words == self.signs.words else self.signs.of_first(min(words * WORD, self.signs.dim))

    def _piece(self, text: str, which: int) -> BitArray:
        words = self.edges[which + 1] - self.edges[which]
        piece = np.frombuffer(base64.b64decode(text, validate=True), "<u4").reshape(words, -1)
        if not 0 < piece.shape[1] <= MOST_ROWS:
            raise ValueError(f"bits of {piece.shape[1]} rows")
        return piece.astype(np.uint32, copy=False)


def asks_for_bits(pipeline: Pipeline) -> bool:
    """Whether one of the pipeline's cascades scores pages' `full` again by bits."""
    stages = (stage for name in pipeline.cascades for stage in pipeline.cascade(name).stages)
    return any(stage.bits and stage.is_rescored and stage.vector == FULL for stage in stages)


def sum_of(pieces: Pieces) -> int:
    """CRC-32 of the bits of a page."""
    found = 0
    for piece in pieces:
        found = zlib.crc32(np.ascontiguousarray(piece, "<u4").data, found)
    return found


def _text(piece: BitArray) -> str:
    return base64.b64encode(np.ascontiguousarray(piece, "<u4").tobytes()).decode("ascii")
