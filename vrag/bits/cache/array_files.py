"""The cache folder: what is valid, and how it is replaced so that a crash leaves the old state or the new one.

    index.npz       page ids, and where each page's block lies in which data file, with its CRC-32; replaced in one step
    NAME.GEN.bits   packed rows of one named vector, uint32; only ever appended to
    NAME.GEN.rows   its rows themselves, float16, in a small index; likewise
    NAME.GEN.terms  terms and weights of a sparse vector; likewise
    changing        there while the store is ahead of the cache

`index.npz` is a zip: its CRCs are checked as it is read. Of the data files the sizes and the first and last block are
checked when they are opened, every block by `vrag verify`. Bytes in a data file behind what the index says are left
over from a crash and cut off before the next append. Readers map data files, so a file that was replaced stays
readable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.bits.kernels.quantise import BitArray
from vrag.errors import StoreError
from vrag.runtime.drafts import draft_file

FORMAT = 3
_INDEX, _CHANGING = "index.npz", "changing"
DATA = (".bits", ".rows", ".terms")  # suffixes of data files
APPENDED, REWRITTEN = "appended", "rewritten"
Arrays = dict[str, npt.NDArray[Any]]


class DamagedError(Exception):
    """A file of the cache is not what was written; it never leaves the cache, which is made again."""


def not_emptied(error: OSError) -> StoreError:
    """What to raise where a cache would go on to show what the store held before."""
    return StoreError(f"The cache of the index cannot be written: {error}.", "Make its folder writable, or delete it.")


@dataclass(frozen=True, slots=True)
class CacheFiles:
    """Reads and writes one cache folder."""

    folder: Path

    def read(self) -> tuple[dict[str, Any], Arrays] | None:
        """Header and arrays of the last commit; None when there is none, or it is of another format.

        Raises:
            DamagedError: It is damaged, or a data file is missing or too short.
        """
        if not (self.folder / _INDEX).exists():
            return None
        try:
            with (self.folder / _INDEX).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            header = json.loads(arrays.pop("header").tobytes())
            if header["format"] != FORMAT:
                return None
            short = [n for n, size in header["files"].items() if (self.folder / n).stat().st_size < size]
        except Exception as error:  # noqa: BLE001 - a damaged zip fails in every way that its readers know
            raise DamagedError(f"{_INDEX} or what it names cannot be read: {error}") from error
        if short:
            raise DamagedError(f"{short[0]} is too short")
        return header, arrays

    def commit(self, header: Mapping[str, Any], arrays: Arrays) -> None:
        """Make this the valid state: one rename, after everything it names is on the disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**header, "format": FORMAT}).encode()
        with draft_file(self.folder / _INDEX) as file:
            np.savez(file, allow_pickle=False, header=np.frombuffer(text, np.uint8), **arrays)
        self._remove_others(header["files"])

    def append(self, name: str, valid: int, blocks: Iterable[bytes]) -> None:
        """Write blocks behind the first `valid` bytes of a data file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        if valid and (not path.exists() or path.stat().st_size < valid):
            raise DamagedError(f"{name} is not as long as it was")
        with path.open("r+b" if valid else "w+b") as file:
            file.truncate(valid)
            file.seek(valid)
            file.writelines(blocks)
            file.flush()
            os.fsync(file.fileno())

    def map(self, name: str, size: int) -> BitArray:
        """The first `size` bytes of a data file, mapped: pages of memory shared by every process that reads it."""
        if size == 0:
            return np.zeros(0, np.uint32)
        try:
            return np.memmap(self.folder / name, np.uint32, "r", shape=(size // 4,))
        except (FileNotFoundError, ValueError) as error:  # gone, or too short
            raise DamagedError(f"{name} is not as long as it was") from error

    def forget(self) -> None:
        """Make the folder hold nothing valid, which works on a full disk too."""
        (self.folder / _INDEX).unlink(missing_ok=True)

    def clear(self) -> None:
        """As `forget`, and no data file is left."""
        if self.folder.is_dir():
            self.forget()
            self._remove_others(())

    def _remove_others(self, valid: Container[str]) -> None:
        for file in self.folder.iterdir():
            if file.suffix in DATA and file.name not in valid:
                file.unlink(missing_ok=True)

    def mark(self, change: str) -> None:
        """Say that the store is about to change: `APPENDED` pages with ids of their own, or `REWRITTEN` ones."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _CHANGING).open("w", encoding="utf-8") as file:
            file.write(change)
            file.flush()
            os.fsync(file.fileno())

    def unmark(self) -> None:
        """Take the mark away: the cache holds what the store holds."""
        (self.folder / _CHANGING).unlink(missing_ok=True)

    def marked(self) -> str | None:
        """What `mark` said since the last commit."""
        try:
            said = (self.folder / _CHANGING).read_bytes()
        except FileNotFoundError:
            return None
        return APPENDED if said == APPENDED.encode() else REWRITTEN  # half-written or damaged: the worst is assumed
