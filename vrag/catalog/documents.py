"""Documents of an index: content-addressed records beside the pages, and the names people call them by."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Protocol

from vrag.catalog.kinds import ARRIVING, DOCUMENT, PAGE, reading
from vrag.errors import UnknownDocumentError, UsageError
from vrag.runtime.memo import Memo
from vrag.runtime.pathtext import from_stored, quoted, to_stored
from vrag.store.interface import Condition, Payload, Range, Record, Selection, Store

_NAMESPACE = uuid.UUID("6d2f4c52-64f3-5b0e-9a2c-0d6b1f3f7a11")
_MOST_LABELS = 1 << 16
KEYS = {"kind": "keyword", "doc_id": "keyword", "names": "keyword", "paths": "keyword", "page": "integer",
        "source": "keyword", "renderer": "keyword", "state": "keyword", "text": "text"}  # fmt: skip
CURRENT = "current"  # its pages can be found; `ARRIVING`: they wait until they can replace another document's
_SUGGESTED = 3  # names that a wrong one may have meant
_ALIKE = 0.7  # of 1: less, and names have no more than their ending in common
_COMPARED = 255  # characters of a name that was typed
_FRESH_S = 0.5  # for which what people call a document is believed where other processes rename it
REPLACING = "replacing"  # they are complete, and the exchange has begun: it must be finished
Label = tuple[str, str]  # name and path


def page_id(doc_id: str, page: int, fingerprint: str) -> str:
    """Point id of a page: the same file, page and model always get the same one."""
    return str(uuid.uuid5(_NAMESPACE, f"{doc_id}:{page}:{fingerprint}"))


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content in the index.

    Args:
        doc_id: SHA-256 of the file's bytes.
        paths: Absolute paths where these bytes were found, sorted, whichever came first; the first one names the
            document.
        pages: Number of pages of the file.
        complete: Whether every page is in the index or known to have failed.
        state: `CURRENT`, `ARRIVING` or `REPLACING`.
        stamps: What a path's file looked like when it was hashed, see `vrag.ingest.sources`.
        layers: Metadata by where it comes from, see `vrag.catalog.metadata`.
        meta: What the layers say together, as filters compare it.
        added: When it came into the index first, ISO 8601 in UTC; empty in an index from before this was kept.
    """

    doc_id: str
    paths: tuple[str, ...]
    pages: int
    complete: bool = False
    state: str = CURRENT
    stamps: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    added: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", tuple(sorted(self.paths)))

    def to_record(self) -> Record:
        """The store's record: payload only, so no search can find it."""
        paths = [to_stored(path) for path in self.paths]
        payload: Payload = {
            "kind": DOCUMENT,
            "doc_id": self.doc_id,
            "paths": paths,
            "names": sorted({PurePath(path).name for path in paths}),
            "pages": self.pages,
            "complete": self.complete,
            "state": self.state,
            "stamps": [self.stamps.get(path, "") for path in self.paths],
            "layers": {name: dict(layer) for name, layer in self.layers.items()},
            "meta": dict(self.meta),
            "added": self.added,
        }
        return Record(page_id(self.doc_id, 0, DOCUMENT), payload)

    @classmethod
    def from_payload(cls, payload: Payload) -> Document:
        """Inverse of `to_record`.

        Raises:
            StoreError: The record is damaged.
        """
        with reading("a document"):
            paths = _paths_of(payload)
            stamps = {path: stamp for path, stamp in zip(paths, payload.get("stamps", ()), strict=False) if stamp}
            return cls(
                payload["doc_id"],
                paths,
                int(payload["pages"]),
                bool(payload["complete"]),
                payload.get("state", CURRENT),
                stamps,
                payload.get("layers", {}),
                payload.get("meta", {}),
                str(payload.get("added", "")),
            )


def _paths_of(payload: Payload) -> tuple[str, ...]:
    paths = tuple(from_stored(path) for path in payload["paths"])
    if not paths:
        raise ValueError("it is at no path")
    return paths


