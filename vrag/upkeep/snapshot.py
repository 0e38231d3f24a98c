"""Snapshots: an embedded index in one file, and back.

A snapshot is a gzip-compressed tar of the index's files with a list of their SHA-256 sums and sizes as its first
member. Restoring checks every sum before the folder appears (`vrag.upkeep.archive`). It is files that are copied here
and not records (`vrag.upkeep.copying`): a file can be kept where no engine is, and goes back without one, graphs and
all, while records would have to be packed, checked and indexed by an engine on both ways.
"""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vrag.errors import StoreError, UsageError
from vrag.places.facts import Facts
from vrag.places.opening import locked, opened_store
from vrag.places.place import FolderPlace
from vrag.runtime.drafts import draft_file, draft_folder, is_draft
from vrag.settings import INDEX_FILE, INDEX_FILES, SHARD, is_index
from vrag.upkeep.archive import LIST, Archive, Listed, file_digest, write_list
from vrag.upkeep.sparse_files import add_member, find_parts

_LEVEL = 1  # vectors hardly shrink at any level


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """A snapshot made or restored: its file, the index's folder, files in it, and the size of the file in bytes."""

    snapshot: str
    index: str
    files: int
    bytes: int


def create_snapshot(folder: Path, file: Path, wait: float = 0.0) -> SnapshotReport:
    """Write the index in `folder` to `file`, which appears when it is whole.

    Args:
        folder: Of the index.
        file: Must not exist.
        wait: Seconds to wait for another process that has the index open.

    Raises:
        UsageError: There is no index, or the file exists.
        BusyError: Another process has the index open.
    """
    if file.exists():
        raise UsageError(f"{file} exists.", "Choose another name; no snapshot is written over.")
    place = FolderPlace(folder, wait)
    place.facts()  # no index: no lock either
    with locked(place), opened_store(place) as (_, _, store):
        store.optimize()
        with draft_file(file) as draft:
            files = _write(place.folder, draft)
    return SnapshotReport(str(file), place.name, files, file.stat().st_size)


def restore_snapshot(file: Path, folder: Path) -> SnapshotReport:
    """Make the index in `file` anew in `folder`.

    Raises:
        UsageError: There is no such file, or something is in the folder already.
        StoreError: The file is no snapshot, or damaged; the folder is left as it was.
    """
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    if folder.exists() and (is_index(folder) or any(folder.iterdir())):
        raise UsageError(f"There is something in {folder} already.", "Restore into a new folder: --index DIR.")
    folder = folder.absolute()
    with Archive(file) as archive:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with draft_folder(folder) as draft:
            archive.extract(draft)
            _check_facts(draft, file)
    return SnapshotReport(str(file), str(folder), len(archive.listed), file.stat().st_size)


def _write(folder: Path, file: IO[bytes]) -> int:
    """Every file of the index as a snapshot; how many there are."""
    below = (path for path in sorted((folder / SHARD).rglob("*")) if not is_draft(path.name))
    beside = (folder / name for name in INDEX_FILES)
    paths = {path.relative_to(folder).as_posix(): path for path in (*beside, *below) if path.is_file()}
    listed, parts = {}, {}
    for name, path in paths.items():
        size = path.stat().st_size
        with path.open("rb") as source:
            parts[name] = find_parts(source, size)
            listed[name] = Listed(file_digest(source, size, parts[name]), size, sum(n for _, n in parts[name]))
    listing = write_list(listed)
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL) as tar:
        header = tarfile.TarInfo(LIST)
        header.size = len(listing)
        tar.addfile(header, io.BytesIO(listing))
        for name, path in paths.items():
            with path.open("rb") as source:
                add_member(tar, name, source, listed[name].size or 0, parts[name])
    return len(paths)


def _check_facts(folder: Path, file: Path) -> None:
    try:
        value = json.loads((folder / INDEX_FILE).read_bytes())
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{file} is damaged: its {INDEX_FILE} is no JSON.", "Take another copy of it.") from error
    Facts.from_json(value, str(file))
