"""Documents as the service shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from vrag.catalog.documents import Document
from vrag.catalog.documents_json import state_of, title_of
from vrag.catalog.failures import Failure, Failures
from vrag.catalog.metadata import together
from vrag.serve.http.here import Here, no_such_document, url_of

FailedPages = Mapping[int, Failure]


def document_rows(here: Here, documents: Sequence[Document], failures: Failures) -> list[dict[str, Any]]:
    """A row a document; one that was removed since it was chosen has none."""
    by_document = failures.by_document()
    labels = here.service.index.documents.labels([document.doc_id for document in documents])
    known = [document for document in documents if document.doc_id in labels]
    return [document_row(here, d, labels[d.doc_id][0], by_document.get(d.doc_id, {})) for d in known]


def one_row(here: Here, document: Document) -> dict[str, Any]:
    """The row of one document.

    Raises:
        ProblemError: 404, it has just been removed.
    """
    rows = document_rows(here, [document], here.service.index.stored.failures())
    if not rows:
        raise no_such_document()
    return rows[0]


def document_row(here: Here, document: Document, name: str, failed: FailedPages) -> dict[str, Any]:
    """A document.

    Args:
        here: Knows which were uploaded.
        document: It.
        name: What people call it.
        failed: Its pages that could not be indexed.
    """
    url = url_of(document.doc_id)
    return {
        "id": document.doc_id,
        "doc": name,
        "title": title_of(document, name),
        "path": document.paths[0],
        "paths": list(document.paths),
        "pages": document.pages,
        "state": state_of(document),
        "metadata": together(document.layers),
        "added": document.added,
        "uploaded": here.uploads is not None and here.uploads.holds(document),
        "failures": [failure_row(failed[page], document.doc_id) for page in sorted(failed)],
        "url": url,
        "file_url": f"{url}/file",
        "thumbnail_url": f"{url}/thumbnail",
    }


def failure_row(failure: Failure, doc_id: str | None) -> dict[str, Any]:
    """A failure with its document; None for a file that could not be opened."""
    return {**asdict(failure), "doc_id": doc_id}
