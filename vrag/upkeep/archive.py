"""Reading a snapshot that anybody may have made: what it names, holds and takes is checked before it is written.

A snapshot is a gzip-compressed tar. Its first member lists every other: SHA-256, size, and bytes that take disk
(`Listed`); in format 1 the SHA-256 alone, of the whole file. Nothing that the list does not promise is read, nothing
is promised that is no file of an index, and what is written is bounded by the snapshot's own size and by the disk.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from vrag.errors import StoreError
from vrag.settings import INDEX_FILE, INDEX_FILES, SHARD
from vrag.upkeep.sparse_files import CHUNK, Part, read_parts, write_with_holes

LIST = "vrag-snapshot.json"
FORMAT = 2
MOST_FILES = 20_000
MOST_LIST_BYTES = 8 << 20
MOST_FACTS_BYTES = 1 << 20  # of `index.json`
MOST_HEADER_BYTES = 64 << 10  # of one member, with its map of holes
MOST_GROWTH = 100  # bytes on the disk for a byte of the snapshot; vectors hardly shrink
SMALL_BYTES = 64 << 20  # that any snapshot may write, however small it is
MOST_HOLE_BYTES = 4 << 30  # of one file; holes take no disk
FREE_BYTES = 64 << 20  # of the disk, left to others
_DISTRUST = "Do not trust this file."
_AGAIN = "Take another copy of it."
_WHAT_READERS_SAY = (tarfile.TarError, zlib.error, EOFError, OSError, RecursionError) + (
    ValueError, LookupError, TypeError, ArithmeticError)  # fmt: skip
_PART = re.compile(r"[\w.,+=@-]+")  # of a path below the shard
_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list says of a file.

    Args:
        sha256: Of `file_digest`, or in format 1 of the file's bytes.
        size: Bytes of the file, holes included; None in format 1.
        data: Bytes that take disk; None in format 1.
    """

    sha256: str
    size: int | None = None
    data: int | None = None


def belongs(name: str) -> bool:
    """Whether a name is a file's of an index: one beside the shard, or below it."""
    parts = name.split("/")
    if len(parts) == 1:
        return name in INDEX_FILES
    plain = all(_PART.fullmatch(part) and part not in (".", "..") and len(part) < 256 for part in parts)
    return parts[0] == SHARD and len(parts) <= _DEPTH and plain


def start_digest(size: int, parts: Sequence[Part]) -> Any:
    """A SHA-256 that has seen where a file of `size` bytes holds bytes; those bytes come next."""
    return hashlib.sha256(json.dumps([size, *parts]).encode())


def file_digest(file: IO[bytes], size: int, parts: Sequence[Part]) -> str:
    """SHA-256 of a file with holes, 64 hexadecimal digits, without a look at the holes."""
    digest = start_digest(size, parts)
    for chunk in read_parts(file, parts):
        digest.update(chunk)
    return str(digest.hexdigest())


def write_list(listed: dict[str, Listed]) -> bytes:
    """The list as it stands in a snapshot."""
    files = {name: {"sha256": one.sha256, "size": one.size, "data": one.data} for name, one in listed.items()}
    return json.dumps({"format": FORMAT, "files": files}).encode()


