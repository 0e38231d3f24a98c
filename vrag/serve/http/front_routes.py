"""The web page: its files, and the addresses of its views."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from vrag.serve.http.conditional import file_answer
from vrag.serve.http.guard import is_from_elsewhere
from vrag.serve.http.here import HereNow
from vrag.serve.http.problems import ProblemError

router = APIRouter(include_in_schema=False)
WEB = Path(__file__).parent.parent / "web"
PAGE, ASSETS = WEB / "index.html", WEB / "assets"
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; frame-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_VIEWS = ("/", "/documents", "/jobs", "/reports", "/doc/{rest:path}", "/search")
_WAITS = "wait"  # parameter of an address; the page knows it too (conversation.js)


def _page(request: Request) -> Response:
    """The page; which view it shows, it reads from the address."""
    return the_page(request)


def the_page(request: Request, status: int = 200) -> Response:
    """The page, which says by itself that it has no such view.

    Raises:
        ProblemError: It is not installed.
    """
    if not PAGE.is_file():
        raise ProblemError(404, "The web page is not installed.", "The service itself is described at /docs.")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return file_answer(request, PAGE, _TYPES[".html"], headers, status)


@router.get("/ask")
def ask_page(request: Request, here: HereNow) -> Response:
    """The page. Questions to which another site leads wait there until somebody has them asked: a model costs money."""
    is_elsewhere = here.service.llm is not None and is_from_elsewhere(request.headers)
    if is_elsewhere and _WAITS not in request.query_params:
        return RedirectResponse(f"/ask?{request.url.query}&{_WAITS}=1", 303)
    return the_page(request)


for view in _VIEWS:
    router.add_api_route(view, _page, methods=["GET"])


@router.get("/assets/{name:path}")
def asset(request: Request, name: str) -> Response:
    """A file of the page: one that is in its folder, and of a type that it has."""
    file = _ASSETS.get(name)
    if file is None:
        raise ProblemError(404, "The web page has no such file.")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return file_answer(request, file, _TYPES[file.suffix], headers)


@router.get("/favicon.ico")
def icon() -> Response:
    """What browsers ask for by themselves."""
    return Response(status_code=204)


def _assets() -> dict[str, Path]:
    """Files of the page by their path below its folder."""
    files = (file for file in ASSETS.rglob("*") if file.is_file() and file.suffix in _TYPES)
    return {file.relative_to(ASSETS).as_posix(): file for file in files}


_ASSETS = _assets()