class AnyDocuments(Protocol):
    """The documents of an index, wherever that is held."""

    def all(self) -> list[Document]:
        """Every document, by first path."""
        ...

    def count(self) -> int:
        """Documents in the index, those that arrive as well."""
        ...

    def get(self, doc_id: str) -> Document | None:
        """The document of these bytes, when the index knows it."""
        ...

    def labels(self, doc_ids: Sequence[str]) -> dict[str, Label]:
        """Name and path of each document, by id."""
        ...


class Documents:
    """The documents of a store: found by id, path or name, and named apart.

    Args:
        store: Where their records are.
        shared: Whether other processes write to it: documents may go at any moment, and be called otherwise.
    """

    def __init__(self, store: Store, shared: bool = False) -> None:
        self.store = store
        self.shared = shared
        self._labels: Memo[Label] = Memo(_MOST_LABELS, _FRESH_S if shared else None)

    def put(self, document: Document) -> None:
        """Write a document's record."""
        try:
            self.store.upsert([document.to_record()])
        finally:
            self._labels.forget()

    def all(self) -> list[Document]:
        """Every document, by first path."""
        return sorted(self._select(), key=lambda document: document.paths)

    def get(self, doc_id: str) -> Document | None:
        """The document of these bytes, when the index knows it."""
        found = self.store.fetch([page_id(doc_id, 0, DOCUMENT)])
        return next((Document.from_payload(record.payload) for record in found.values()), None)

    def at_path(self, path: str) -> list[Document]:
        """Documents found at this path; more than one while a file is being replaced."""
        return self._select(Condition("paths", (to_stored(path),)))

    def in_state(self, state: str) -> list[Document]:
        """Documents of this state."""
        return self._select(Condition("state", (state,)))

    def selected(self, selection: Selection) -> list[Document]:
        """Documents that meet conditions on their own payload (`doc_id`, metadata), by first path."""
        return sorted(self._select(*selection.conditions), key=lambda document: document.paths)

    def unlink(self, document: Document, *paths: str) -> None:
        """Forget that the document is at these paths; without any path left it and its pages go."""
        rest = tuple(path for path in document.paths if path not in paths)
        if rest:
            self.put(replace(document, paths=rest))
        else:
            self.remove([document])

    def remove(self, documents: Sequence[Document]) -> None:
        """Documents, their pages and what is known of failed ones go, in one operation of the engine."""
        if not documents:
            return
        try:
            self.store.delete(Selection((Condition("doc_id", tuple(d.doc_id for d in documents)),)))
        finally:
            self._labels.forget()

    def show(self, document: Document) -> None:
        """Let searches find the pages of a document that was arriving."""
        pages = Selection((Condition("doc_id", (document.doc_id,)), Condition("kind", (ARRIVING,))))
        self.store.set_payload(pages, {"kind": PAGE})

    def describe(self, document: Document) -> None:
        """Write a document whose metadata has changed, on its pages first: an interruption is noticed next time."""
        pages = Selection((Condition("doc_id", (document.doc_id,)), Condition("kind", (PAGE, ARRIVING))))
        self.store.set_payload(pages, {"meta": dict(document.meta)})
        self.put(document)

    def label(self, doc_id: str) -> Label:
        """Name and path of a document, see `labels`.

        Raises:
            UnknownDocumentError: The index does not have it, any more perhaps.
        """
        found = self.labels([doc_id])
        if not found:
            raise UnknownDocumentError("The document is not in the index any more.")
        return found[doc_id]

    def labels(self, doc_ids: Sequence[str]) -> dict[str, Label]:
        """Name and path of each document, by id; two requests for all those that are not known yet.

        The name is the file's name, or the shortest end of its path that tells it apart. A document that is not there,
        since somebody has removed it a moment ago, has none.
        """
        return self._labels.get(doc_ids, self._make_labels)

    def find(self, name: str) -> list[Document]:
        """Documents called `name`: a file name, the end of a path, or a whole path.

        Raises:
            UnknownDocumentError: None is.
        """
        parts = PurePath(name).parts
        same_file = self._select(Condition("names", (to_stored(parts[-1]),))) if parts else []
        found = [d for d in same_file if any(PurePath(p).parts[-len(parts) :] == parts for p in d.paths)]
        if not found:
            raise UnknownDocumentError(f"No document called {quoted(name)} in the index.", self._suggestion(name))
        return found

    def page_record(self, name: str, page: int, vectors: Sequence[str] = ()) -> Record:
        """The record of a page.

        Args:
            name: Of the document, as `find` takes it.
            page: From 1.
            vectors: Named vectors wanted.

        Raises:
            UsageError: There is no such document or page.
        """
        documents = self.find(name)
        ids = tuple(document.doc_id for document in documents)
        chosen = Selection((Condition("kind", (PAGE,)), Condition("doc_id", ids), Condition("page", (page,))))
        found = next(iter(self.store.scroll(chosen, vectors)), None)
        if found is None:
            last = max(document.pages for document in documents)
            hint = f"Its last page is {last}." if page > last else ""
            raise UsageError(f"No page {page} of {name!r} in the index.", hint)
        return found

    def count(self) -> int:
        """Documents in the index, those that arrive as well."""
        return self.store.count(Selection((Condition("kind", (DOCUMENT,)),)))

    def page_count(self) -> int:
        """Pages in the index."""
        return self.store.count(Selection((Condition("kind", (PAGE,)),)))

    def _make_labels(self, doc_ids: Sequence[str]) -> dict[str, Label]:
        records = self.store.fetch([page_id(doc_id, 0, DOCUMENT) for doc_id in doc_ids])
        with reading("a document"):
            paths = {str(r.payload["doc_id"]): _paths_of(r.payload)[0] for r in records.values()}
        rivals = self._paths_of_names({PurePath(path).name for path in paths.values()})
        labels = {}
        for doc_id, path in paths.items():
            labels[doc_id] = name_among(path, doc_id, rivals[PurePath(path).name]), path
        return labels

    def _paths_of_names(self, names: Collection[str]) -> dict[str, list[tuple[str, str]]]:
        """By file name, every (path, document id) of that name."""
        named: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
        chosen = Selection((Condition("kind", (DOCUMENT,)), Condition("names", tuple(map(to_stored, sorted(names))))))
        for record in self.store.scroll(chosen, keys=("doc_id", "paths")) if names else ():
            for path in map(from_stored, record.payload["paths"]):
                named.get(PurePath(path).name, []).append((path, str(record.payload["doc_id"])))
        return named

    def _select(self, *conditions: Condition | Range) -> list[Document]:
        selection = Selection((Condition("kind", (DOCUMENT,)), *conditions))
        return [Document.from_payload(record.payload) for record in self.store.scroll(selection)]

    def _suggestion(self, name: str) -> str:
        import difflib

        names = {PurePath(document.paths[0]).name for document in self._select()}
        wanted = name.casefold()[:_COMPARED]
        parts = sorted(known for known in names if wanted and wanted in known.casefold())
        close = parts or difflib.get_close_matches(name[:_COMPARED], names, cutoff=_ALIKE)
        return f"Did you mean: {', '.join(close[:_SUGGESTED])}?" if close else ""


def name_among(path: str, owner: str, same_name: Iterable[tuple[str, str]]) -> str:
    """The shortest end of a document's path that tells it apart.

    Args:
        path: Its first one.
        owner: Its id.
        same_name: Every (path, document id) with this name of a file.
    """
    return shortest_name(path, [other for other, whose in same_name if whose != owner and other != path])


def shortest_name(path: str, others: Iterable[str]) -> str:
    """The shortest end of `path`, in whole parts, that none of `others` ends with."""
    parts = PurePath(path).parts
    rivals: Sequence[tuple[str, ...]] = [PurePath(other).parts for other in others]
    for length in range(1, len(parts)):
        end = parts[-length:]
        if all(rival[-length:] != end for rival in rivals):
            return "/".join(end)
    return path