class Archive:
    """An open snapshot whose list has been read and found in order; nothing else has.

    Raises:
        StoreError: The file is no snapshot, damaged, or not to be trusted.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._undo = ExitStack()
        with self._undo, self._reading():
            self._stream = _Forward(self._undo.enter_context(gzip.GzipFile(file)))
            self._stream.allow(MOST_HEADER_BYTES)
            self._tar = tarfile.TarFile(fileobj=self._stream, mode="r", errorlevel=1)  # type: ignore[arg-type]
            first = self._tar.next()
            if first is None or first.name != LIST or not first.isreg() or first.sparse is not None:
                raise StoreError(f"{file} is not a snapshot of vrag.")
            if first.size > MOST_LIST_BYTES:
                raise StoreError(f"{file} has a list of {first.size} bytes: that is no snapshot's.", _DISTRUST)
            self.listed = self._parse(self._stream.take(first.size))
            self._undo = self._undo.pop_all()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def extract(self, folder: Path) -> None:
        """Write every file into a folder, and check its SHA-256; holes stay holes.

        Raises:
            StoreError: A member is not as the list promises, is missing, or takes more than it may; the folder then
                holds some of the files.
        """
        room = self._room(folder)
        missing = dict(self.listed)
        with self._reading():
            while (member := self._next()) is not None:
                listed = missing.pop(member.name, None)
                if listed is None or not member.isreg():
                    raise StoreError(f"{self._file} holds {member.name!r}, which belongs into no snapshot.", _DISTRUST)
                room -= self._extract(member, listed, folder.joinpath(*PurePosixPath(member.name).parts), room)
        for name in missing:
            raise StoreError(f"{self._file} is damaged: {name} is missing or changed.", _AGAIN)

    def _next(self) -> tarfile.TarInfo | None:
        self._stream.allow(MOST_HEADER_BYTES)
        return self._tar.next()

    def _extract(self, member: tarfile.TarInfo, listed: Listed, target: Path, room: int) -> int:
        """Write one member; the bytes that take disk."""
        parts = self._parts(member, listed)
        digest = hashlib.sha256() if listed.size is None else start_digest(member.size, parts)
        written = 0
        with _writing(target) as copy:
            for first, length in parts:
                copy.seek(first)
                for chunk in self._stream.chunks(length):
                    digest.update(chunk)
                    written += write_with_holes(copy, chunk)
                    if written > room:
                        raise StoreError(f"{self._file} grows over all bounds.", _DISTRUST)
            copy.truncate(member.size)
        if digest.hexdigest() != listed.sha256:
            raise StoreError(f"{self._file} is damaged: {member.name} is missing or changed.", _AGAIN)
        return written

    def _parts(self, member: tarfile.TarInfo, listed: Listed) -> list[Part]:
        """The parts of a member that hold bytes, in order and inside it, as many as the list promises."""
        holes: Any = member.sparse
        parts = [(0, member.size)] if holes is None else [(first, length) for first, length in holes if length]
        ends = [0, *(first + length for first, length in parts)]
        is_ordered = all(length >= 0 and first >= end for (first, length), end in zip(parts, ends, strict=False))
        if not is_ordered or ends[-1] > member.size or (member.name == INDEX_FILE and member.size > MOST_FACTS_BYTES):
            raise StoreError(f"{self._file} holds {member.name} in a form of no snapshot.", _DISTRUST)
        if listed.size is not None and (listed.size, listed.data) != (member.size, sum(length for _, length in parts)):
            raise StoreError(f"{self._file} is damaged: {member.name} has another size than listed.", _AGAIN)
        if listed.size is None and holes is not None:
            raise StoreError(f"{self._file} holds {member.name} in a form of no snapshot.", _DISTRUST)
        return parts

    def _room(self, folder: Path) -> int:
        """Bytes that may be written: none more than promised, than a snapshot of this size holds, than the disk has."""
        free = shutil.disk_usage(folder).free - FREE_BYTES
        most = self._file.stat().st_size * MOST_GROWTH + SMALL_BYTES
        promised = sum(listed.data or 0 for listed in self.listed.values())
        if promised > most:
            raise StoreError(f"{self._file} promises {promised} bytes, more than it can hold.", _DISTRUST)
        if promised > free:
            raise StoreError(
                f"{self._file} needs {promised / 1e6:.0f} MB, and the disk of {folder.parent} has {free / 1e6:.0f} MB.",
                "Make room, or restore to another disk.",
            )
        return min(most, free)

    def _parse(self, data: bytes) -> dict[str, Listed]:
        found = json.loads(data)
        known = found.get("format") if isinstance(found, dict) else None
        files = found.get({1: "sha256", FORMAT: "files"}.get(known, "")) if isinstance(known, int) else None
        if not isinstance(files, dict):
            raise StoreError(f"{self._file} is not a snapshot that this vrag reads.", "Upgrade vrag.")
        if len(files) > MOST_FILES:
            raise StoreError(f"{self._file} lists {len(files)} files: that is no snapshot.", _DISTRUST)
        for name in files:
            if not belongs(name):
                raise StoreError(f"{self._file} lists {name!r}, which belongs into no snapshot.", _DISTRUST)
        if INDEX_FILE not in files:
            raise StoreError(f"{self._file} lists no {INDEX_FILE}: it is a snapshot of nothing.", _AGAIN)
        return {name: self._listed(name, value, is_old=known == 1) for name, value in files.items()}

    def _listed(self, name: str, value: Any, is_old: bool) -> Listed:
        listed = Listed(value) if is_old else Listed(*(value[key] for key in ("sha256", "size", "data")))
        is_sum = isinstance(listed.sha256, str) and re.fullmatch("[0-9a-f]{64}", listed.sha256)
        sizes = [] if is_old else [listed.size, listed.data]
        whole = all(type(size) is int and size >= 0 for size in sizes)
        if not (is_sum and whole):
            raise StoreError(f"{self._file} is damaged: what it lists of {name} is not right.", _AGAIN)
        if (
            listed.size is not None
            and listed.data is not None
            and not (listed.data <= listed.size <= listed.data + MOST_HOLE_BYTES)
        ):
            raise StoreError(
                f"{self._file} lists {name} with {listed.size} bytes, {listed.data} of them full.", _DISTRUST
            )
        return listed

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """The border where what tar, gzip and JSON say of a bad file becomes a sentence."""
        try:
            yield
        except _WHAT_READERS_SAY as error:
            raise StoreError(f"{self._file} is damaged or not a snapshot: {error}.", _AGAIN) from error


class _Forward:
    """A stream that is read once, from its start to its end, and only as far as it was allowed."""

    def __init__(self, source: gzip.GzipFile) -> None:
        self._source = source
        self._at = 0
        self._allowed = 0

    def allow(self, size: int) -> None:
        """Let so many bytes be read from here."""
        self._allowed = size

    def read(self, size: int) -> bytes:
        """The next bytes, at least one when some are wanted."""
        if not 0 <= size <= self._allowed:
            raise ValueError("a header is too large")
        try:
            data = self._source.read(size)
        except OSError as error:  # a bad checksum of gzip's is one too
            raise tarfile.ReadError(str(error)) from error
        if size and not data:
            raise EOFError("it ends too early")
        self._at += len(data)
        self._allowed -= len(data)
        return data

    def chunks(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes."""
        while size:
            self.allow(CHUNK)
            chunk = self.read(min(size, CHUNK))
            size -= len(chunk)
            yield chunk

    def take(self, size: int) -> bytes:
        """The next `size` bytes, as one."""
        return b"".join(self.chunks(size))

    def tell(self) -> int:
        """Bytes read so far."""
        return self._at

    def seek(self, place: int) -> None:
        """Read on to a place that lies ahead."""
        self.read(place - self._at)


@contextmanager
def _writing(target: Path) -> Iterator[IO[bytes]]:
    """A new file; the border where what the disk refuses becomes a sentence."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb", buffering=CHUNK) as file:
            yield file
    except OSError as error:
        raise StoreError(f"{target.name} cannot be written: {error.strerror or error}.", "Make room.") from error
