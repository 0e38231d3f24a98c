"""Calls of `Index.open("http://...")`: what `vrag.serve.calls` answers, over HTTP; no part of the public API."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from vrag.errors import UsageError
from vrag.remote.service_url import CALLS_PATH
from vrag.remote.wire import dumps, loads
from vrag.serve.calls import LONG, answer, begin, check_version, found, outcome
from vrag.serve.http.here import HereNow
from vrag.serve.service import Service

LOCAL = ("ingest", "gone")  # calls that name files: those are for processes of this machine
router = APIRouter(include_in_schema=False)


@router.post(CALLS_PATH + "/{name}")
async def call(name: str, request: Request, here: HereNow) -> Response:
    """What a call came to, as one line."""
    line = await request.body()
    said = await run_in_threadpool(outcome, lambda: _called(here.service, name, line))
    return Response(dumps(said), media_type="application/json")


def _called(service: Service, name: str, line: bytes) -> object:
    asked = loads(line)
    if not isinstance(asked, dict) or name in LOCAL:
        raise UsageError(f"The service does not know the call {name!r}.")
    check_version(asked)
    if name not in LONG:
        return answer(service, name, asked["arguments"])
    job = begin(service, name, asked["arguments"])
    job.ended()
    return found(job)
