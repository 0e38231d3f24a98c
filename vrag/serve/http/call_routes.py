"""Calls of `Index.open("http://...")`: what `vrag.serve.calls` answers, over HTTP; no part of the public API.

They may do no more than the public API: no files of this machine, no more hits, and no work that only whoever is on
this machine may ask for. Long work is answered with its job, which is asked for until it has ended, so that nobody
holds a place while he waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from vrag.errors import UsageError
from vrag.remote.service_url import CALLS_PATH, FAILED
from vrag.remote.wire import dumps
from vrag.serve.calls import answer, arguments_of, asked_of, begin, found, outcome
from vrag.serve.http.here import HereNow
from vrag.serve.http.request_shapes import MOST_HITS
from vrag.serve.service import Service

SHORT = (
    "search", "search_many", "search_like", "search_image", "ask", "explain", "snippet", "matches", "page_image",
    "page_jpeg", "page_words", "page_text", "page_source", "embed_query_tokens", "vectors", "differences", "documents",
    "document_count", "document", "labels", "find_documents", "failures", "pipeline", "default_cascade", "model_name",
    "fingerprint", "page_count", "disk_bytes", "server_state", "lost",
)  # fmt: skip
LONG = ("remove", "verify", "compact")
router = APIRouter(include_in_schema=False)


@router.post(CALLS_PATH + "/{name}")
async def call(name: str, request: Request, here: HereNow) -> Response:
    """What a call came to, as one line."""
    line = await request.body()
    return await run_in_threadpool(_answered, here.service, name, line)


def _answered(service: Service, name: str, line: bytes) -> Response:
    said = outcome(lambda: _called(service, name, asked_of(line)))
    return Response(dumps(said), FAILED if "error" in said else 200, media_type="application/json")


def _called(service: Service, name: str, asked: Mapping[str, Any]) -> Any:
    arguments = arguments_of(asked)
    if name in ("job", "cancel"):
        return _job(service, name, str(arguments.get("id")))
    if name in LONG:
        if arguments.get("repair"):
            raise UsageError("A service repairs nothing for whoever is not on its machine.", "Run vrag verify there.")
        return {"job": begin(service, name, arguments).id}
    if name not in SHORT:
        raise UsageError(f"The service does not know the call {name!r} over HTTP.")
    if not isinstance(arguments.get("k", 1), int) or arguments.get("k", 1) > MOST_HITS:
        raise UsageError(f"k must be a whole number up to {MOST_HITS} here, not {arguments['k']!r}.")
    return answer(service, name, arguments)


def _job(service: Service, name: str, job_id: str) -> dict[str, Any]:
    """`{"job"}` while it goes on, then `{"found"}`."""
    job = service.jobs.cancel(job_id) if name == "cancel" else service.jobs.get(job_id)
    if job is None:
        raise UsageError("There is no such job.")
    return {"found": found(job)} if job.status().has_ended else {"job": job.id}
