"""Files that were uploaded: received as drafts, kept below the index, and indexed even if the service dies meanwhile.

    uploads/NAME              a file that was accepted
    uploads/.receiving/       drafts of files that are coming in
    uploads/.accepted/ID.json what is to be indexed: names and metadata; there until that is done

An upload is accepted when its files and its note in `.accepted` are on the disk; only then its sender is told.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vrag.catalog.documents import Document
from vrag.errors import StoreError, UsageError
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.metadata_files import Given
from vrag.ingest.sources import moved
from vrag.runtime.drafts import draft_file
from vrag.runtime.file_facts import file_digest
from vrag.runtime.parsing import MalformedError, parse_json, read_text
from vrag.runtime.pathtext import shown
from vrag.serve.http.multipart import Received
from vrag.serve.http.problems import RETRY_S, ProblemError
from vrag.serve.http.upload_limits import LEAST_FREE, MOST_WAITING, UploadLimits
from vrag.serve.http.upload_names import numbered
from vrag.serve.jobs import Job, JobStatus
from vrag.serve.service import Service

FOLDER = "uploads"
_RECEIVING, _ACCEPTED = ".receiving", ".accepted"
_log = logging.getLogger(__name__)


class Uploads:
    """The uploads of one service; any thread may call any method.

    Args:
        service: Indexes them.
        folder: Where they are kept.
        limits: How much may come.
    """

    def __init__(self, service: Service, folder: Path, limits: UploadLimits | None = None) -> None:
        self.folder = folder
        self.limits = limits or UploadLimits()
        self._service = service
        self._naming = threading.Lock()
        self._places = threading.BoundedSemaphore(self.limits.uploads)
        self._unwanted: set[str] = set()  # jobs that somebody stopped
        self._unsettled: list[str] = []  # names of files whose job has not ended, or not been followed up

    def holds(self, document: Document) -> bool:
        """Whether one of a document's files came by upload."""
        return bool(self._ours(document)) or any(path.is_file() for path in moved(document, self.folder))

    @contextmanager
    def receiving(self, expected: int) -> Iterator[Callable[[], Path]]:
        """Gives out paths for drafts while the block runs; those that are left then are removed.

        Args:
            expected: Bytes that are announced.

        Raises:
            ProblemError: Too many uploads come in or wait already, or the disk is full.
        """
        if not self._places.acquire(blocking=False):
            raise _later(f"{self.limits.uploads} uploads are coming in already.", RETRY_S)
        drafts = self.folder / _RECEIVING / secrets.token_hex(8)
        try:
            self.check_room(expected)
            self._check_waiting()
            drafts.mkdir(parents=True)
            yield lambda: drafts / secrets.token_hex(8)
        finally:
            shutil.rmtree(drafts, ignore_errors=True)
            self._places.release()

    def check_room(self, expected: int = 0) -> None:
        """Make sure that the disk has room for so many bytes more, and some left then.

        Raises:
            ProblemError: It has not.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / _ACCEPTED).mkdir(exist_ok=True)
        if shutil.disk_usage(self.folder).free < expected + LEAST_FREE:
            raise ProblemError(507, "The disk has no room for that.", "Remove something, or send less.")

    def accept(self, files: Sequence[Received], metadata: Mapping[str, Any]) -> Job:
        """Keep files, and have them indexed; when this returns they are safe.

        Args:
            files: That have been received.
            metadata: Of all of them, in the types of `vrag.catalog.metadata`.

        Raises:
            VragError: The service is ending.
        """
        for file in files:
            _sync(file.draft)
        note, names = self.folder / _ACCEPTED / f"{secrets.token_hex(8)}.json", list[str]()
        try:
            with self._naming:
                names = self._free_names([file.name for file in files])
                _write_note(note, names, metadata)
                for file, name in zip(files, names, strict=True):
                    file.draft.rename(self.folder / name)
            _sync_folder(self.folder)
            return self._ingest(note, names, metadata)
        except BaseException:
            self._forget(note, names)
            raise

    def cancel(self, job: Job) -> None:
        """Somebody stops a job: files of it that are not in the index are not kept."""
        if job.kind == "ingest" and not job.status().has_ended:
            self._unwanted.add(job.id)

    def remove(self, document: Document) -> Job:
        """Have a document removed, and then its files, as far as they came by upload."""
        return self._service.remove([document], self._unlink_files)

    def take_up(self) -> list[Job]:
        """Go on with what was accepted before the service ended; called once, when it starts."""
        shutil.rmtree(self.folder / _RECEIVING, ignore_errors=True)
        notes = sorted((self.folder / _ACCEPTED).glob("*.json")) if (self.folder / _ACCEPTED).is_dir() else []
        if self._service.read_only:
            return []
        return [job for note in notes if (job := self._take_up(note)) is not None]

    def _take_up(self, note: Path) -> Job | None:
        try:
            names, metadata = _read_note(note)
        except (OSError, MalformedError, ValueError) as error:
            _log.warning("%s cannot be read (%s); its files are left where they are.", note, error)
            return None
        there = [name for name in names if (self.folder / name).is_file()]
        if not there:
            note.unlink(missing_ok=True)
            return None
        return self._ingest(note, there, metadata)

    def _ingest(self, note: Path, names: Sequence[str], metadata: Mapping[str, Any]) -> Job:
        options = IngestOptions(given=Given(for_all=dict(metadata)))
        job = self._service.ingest([self.folder / name for name in names], options=options)
        with self._naming:
            self._unsettled.extend(names)
        _afterwards(job, lambda status: self._settle(job, status, note, names))
        return job

    def _settle(self, job: Job, status: JobStatus, note: Path, names: Sequence[str]) -> None:
        """The job has ended: the note goes, and files of which nothing is indexed; else the next start tries again."""
        is_unwanted = job.id in self._unwanted
        self._unwanted.discard(job.id)
        if status.state == "done" or is_unwanted or isinstance(job.failure, UsageError):
            known = self._service.index.documents
            useless = [name for name in names if not known.at_path(str(self.folder / name))]
            if useless and status.state == "done":
                _log.info("Not kept, since they cannot be read: %s.", shown(", ".join(useless)))
            self._forget(note, useless)
        with self._naming:
            self._unsettled = [name for name in self._unsettled if name not in names]

    def _unlink_files(self, removed: Sequence[Document]) -> None:
        for document in removed:
            away = [path for path in moved(document, self.folder) if _has_bytes_of(path, document)]
            _unlink([*self._ours(document), *away])

    def _ours(self, document: Document) -> list[Path]:
        return [path for path in map(Path, document.paths) if path.parent == self.folder]

    def _forget(self, note: Path, names: Sequence[str]) -> None:
        note.unlink(missing_ok=True)
        _unlink([self.folder / name for name in names])

    def _free_names(self, names: Sequence[str]) -> list[str]:
        """Names that no file has, the same as wanted where that can be."""
        taken = {name.casefold() for name in (*self._unsettled, *(entry.name for entry in self.folder.iterdir()))}
        found = []
        for name in names:
            free = next(one for one in numbered(name) if one.casefold() not in taken)
            taken.add(free.casefold())
            found.append(free)
        return found

    def _check_waiting(self) -> None:
        if sum(1 for _ in (self.folder / _ACCEPTED).iterdir()) >= MOST_WAITING:
            raise _later(f"{MOST_WAITING} uploads wait to be indexed already.", 60)


def uploads_of(service: Service, folder: Path | None = None, limits: UploadLimits | None = None) -> Uploads | None:
    """The uploads of a service.

    Args:
        service: Indexes them.
        folder: Where they are kept; by default below the index.
        limits: How much may come.

    Returns:
        None for an index on a server, which has no folder, when none is given either.

    Raises:
        UsageError: There is something else in the folder that is given: what lies in it goes when it is removed.
    """
    below = service.index.path / FOLDER if service.index.path else None
    if folder is not None and _is_of_others(folder):
        problem = f"{shown(str(folder))} is for uploads, and there is something else in it."
        raise UsageError(problem, "Name a new or empty folder: --uploads DIR.")
    chosen = folder or below
    return Uploads(service, Path(os.path.abspath(chosen)), limits) if chosen else None


def _is_of_others(folder: Path) -> bool:
    if not folder.exists():
        return False
    return not folder.is_dir() or (not (folder / _ACCEPTED).is_dir() and any(folder.iterdir()))


def _afterwards(job: Job, then: Callable[[JobStatus], object]) -> None:
    """Do something once a job has ended."""

    def wait() -> None:
        try:
            then(job.ended())
        except (OSError, StoreError):
            _log.warning("What comes after job %s could not be done.", job.id, exc_info=True)

    threading.Thread(target=wait, name=f"after-{job.id}", daemon=True).start()


def _has_bytes_of(path: Path, document: Document) -> bool:
    with contextlib.suppress(OSError):
        return file_digest(path) == document.doc_id
    return False


def _later(detail: str, seconds: int) -> ProblemError:
    return ProblemError(503, detail, "Try again later.", {"Retry-After": str(seconds)})


def _write_note(note: Path, names: Sequence[str], metadata: Mapping[str, Any]) -> None:
    with draft_file(note) as file:
        file.write(json.dumps({"files": list(names), "metadata": dict(metadata)}).encode())
    _sync_folder(note.parent)


def _read_note(note: Path) -> tuple[list[str], dict[str, Any]]:
    value = parse_json(read_text(note))
    names, metadata = (value.get("files"), value.get("metadata")) if isinstance(value, dict) else (None, None)
    if not (isinstance(names, list) and isinstance(metadata, dict) and all(map(_is_name, names))):
        raise ValueError("it is no note of an upload")
    return names, metadata


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name == os.path.basename(name) and not name.startswith(".")


def _sync(path: Path) -> None:
    """Have a file on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Have the names of a folder on the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        _sync(folder)


def _unlink(files: Sequence[Path]) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s could not be removed: %s.", shown(str(file)), error.strerror)
