"""What changes the index over HTTP: uploads, metadata, removal."""

from __future__ import annotations

import errno
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request

from vrag.catalog.giving import read_values
from vrag.catalog.metadata import Types
from vrag.errors import UsageError, VragError
from vrag.runtime.parsing import MalformedError, parse_json
from vrag.serve.http.bounds import Pace, announced
from vrag.serve.http.document_rows import one_row
from vrag.serve.http.here import DocId, Here, HereNow, find_document
from vrag.serve.http.job_routes import accepted
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.multipart import FILES, METADATA, Parts
from vrag.serve.http.problems import BODY, ProblemError, documented
from vrag.serve.http.request_shapes import MetadataRequest
from vrag.serve.http.response_shapes import AcceptedOut, DocumentOut
from vrag.serve.http.uploads import Uploads
from vrag.serve.jobs import Job
from vrag.serve.service import ReadOnlyError

router = APIRouter(tags=["documents"])
PATIENCE_S = 10.0  # for which a change is waited for; then it is a job like any other
_CHECKED_BYTES = 64 << 20  # after which it is looked again whether the disk has room
_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"description": "It will be done.", "model": AcceptedOut}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FILES],
                    "properties": {
                        FILES: {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1},
                        METADATA: {"type": "string", "description": "A JSON object: metadata of all the files."},
                    },
                }
            }
        },
    }
}


@router.post(
    "/v1/documents",
    summary="Upload",
    status_code=202,
    response_model=AcceptedOut,
    responses={**_ACCEPTED, **documented(409, 507, *BODY)},
    openapi_extra=_BODY,
)
async def upload(here: HereNow, request: Request) -> JsonAnswer:
    """Files to be kept and indexed: PDF, PNG, JPEG, TIFF, WebP, CBZ, and what LibreOffice prints where it is installed.

    What was accepted survives a crash of the service.
    """
    uploads, length = _uploads(here), announced(request.scope)
    try:
        with uploads.receiving(min(length, uploads.limits.upload_bytes)) as new_draft:
            parts = Parts(request.headers.get("content-type", ""), uploads.limits, new_draft)
            try:
                parts.expect(length)
                await _receive(request, parts, uploads)
                return await to_thread.run_sync(_accept, here, uploads, parts)
            finally:
                parts.close()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ProblemError(507, "The disk is full.", "Remove something, or send less.") from error
        raise


@router.patch(
    "/v1/documents/{id}",
    summary="Change metadata",
    response_model=DocumentOut,
    responses={**_ACCEPTED, **documented(404, *BODY)},
)
def change(asked: MetadataRequest, here: HereNow, doc_id: DocId) -> JsonAnswer:
    """Give a document metadata; null takes away what was given before. 202 when something longer is in the way."""
    document = find_document(here, doc_id)
    values = read_values(asked.metadata, "metadata")
    Types(here.service.index.stored.store).check({key: value for key, value in values.items() if value is not None})
    job = here.service.set_metadata(document, values)
    if not job.ended(PATIENCE_S).has_ended:
        return accepted(job)
    _raise_failure(job)
    return JsonAnswer(one_row(here, find_document(here, doc_id)))


@router.delete(
    "/v1/documents/{id}",
    summary="Remove a document",
    status_code=202,
    response_model=AcceptedOut,
    responses={**_ACCEPTED, **documented(404)},
)
def remove(here: HereNow, doc_id: DocId) -> JsonAnswer:
    """Remove a document with all its pages. A file that came by upload goes, too; files of your own stay."""
    document = find_document(here, doc_id)
    if here.service.read_only or here.uploads is None:
        return accepted(here.service.remove([document]))
    return accepted(here.uploads.remove(document))


async def _receive(request: Request, parts: Parts, uploads: Uploads) -> None:
    """Take the body in as it comes; the disk is written to by another thread."""
    pace, unchecked = Pace(uploads.limits.seconds), 0
    while True:
        message = await pace.receive(request.receive)
        if message["type"] == "http.disconnect":
            raise ProblemError(400, "The upload was broken off.", "Send it again.")
        if data := message.get("body", b""):
            await to_thread.run_sync(parts.take, data)
            unchecked += len(data)
        if unchecked >= _CHECKED_BYTES:
            await to_thread.run_sync(uploads.check_room)
            unchecked = 0
        if not message.get("more_body", False):
            return


def _accept(here: Here, uploads: Uploads, parts: Parts) -> JsonAnswer:
    files = parts.finish()
    values = {key: value for key, value in _metadata(parts.metadata).items() if value is not None}
    Types(here.service.index.stored.store).check(values)
    return accepted(uploads.accept(files, values))


def _metadata(data: bytes) -> dict[str, Any]:
    try:
        row = parse_json(data) if data.strip() else {}
    except MalformedError as error:
        raise ProblemError(422, f"`metadata` is {error}.", 'Send a JSON object, e.g. {"year": 2024}.') from error
    if not isinstance(row, dict):
        raise ProblemError(422, "`metadata` is no JSON object.", 'e.g. {"year": 2024}')
    return read_values(row, "metadata")


def _uploads(here: Here) -> Uploads:
    if here.service.read_only:
        raise ReadOnlyError("This service is read only.", "Start it without --read-only to change the index.")
    if here.uploads is None:
        raise ProblemError(409, "The index is on a server, and there is no folder for uploads.", "Use vrag ingest.")
    return here.uploads


def _raise_failure(job: Job) -> None:
    if isinstance(job.failure, VragError):
        raise job.failure
    if job.failure is not None:
        raise UsageError("The change was stopped before it was done.", "Ask again.")
