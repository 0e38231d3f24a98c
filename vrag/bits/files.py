"""The cache folder: what is valid, and how it is replaced so that a crash leaves the old state or the new one.

    index.npz      page ids, documents, rows, means, and which data files belong to it; replaced in one step
    NAME.GEN.bits  packed rows of one named vector, uint32; only ever appended to
    NAME.GEN.rows  its rows themselves, float16, in a small index; likewise
    changing       there while the store is ahead of the cache

`index.npz` is a zip: its CRCs are checked as it is read. Bytes in a data file behind what the index says are left over
from a crash and cut off before the next append. Readers map data files, so a file that was replaced stays readable.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.bits.quantise import BitArray
from vrag.drafts import draft_file

FORMAT = 2
_INDEX, _CHANGING = "index.npz", "changing"
DATA = (".bits", ".rows")  # suffixes of data files
APPENDED, REWRITTEN = "appended", "rewritten"
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class CacheFiles:
    """Reads and writes one cache folder; files that cannot be trusted read as absent."""

    folder: Path

    def read(self) -> tuple[dict[str, Any], Arrays] | None:
        """Header and arrays of the last commit; None when there is none, or it is damaged or of another format."""
        try:
            with (self.folder / _INDEX).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            header = json.loads(arrays.pop("header").tobytes())
            whole = header["format"] == FORMAT and all(
                (self.folder / name).stat().st_size >= size for name, size in header["files"].items()
            )
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None
        return (header, arrays) if whole else None

    def commit(self, header: Mapping[str, Any], arrays: Arrays) -> None:
        """Make this the valid state: one rename, after everything it names is on the disk."""
        text = json.dumps({**header, "format": FORMAT}).encode()
        with draft_file(self.folder / _INDEX) as file:
            np.savez(file, allow_pickle=False, header=np.frombuffer(text, np.uint8), **arrays)
        self._remove_others(set(header["files"]))

    def append(self, name: str, valid: int, blocks: Iterable[npt.NDArray[Any]]) -> int:
        """Write blocks behind the first `valid` bytes of a data file; its new length in bytes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / name).open("r+b" if (self.folder / name).exists() else "w+b") as file:
            file.truncate(valid)
            file.seek(valid)
            for block in blocks:
                file.write(block.tobytes())
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def map(self, name: str, size: int) -> BitArray:
        """The first `size` bytes of a data file, mapped: pages of memory shared by every process that reads it."""
        if size == 0:
            return np.zeros(0, np.uint32)
        return np.memmap(self.folder / name, np.uint32, "r", shape=(size // 4,))

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
            text = (self.folder / _CHANGING).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return APPENDED if text == APPENDED else REWRITTEN  # half-written: the worst is assumed

    def _remove_others(self, valid: set[str]) -> None:
        for file in self.folder.iterdir():
            if file.suffix in DATA and file.name not in valid:
                file.unlink(missing_ok=True)
