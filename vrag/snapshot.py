"""Snapshots: an embedded index in one file, and back.

A snapshot is a gzip-compressed tar of the index's files with a list of their SHA-256 sums as its first
member. Restoring checks every sum before the folder appears.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from vrag.errors import StoreError, UsageError
from vrag.facts import Facts
from vrag.pages.files import file_digest
from vrag.pipeline import make_pipeline
from vrag.places import FolderPlace
from vrag.settings import INDEX_FILE, SHARD, is_index

LIST = "vrag-snapshot.json"
_FORMAT = 1
_LEVEL = 1  # vectors hardly shrink; the engine's preallocated files do at any level


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """A snapshot made or restored: its file, the index's folder, files in it, and the size of the file in bytes."""

    snapshot: str
    index: str
    files: int
    bytes: int


def create_snapshot(folder: Path, file: Path) -> SnapshotReport:
    """Write the index in `folder` to `file`, which appears when it is whole.

    Raises:
        UsageError: There is no index, or the file exists.
        StoreError: Another process has the index open.
    """
    if file.exists():
        raise UsageError(f"{file} exists.", "Choose another name; no snapshot is written over.")
    place = FolderPlace(folder)
    facts = place.facts()
    recipe = make_pipeline(facts.pipeline, facts.table, place.name)
    with closing(place.open(recipe.schema(facts.dim), recipe.server)) as store:  # nobody else can write meanwhile
        store.optimize()
        with _draft(file) as draft:
            names = _write(place.folder, draft)
    return SnapshotReport(str(file), place.name, len(names), file.stat().st_size)


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
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        sums = _extract(file, draft)
        _check(draft, sums, file)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return SnapshotReport(str(file), str(folder), len(sums), file.stat().st_size)


@contextmanager
def _draft(file: Path) -> Iterator[Path]:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _write(folder: Path, file: Path) -> list[str]:
    files = [path for path in (folder / INDEX_FILE, *sorted((folder / SHARD).rglob("*"))) if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in files]
    sums = {name: file_digest(path) for name, path in zip(names, files, strict=True)}
    listing = json.dumps({"format": _FORMAT, "sha256": sums}).encode()
    with tarfile.open(file, "w:gz", compresslevel=_LEVEL) as tar:
        header = tarfile.TarInfo(LIST)
        header.size = len(listing)
        tar.addfile(header, io.BytesIO(listing))
        for name, path in zip(names, files, strict=True):
            tar.add(path, name, recursive=False)
    return names


def _extract(file: Path, folder: Path) -> dict[str, str]:
    """The members into `folder`; only plain files with plain names below it are taken."""
    try:
        with tarfile.open(file, "r:gz") as tar:
            first = tar.next()
            if first is None or first.name != LIST:
                raise StoreError(f"{file} is not a snapshot of vrag.")
            listing = json.loads(_bytes_of(tar, first))
            sums = _sums(listing, file)
            for member in tar:
                if member.name != LIST:
                    _extract_member(tar, member, folder, sums, file)
    except (tarfile.TarError, zlib.error, EOFError, ValueError, OSError) as error:
        raise StoreError(f"{file} is damaged or not a snapshot: {error}.", "Take another copy of it.") from error
    return sums


def _extract_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, sums: dict[str, str], file: Path
) -> None:
    parts = PurePosixPath(member.name).parts
    inside = parts == (INDEX_FILE,) or (parts[:1] == (SHARD,) and ".." not in parts)
    if not (member.isreg() and inside and member.name in sums):
        raise StoreError(f"{file} holds {member.name!r}, which belongs into no snapshot.", "Do not trust this file.")
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None
    with source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)


def _bytes_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    source = tar.extractfile(member)
    return source.read() if source is not None else b""


def _sums(listing: Any, file: Path) -> dict[str, str]:
    if not isinstance(listing, dict) or listing.get("format") != _FORMAT or not isinstance(listing.get("sha256"), dict):
        raise StoreError(f"{file} is not a snapshot that this vrag reads.", "Upgrade vrag.")
    return {str(name): str(value) for name, value in listing["sha256"].items()}


def _check(folder: Path, sums: dict[str, str], file: Path) -> None:
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file() or file_digest(path) != expected:
            raise StoreError(f"{file} is damaged: {name} is missing or changed.", "Take another copy of it.")
    Facts.from_json(json.loads((folder / INDEX_FILE).read_text(encoding="utf-8")), str(file))
