"""The app: the routes of one service, behind what guards and bounds them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from vrag import __version__
from vrag.ingest.sources import Originals
from vrag.serve.http import (
    ask_routes,
    call_routes,
    change_routes,
    counters,
    docs_page,
    document_routes,
    explain_routes,
    front_routes,
    index_routes,
    job_routes,
    like_routes,
    page_routes,
    problems,
    report_routes,
    search_routes,
)
from vrag.serve.http.bounds import MOST_REQUESTS, Bounded
from vrag.serve.http.counters import Metrics
from vrag.serve.http.drawn_pages import Pictures
from vrag.serve.http.guard import Guard, Guarded
from vrag.serve.http.here import MOST_ASKING, Here
from vrag.serve.http.shield import Shield
from vrag.serve.http.upload_limits import UploadLimits
from vrag.serve.http.uploads import uploads_of
from vrag.serve.jobs import Job
from vrag.serve.service import Service

ROUTES = (
    search_routes,
    like_routes,
    ask_routes,
    explain_routes,
    document_routes,
    page_routes,
    change_routes,
    job_routes,
    index_routes,
    report_routes,
    counters,
)
_UPLOADS = ("/v1/documents",)
_MORE_THREADS = 8  # for uploads
_DESCRIPTION = (
    "Pages of documents for a question, with their pictures, their words and why they were found. "
    "Addresses in answers are relative to the server's root. Errors are problem details (RFC 9457) with a hint."
)


def take_up_uploads(app: FastAPI) -> list[Job]:
    """Go on with uploads that were accepted before the service ended; to be called once, when it starts."""
    here: Here = app.state.here
    return here.uploads.take_up() if here.uploads else []


def make_app(
    service: Service, guard: Guard, limits: UploadLimits | None = None, uploads: Path | None = None
) -> FastAPI:
    """The app of a service.

    Args:
        service: Its index is open; whoever made it closes it.
        guard: Who may ask.
        limits: How much may be uploaded.
        uploads: Folder for uploaded files, new or empty; by default one below the index.

    Raises:
        UsageError: There is something else in that folder.
    """
    app = FastAPI(
        title="vrag",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_with_threads,
    )
    kept = uploads_of(service, uploads, limits)
    originals = Originals(kept.folder if kept else None)
    here = Here(service, Pictures(service.index), Metrics(service), kept, originals)
    app.state.here = here
    for part in ROUTES:
        app.include_router(part.router)
    app.include_router(call_routes.router)
    app.include_router(docs_page.router)
    app.include_router(front_routes.router)
    problems.register(app, front_routes.the_page)
    app.openapi = lambda: _openapi(app, bool(guard.token))  # type: ignore[method-assign]
    app.add_middleware(Bounded, uploads=_UPLOADS)  # the last one added is the outermost
    app.add_middleware(Guarded, guard=guard)
    app.add_middleware(Shield, told=here.metrics.told)
    return app


@asynccontextmanager
async def _with_threads(_: FastAPI) -> AsyncIterator[None]:
    """A thread for every request that is worked on, so that none that is quick waits behind those that search."""
    to_thread.current_default_thread_limiter().total_tokens = MOST_REQUESTS + MOST_ASKING + _MORE_THREADS
    yield


def _openapi(app: FastAPI, has_token: bool) -> dict[str, Any]:
    """The description of all routes, made once: with problems as the form of every error, and the token."""
    if app.openapi_schema is None:
        api = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        shapes = api["components"]["schemas"]
        shapes["Problem"] = problems.ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        for name in ("HTTPValidationError", "ValidationError"):
            shapes.pop(name, None)
        if has_token:
            api["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            api["security"] = [{"token": []}]
        app.openapi_schema = api
    return app.openapi_schema
