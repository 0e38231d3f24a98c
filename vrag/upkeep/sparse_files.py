"""Files with holes: the engine makes files of 32 MiB and fills them later, and what it has not filled takes no disk.

In a tar they are members of GNU's sparse format 1.0, which every tar reads: a map of the parts that hold bytes, then
these parts.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO

Part = tuple[int, int]  # first byte and length
CHUNK = 1 << 20
_BLOCK = 4096  # bytes; holes are whole blocks of a file system
_MOST_PARTS = 1000  # of one file; where there are more, the smallest holes are filled
_LARGEST = 8 << 30  # bytes of a tar member's own size; a larger one needs a header that tarfile misreads with a map
_ZEROS = bytes(CHUNK)


def find_parts(file: IO[bytes], size: int) -> list[Part]:
    """The parts of a file of `size` bytes that hold other bytes than zeros, in whole blocks."""
    found: list[Part] = []
    at = 0
    file.seek(0)
    while chunk := file.read(CHUNK):
        found += [(at + first, length) for first, length in _parts_of(chunk)]
        at += len(chunk)
    hole = 1
    while len(parts := _joined(found, hole)) > _MOST_PARTS:
        hole *= 2
    total = sum(length for _, length in parts)
    return [(0, size)] if total == size or total >= _LARGEST else parts


def read_parts(file: IO[bytes], parts: Sequence[Part]) -> Iterator[bytes]:
    """The bytes of these parts of a file, in chunks."""
    for first, length in parts:
        file.seek(first)
        while length:
            chunk = file.read(min(length, CHUNK))
            if not chunk:
                raise EOFError("a file became shorter while it was read")
            length -= len(chunk)
            yield chunk


def write_with_holes(file: IO[bytes], chunk: bytes) -> int:
    """Write a chunk at the file's place, blocks of zeros as holes; the number of bytes that take disk."""
    start, written = file.tell(), 0
    for first, length in _parts_of(chunk):
        file.seek(start + first)
        file.write(chunk[first : first + length])
        written += length
    file.seek(start + len(chunk))
    return written


def add_member(tar: tarfile.TarFile, name: str, file: IO[bytes], size: int, parts: Sequence[Part]) -> None:
    """Append a file of `size` bytes that holds bytes in these parts only."""
    member = tarfile.TarInfo(name)
    member.size = size
    if parts == [(0, size)]:
        file.seek(0)
        tar.addfile(member, file)
        return
    entries = [*parts, (size, 0)]  # where the file ends: GNU's tar reads no further than the last part
    numbers = [len(entries), *(number for entry in entries for number in entry)]
    text = "".join(f"{number}\n" for number in numbers).encode()
    text += bytes(-len(text) % tarfile.BLOCKSIZE)
    member.name = "GNUSparseFile.0/part"  # a longer one would get a header that overrides the name below
    member.size = len(text) + sum(length for _, length in parts)
    member.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": name,
        "GNU.sparse.realsize": str(size),
    }
    tar.addfile(member, io.BufferedReader(_Chunks(chain([text], read_parts(file, parts)))))


class _Chunks(io.RawIOBase):
    """Chunks one after the other, as a file to read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as the next chunk goes."""
        self._rest = self._rest or next(self._chunks, b"")
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def _parts_of(chunk: bytes) -> list[Part]:
    if chunk == _ZEROS[: len(chunk)]:
        return []
    starts = range(0, len(chunk), _BLOCK)
    blocks = ((start, chunk[start : start + _BLOCK]) for start in starts)
    return _joined([(start, len(block)) for start, block in blocks if block != _ZEROS[: len(block)]], 1)


def _joined(parts: Sequence[Part], hole: int) -> list[Part]:
    """Parts with those made one between which fewer than `hole` bytes lie."""
    joined: list[Part] = []
    for first, length in parts:
        if joined and first - sum(joined[-1]) < hole:
            joined[-1] = joined[-1][0], first + length - joined[-1][0]
        else:
            joined.append((first, length))
    return joined
