"""Documents whose files are gone: found, and forgotten when somebody says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from vrag.catalog.documents import Document
from vrag.ingest.sources import is_gone

if TYPE_CHECKING:
    from vrag.catalog.stored import Stored


@dataclass(frozen=True, slots=True)
class Gone:
    """A file that is not there any more.

    Args:
        path: Where it was.
        document: What was in it; None when it could never be opened.
    """

    path: str
    document: Document | None

    @property
    def is_last(self) -> bool:
        """Whether the document has no other file."""
        return self.document is not None and self.document.paths == (self.path,)


def find_gone(stored: Stored, within: Sequence[str]) -> list[Gone]:
    """Files of documents, or of failures, that are gone, at or under absolute paths; sorted.

    What lies behind a folder that cannot be entered is not gone.
    """
    known = [(path, document) for document in stored.documents.all() for path in document.paths]
    failed = [(failure.path, None) for failure in stored.failures().all() if failure.page is None]
    places = {PurePath(place) for place in within}
    return [Gone(path, document) for path, document in (*known, *failed) if _is_under(path, places) and is_gone(path)]


def forget(stored: Stored, gone: Sequence[Gone]) -> int:
    """Forget files; the number of documents that went with their last one."""
    failures, paths = stored.failures(), dict[str, list[str]]()
    for one in gone:
        failures.clear_file(one.path)
        if one.document is not None:
            paths.setdefault(one.document.doc_id, []).append(one.path)
    removed = 0
    with stored.exchanging():
        for doc_id, lost in paths.items():
            document = stored.documents.get(doc_id)
            if document is not None:
                removed += set(document.paths) <= set(lost)
                stored.documents.unlink(document, *lost)
    return removed


def _is_under(path: str, places: set[PurePath]) -> bool:
    pure = PurePath(path)
    return pure in places or not places.isdisjoint(pure.parents)
