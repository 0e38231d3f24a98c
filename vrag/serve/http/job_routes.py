"""`/v1/jobs`: what changes the index, listed, watched and stopped."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Path, Response
from starlette.responses import StreamingResponse

from vrag.serve.http.here import Here, HereNow
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.problems import BODY, RETRY_S, ProblemError, documented
from vrag.serve.http.response_shapes import JobOut, JobsOut
from vrag.serve.jobs import Job, JobStatus

router = APIRouter(tags=["jobs"])
SILENCE_S = 15.0  # after which a comment says that the connection lives
LOOK_S = 1.0  # after which a listener that has gone is noticed
JobId = Annotated[str, Path(alias="id", description="Of a job.", examples=["0123456789abcdef"])]


def job_row(status: JobStatus) -> dict[str, Any]:
    """A job."""
    return {**asdict(status), "about": list(status.about), "url": url_of(status.id)}


def url_of(job_id: str) -> str:
    """Where a job is."""
    return f"/v1/jobs/{job_id}"


def accepted(job: Job) -> JsonAnswer:
    """The answer to a request whose work goes on."""
    url = url_of(job.id)
    return JsonAnswer({"job": job.id, "url": url}, 202, {"Location": url})


@router.get("/v1/jobs", summary="List jobs", response_model=JobsOut, responses=documented())
def jobs(here: HereNow) -> JsonAnswer:
    """Jobs that run, wait, or have ended of late, the newest first."""
    rows = [job_row(job.status()) for job in here.service.jobs.all()]
    return JsonAnswer({"jobs": rows, "contents": here.service.contents()})


@router.get("/v1/jobs/{id}", summary="One job", response_model=JobOut, responses=documented(404))
def job(here: HereNow, job_id: JobId) -> JsonAnswer:
    """How far it is, and once it is done what it found."""
    return JsonAnswer(job_row(_find(here, job_id).status()))


@router.post("/v1/jobs/{id}/cancel", summary="Stop a job", response_model=JobOut, responses=documented(404, *BODY))
def cancel(here: HereNow, job_id: JobId) -> JsonAnswer:
    """Stop it at its next page; what is done is kept. One that has ended stays as it is."""
    found = _find(here, job_id)
    if here.uploads is not None:
        here.uploads.cancel(found)
    here.service.jobs.cancel(job_id)
    return JsonAnswer(job_row(found.status()))


@router.get(
    "/v1/jobs/{id}/events",
    summary="Watch a job",
    response_class=Response,
    responses={
        200: {"description": "Events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **documented(404),
    },
)
async def events(here: HereNow, job_id: JobId) -> Response:
    """Server-sent events: `event: job` with the job as `data`, at every change, until it has ended."""
    found = _find(here, job_id)
    if here.listeners.available_tokens < 1:
        raise ProblemError(
            503, "Too many watch jobs already.", "Ask for the job itself.", {"Retry-After": str(RETRY_S)}
        )
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_events(found, here), media_type="text/event-stream", headers=headers)


async def _events(job: Job, here: Here) -> AsyncIterator[bytes]:
    status, spoke = job.status(), time.monotonic()
    async with here.listeners:
        yield _event(status)
        while not status.has_ended:
            wait = partial(job.wait, status.version, LOOK_S)
            newer = await to_thread.run_sync(wait, abandon_on_cancel=True, limiter=here.waiting)
            if newer.version != status.version:
                status, spoke = newer, time.monotonic()
                yield _event(status)
            elif time.monotonic() - spoke >= SILENCE_S:
                spoke = time.monotonic()
                yield b": it goes on\n\n"


def _event(status: JobStatus) -> bytes:
    data = json.dumps(job_row(status), ensure_ascii=True, separators=(",", ":"))
    return f"event: job\nid: {status.version}\ndata: {data}\n\n".encode()


def _find(here: Here, job_id: str) -> Job:
    found = here.service.jobs.get(job_id)
    if found is None:
        raise ProblemError(404, "There is no such job.", "GET /v1/jobs lists those that are remembered.")
    return found
