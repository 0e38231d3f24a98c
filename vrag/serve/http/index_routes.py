"""What the service is and how it is: `/v1/index`, `/healthz`, `/readyz`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from vrag import __version__
from vrag.catalog.metadata import Types
from vrag.errors import VragError
from vrag.serve.http.here import Here, HereNow
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.problems import RETRY_S, ProblemError, documented
from vrag.serve.http.response_shapes import IndexOut, StatusOut
from vrag.serve.http.upload_limits import UploadLimits
from vrag.serve.http.upload_names import printed_endings

router = APIRouter(tags=["index"])
_PROBE = "ready"
NO_UPLOADS = {"max_files": 0, "max_bytes": 0, "max_total_bytes": 0, "printed": []}


@router.get("/v1/index", summary="The index", response_model=IndexOut, responses=documented())
def index(here: HereNow) -> JsonAnswer:
    """What the index holds, how it was made, what filters can name, and what is unfinished."""
    opened, stored = here.service.index, here.service.index.stored
    documents, failures = opened.documents.all(), opened.failures()
    limits = here.uploads.limits if here.uploads and not here.service.read_only else None
    current = [document for document in documents if document.state == "current"]
    facts: dict[str, Any] = {
        "vrag": __version__,
        "index": opened.place.name,
        "collection": opened.place.collection,
        "pipeline": opened.pipeline.name,
        "model": opened.pipeline.model,
        "documents": len(current),
        "pages": opened.page_count,
        "bytes": opened.disk_bytes if opened.place.folder else None,
        "default_cascade": opened.pipeline.default_cascade,
        "cascades": dict(opened.pipeline.cascades),
        "vectors": list(opened.pipeline.vector_names),
        "read_only": here.service.read_only,
        "uploads": _limits(limits) if limits else NO_UPLOADS,
        "filters": [{"key": key, "kind": kind} for key, kind in sorted(Types(stored.store).known().items())],
        "failed_files": sum(failure.page is None for failure in failures),
        "failed_pages": sum(failure.page is not None for failure in failures),
        "partial": sum(not document.complete for document in current),
        "arriving": len(documents) - len(current),
        "jobs_running": sum(not job.status().has_ended for job in here.service.jobs.all()),
        "language_model": {"name": llm.model, "sees": llm.sees} if (llm := here.service.llm) else None,
    }
    return JsonAnswer(facts)


@router.get("/healthz", summary="Whether it lives", response_model=StatusOut)
async def healthz() -> JsonAnswer:
    """200 as long as the process answers; it needs no token."""
    return JsonAnswer({"status": "ok"})


@router.get("/readyz", summary="Whether it can search", response_model=StatusOut, responses=documented())
def readyz(here: HereNow) -> JsonAnswer:
    """200 when a search would be answered, else 503."""
    _check(here)
    return JsonAnswer({"status": "ready"})


def _limits(of: UploadLimits) -> dict[str, Any]:
    most = {"max_files": of.files, "max_bytes": of.file_bytes, "max_total_bytes": of.upload_bytes}
    return {**most, "printed": printed_endings()}


def _check(here: Here) -> None:
    try:
        here.service.index.embed_query(_PROBE)
        here.service.index.documents.page_count()
    except VragError as error:
        retry = {"Retry-After": str(RETRY_S)}
        raise ProblemError(503, f"A search would fail: {error.message}", error.hint, retry) from error
