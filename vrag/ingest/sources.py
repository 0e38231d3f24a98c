"""Files as an ingest meets them: whether they have changed since, and what is in them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from vrag.catalog.documents import Document
from vrag.errors import PageError
from vrag.runtime.file_facts import file_digest, file_stamp
from vrag.runtime.memo import Memo

_MOST_DIGESTS = 4096
_SETTLED_NS = 2_000_000_000  # file systems keep time in steps of up to two seconds (FAT)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file with what it holds.

    Args:
        path: Absolute.
        stamp: Size, time of change and inode, as `stamp_of` writes them, when the digest was taken.
        doc_id: SHA-256 of its bytes.
    """

    path: Path
    stamp: str
    doc_id: str

    def unchanged(self) -> bool:
        """Whether the file is still the one whose bytes were hashed."""
        try:
            return stamp_of(self.path) == self.stamp
        except PageError:
            return False

    @property
    def lasting_stamp(self) -> str:
        """The stamp to remember; empty when the file is so fresh that another change could look the same."""
        changed_ns = int(self.stamp.split(":")[1])
        return self.stamp if time.time_ns() - changed_ns > _SETTLED_NS else ""


class Originals:
    """Finds the files of documents, as long as they are what was indexed; for any thread.

    Stamps tell that cheaply; where they differ the bytes are hashed, once for each stamp.

    Args:
        kept: A folder that moves with the index: a file that was in one of its name is looked for here, too.
    """

    def __init__(self, kept: Path | None = None) -> None:
        self._kept = kept
        self._digests: Memo[str] = Memo(_MOST_DIGESTS)

    def find(self, document: Document) -> Path | None:
        """A file with the document's bytes; None when none of its paths has them any more."""
        paths = [*map(Path, document.paths), *moved(document, self._kept)]
        return next((path for path in paths if self._is_of(path, document)), None)

    def _is_of(self, path: Path, document: Document) -> bool:
        try:
            stamp = stamp_of(path)
            known = document.stamps.get(str(path), "")
            if known == stamp:
                return path.is_file()
            if not path.is_file() or (known and known.split(":")[0] != stamp.split(":")[0]):
                return False  # of another size: not worth a look at its bytes
            return self._digest(path, stamp) == document.doc_id
        except PageError:
            return False

    def _digest(self, path: Path, stamp: str) -> str:
        key = f"{stamp}:{path}"
        known = self._digests.get([key], lambda _: {})
        if key in known:
            return known[key]
        source = read_source(path, stamp)
        if source.lasting_stamp:
            self._digests.get([key], lambda _: {key: source.doc_id})
        return source.doc_id


def moved(document: Document, kept: Path | None) -> list[Path]:
    """Where files of a document are if they moved with an index; only their bytes tell whether they are."""
    if kept is None:
        return []
    paths = [Path(path) for path in document.paths]
    return [kept / path.name for path in paths if path.parent != kept and path.parent.name == kept.name]


def stamp_of(path: Path) -> str:
    """Size, time of change and inode of a file: equal stamps, equal content.

    Raises:
        PageError: It is gone, or may not be looked at.
    """
    try:
        return file_stamp(path)
    except OSError as error:
        raise _unreadable(error) from error


def read_source(path: Path, stamp: str) -> SourceFile:
    """Hash a file that had this stamp a moment ago.

    Raises:
        PageError: It is gone, cannot be read, or is being written to.
    """
    try:
        source = SourceFile(path, stamp, file_digest(path))
    except OSError as error:
        raise _unreadable(error) from error
    if not source.unchanged():
        raise changed_meanwhile()
    return source


def changed_meanwhile() -> PageError:
    """The error of a file that changed between two looks at it."""
    return PageError("The file changed while it was read.", "Ingest it again when it is whole.")


def is_gone(path: str) -> bool:
    """Whether there is certainly no such file; one behind a folder that may not be entered is not gone."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _unreadable(error: OSError) -> PageError:
    if isinstance(error, FileNotFoundError):
        return PageError("The file is not there any more.")
    return PageError(f"The file cannot be read: {error.strerror}.", "Check its permissions.")
