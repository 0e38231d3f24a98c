"""Documents as JSON, the same for the command line and the service; docs/reference/json.md has the keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from vrag.catalog.documents import CURRENT, AnyDocuments, Document
from vrag.catalog.metadata import together
from vrag.runtime.pathtext import shown


def documents_json(documents: AnyDocuments, chosen: Sequence[Document]) -> list[dict[str, Any]]:
    """A row a document; one that was removed since it was chosen has none.

    Args:
        documents: Names them.
        chosen: Of these.
    """
    labels = documents.labels([document.doc_id for document in chosen])
    return [document_json(document, labels[document.doc_id][0]) for document in chosen if document.doc_id in labels]


def document_json(document: Document, name: str) -> dict[str, Any]:
    """A document.

    Args:
        document: It.
        name: What people call it.
    """
    return {
        "doc": name,
        "path": document.paths[0],
        "copies": len(document.paths) - 1,
        "copy_paths": list(document.paths[1:]),
        "pages": document.pages,
        "state": state_of(document),
        "meta": together(document.layers),
    }


def title_of(document: Document | None, name: str) -> str:
    """The title that a document's metadata has, else its name: one line, that shows in no other order than it has."""
    title = document.meta.get("title") if document else None
    return shown(" ".join(title.split()) if isinstance(title, str) and title.strip() else name)


def titles_of(documents: AnyDocuments, names: Mapping[str, str]) -> dict[str, str]:
    """Titles of documents, by id.

    Args:
        documents: Of the index.
        names: Names by id; a document that has gone meanwhile keeps its own.
    """
    return {doc_id: title_of(documents.get(doc_id), name) for doc_id, name in names.items()}


def state_of(document: Document) -> str:
    """`complete`, `partial` (an ingest was interrupted), or `arriving` (it will replace another version)."""
    if document.state != CURRENT:
        return "arriving"
    return "complete" if document.complete else "partial"


def facet(documents: Sequence[Document], key: str) -> list[dict[str, Any]]:
    """Documents and pages by the values of a metadata key, the most frequent first; None for documents without it."""
    count, pages = Counter[str](), Counter[str]()
    shown: dict[str, Any] = {}
    for document in documents:
        value = together(document.layers).get(key)
        for one in value if isinstance(value, list) else [value]:
            name = repr(one)
            shown[name] = one
            count[name] += 1
            pages[name] += document.pages
    ranked = sorted(count, key=lambda name: (-count[name], name))
    return [{"value": shown[name], "documents": count[name], "pages": pages[name]} for name in ranked]


def metadata_keys(documents: Sequence[Document]) -> list[str]:
    """The keys that some of these documents have, sorted."""
    return sorted({name for document in documents for name in together(document.layers)})
