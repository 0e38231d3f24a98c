"""The files of documents: served while they are what was indexed."""

from __future__ import annotations

from pathlib import Path

from vrag.catalog.documents import Document
from vrag.serve.http.here import Here
from vrag.serve.http.problems import ProblemError

GONE = "The document's file is gone, or is not the one that was indexed."


def original_of(here: Here, document: Document) -> Path:
    """A file with the document's bytes.

    Raises:
        ProblemError: 410, there is none any more.
    """
    file = here.originals.find(document)
    if file is None:
        raise ProblemError(410, GONE, "Put it back, or ingest its folder again.")
    return file
