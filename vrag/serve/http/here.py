"""What the routes of one app share."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from anyio import CapacityLimiter
from fastapi import Depends, Path, Request

from vrag.catalog.documents import Document
from vrag.ingest.sources import Originals
from vrag.serve.http.problems import LIST, ProblemError
from vrag.serve.service import Service

if TYPE_CHECKING:
    from vrag.serve.http.counters import Metrics
    from vrag.serve.http.drawn_pages import Pictures
    from vrag.serve.http.uploads import Uploads

_ID = re.compile(r"[0-9a-f]{64}")
MOST_PAGE = 2**31 - 1
MOST_LISTENERS = 32  # that watch jobs at the same time
_DRAWN_AT_ONCE = 8  # requests that wait for a picture in a thread; the others wait without one
MOST_WAITING = 32  # for a picture, without a thread: the other places are for those who search
MOST_ASKING = 16  # questions whose answers are under way
MOST_WITH_IMAGES = 4  # searches whose answers are to have pictures, at the same time


@dataclass(slots=True)
class Here:
    """The service, and what its HTTP side keeps.

    Args:
        service: Does the work.
        pictures: Of pages.
        metrics: Counts.
        uploads: Kept below the index; None where it has no folder.
        originals: Finds the files of documents.
        drawing: Of threads that wait for a picture.
        imaging: Of searches whose answers are to have pictures.
        asking: Of questions that are answered as a stream, or by a language model.
        listeners: Of those who watch jobs.
        waiting: Of their threads.
    """

    service: Service
    pictures: Pictures
    metrics: Metrics
    uploads: Uploads | None
    originals: Originals = field(default_factory=Originals)
    drawing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_DRAWN_AT_ONCE))
    imaging: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST_WITH_IMAGES))
    asking: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MOST_ASKING))
    listeners: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MOST_LISTENERS))
    waiting: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MOST_LISTENERS))


async def _here(request: Request) -> Here:
    here: Here = request.app.state.here
    return here


HereNow = Annotated[Here, Depends(_here)]
DocId = Annotated[
    str,
    Path(
        alias="id",
        description="SHA-256 of the document's bytes.",
        json_schema_extra={"pattern": "^[0-9a-f]{64}$"},
        examples=["0" * 64],
    ),
]
PageNumber = Annotated[int, Path(alias="n", ge=1, le=MOST_PAGE, description="Page, from 1.", examples=[1])]


def find_document(here: Here, doc_id: str) -> Document:
    """The document of this id.

    Raises:
        ProblemError: 404, there is none.
    """
    document = here.service.index.documents.get(doc_id) if _ID.fullmatch(doc_id) else None
    if document is None:
        raise no_such_document()
    return document


def no_such_document() -> ProblemError:
    """What is said of a document that is not there."""
    return ProblemError(404, "There is no such document.", LIST)


def name_of(here: Here, document: Document) -> str:
    """What people call a document."""
    return here.service.index.documents.label(document.doc_id)[0]


def url_of(doc_id: str, *rest: Any) -> str:
    """An address below a document's, relative to the server's root."""
    return "/".join(("/v1/documents", doc_id, *map(str, rest)))
