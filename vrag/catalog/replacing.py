"""One document takes the place of another in a single step: a search sees all of the old, or all of the new.

The new pages are written first, as `ARRIVING`, which no search selects. Then, in this order: the new document's
record says that the exchange has begun; the old document goes; the new pages become visible. A process that dies
in between leaves a record that says so, and whoever opens the index next finishes the exchange. Threads that
search in this process wait for the few milliseconds it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vrag.catalog.documents import CURRENT, REPLACING, Document, Documents
from vrag.catalog.stored import Stored


def replace_older(stored: Stored, document: Document, paths: Sequence[str]) -> None:
    """Write a complete document, and let it take the place of those that were found at some of its paths before.

    Args:
        stored: The index; its searches wait.
        document: Complete.
        paths: Those of its paths where another document may be known.
    """
    documents = stored.documents
    if document.state == CURRENT and not _older(documents, document, paths):
        documents.put(document)
        return
    begun = replace(document, state=REPLACING)
    documents.put(begun)
    with stored.exchanging():
        _finish(documents, begun, paths)


def finish_interrupted(stored: Stored) -> None:
    """Carry through every exchange that a crash interrupted, before anybody searches."""
    for document in stored.documents.in_state(REPLACING):
        _finish(stored.documents, document, document.paths)


def _finish(documents: Documents, document: Document, paths: Sequence[str]) -> None:
    """Carry an exchange through, from wherever it was interrupted."""
    for older, shared in _older(documents, document, paths):
        documents.unlink(older, *shared)
    documents.show(document)
    documents.put(replace(document, state=CURRENT))


def _older(documents: Documents, document: Document, paths: Sequence[str]) -> list[tuple[Document, list[str]]]:
    """Other documents that are known at these paths, each with the paths they share."""
    shared: dict[str, tuple[Document, list[str]]] = {}
    for path in paths:
        for other in documents.at_path(path):
            if other.doc_id != document.doc_id:
                shared.setdefault(other.doc_id, (other, []))[1].append(path)
    return list(shared.values())
