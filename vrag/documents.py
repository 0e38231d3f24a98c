"""Documents of an index: content-addressed records beside the pages, and the names people call them by."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from vrag.errors import StoreError, UsageError
from vrag.payload import DOCUMENT, PAGE
from vrag.store.base import Condition, Payload, Record, Selection, Store

_NAMESPACE = uuid.UUID("6d2f4c52-64f3-5b0e-9a2c-0d6b1f3f7a11")
KEYS = {"kind": "keyword", "doc_id": "keyword", "names": "keyword", "paths": "keyword", "page": "integer",
        "source": "keyword", "renderer": "keyword", "text": "text"}  # fmt: skip


def page_id(doc_id: str, page: int, fingerprint: str) -> str:
    """Point id of a page: the same file, page and model always get the same one."""
    return str(uuid.uuid5(_NAMESPACE, f"{doc_id}:{page}:{fingerprint}"))


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content in the index.

    Args:
        doc_id: SHA-256 of the file's bytes.
        paths: Absolute paths where these bytes were found; the first one names the document.
        pages: Number of pages of the file.
        complete: Whether every page is in the index or known to have failed.
    """

    doc_id: str
    paths: tuple[str, ...]
    pages: int
    complete: bool = False

    def to_record(self) -> Record:
        """The store's record: payload only, so no search can find it."""
        names = sorted({PurePath(path).name for path in self.paths})
        payload: Payload = {
            "kind": DOCUMENT,
            "doc_id": self.doc_id,
            "paths": list(self.paths),
            "names": names,
            "pages": self.pages,
            "complete": self.complete,
        }
        return Record(page_id(self.doc_id, 0, DOCUMENT), payload)

    @classmethod
    def from_payload(cls, payload: Payload) -> Document:
        """Inverse of `to_record`."""
        return cls(payload["doc_id"], tuple(payload["paths"]), int(payload["pages"]), bool(payload["complete"]))


class Documents:
    """The documents of a store: found by id, path or name, and named apart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._labels: dict[str, tuple[str, str]] = {}

    def put(self, document: Document) -> None:
        """Write a document's record."""
        self._labels.clear()
        self._store.upsert([document.to_record()])

    def all(self) -> list[Document]:
        """Every document, by first path."""
        return sorted(self._select(), key=lambda document: document.paths)

    def get(self, doc_id: str) -> Document | None:
        """The document of these bytes, when the index knows it."""
        found = self._store.fetch([page_id(doc_id, 0, DOCUMENT)])
        return next((Document.from_payload(record.payload) for record in found.values()), None)

    def at_path(self, path: Path) -> list[Document]:
        """Documents found at this path; more than one while a file is being replaced."""
        return self._select(Condition("paths", (str(path),)))

    def unlink(self, document: Document, path: Path) -> None:
        """Forget that the document is at `path`; without any path left it and its pages go."""
        rest = tuple(p for p in document.paths if p != str(path))
        if rest:
            self.put(replace(document, paths=rest))
            return
        self._labels.clear()
        self._store.delete(Selection((Condition("doc_id", (document.doc_id,)),)))

    def label(self, doc_id: str) -> tuple[str, str]:
        """Name and path of a document.

        The name is the file's name, or the shortest end of its path that tells it apart.
        """
        if doc_id not in self._labels:
            self._labels[doc_id] = self._make_label(doc_id)
        return self._labels[doc_id]

    def find(self, name: str) -> list[Document]:
        """Documents called `name`: a file name, the end of a path, or a whole path.

        Raises:
            UsageError: None is.
        """
        parts = PurePath(name).parts
        same_file = self._select(Condition("names", (parts[-1],))) if parts else []
        found = [d for d in same_file if any(PurePath(p).parts[-len(parts) :] == parts for p in d.paths)]
        if not found:
            raise UsageError(f"No document called {name!r} in the index.", self._suggestion(name))
        return found

    def page_count(self) -> int:
        """Pages in the index."""
        return self._store.count(Selection((Condition("kind", (PAGE,)),)))

    def _make_label(self, doc_id: str) -> tuple[str, str]:
        document = self.get(doc_id)
        if document is None:
            raise StoreError(
                f"The index has pages of a document it does not know ({doc_id[:12]}).", "Ingest the folder again."
            )
        path = document.paths[0]
        same_name = self._select(Condition("names", (PurePath(path).name,)))
        others = [other for d in same_name if d.doc_id != doc_id for other in d.paths]
        return shortest_name(path, others), path

    def _select(self, *conditions: Condition) -> list[Document]:
        selection = Selection((Condition("kind", (DOCUMENT,)), *conditions))
        return [Document.from_payload(record.payload) for record in self._store.scroll(selection)]

    def _suggestion(self, name: str) -> str:
        import difflib

        names = [PurePath(document.paths[0]).name for document in self._select()]
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.3)
        return f"Did you mean: {', '.join(close)}?" if close else "vrag info lists the documents."


def shortest_name(path: str, others: Iterable[str]) -> str:
    """The shortest end of `path`, in whole parts, that none of `others` ends with."""
    parts = PurePath(path).parts
    rivals: Sequence[tuple[str, ...]] = [PurePath(other).parts for other in others]
    for length in range(1, len(parts)):
        end = parts[-length:]
        if all(rival[-length:] != end for rival in rivals):
            return "/".join(end)
    return path
