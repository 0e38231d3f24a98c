"""Errors as RFC 9457 problem details, with our `hint`: whatever goes wrong, it is said in one form, without traces."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from vrag.errors import (
    BusyError,
    IndexMismatchError,
    LlmError,
    ModelError,
    PageError,
    StoreError,
    UnknownDocumentError,
    UsageError,
    VragError,
)
from vrag.runtime.pathtext import shown
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.service import ReadOnlyError

MEDIA_TYPE = "application/problem+json"
LIST = "GET /v1/documents lists what is there."
RETRY_S = 1  # after which a busy service may be asked again
_LONGEST = 1_000  # characters of a detail: what somebody sent is repeated only so far
_MOST_FAULTS = 8  # of a request that are told
_log = logging.getLogger(__name__)
_STATUS: Mapping[type[VragError], int] = {
    ReadOnlyError: 403,
    UsageError: 400,
    PageError: 422,
    BusyError: 503,
    StoreError: 503,
    ModelError: 503,
    LlmError: 502,
    IndexMismatchError: 503,
    VragError: 503,  # as when the service is ending
}


class ProblemOut(BaseModel):
    """What went wrong (RFC 9457), and what to do about it."""

    type: str = Field("about:blank", description="Always `about:blank`: the status says what kind it is.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="What was wrong, in a sentence.", examples=["There is no such document."])
    hint: str = Field("", description="What to do about it; may be empty.", examples=[LIST])
    instance: str = Field("", description="Path of the request.")


class ProblemError(Exception):
    """A request that cannot be answered.

    Args:
        status: Of HTTP.
        detail: What was wrong, in a sentence.
        hint: What to do about it.
        headers: Of the answer.
    """

    def __init__(self, status: int, detail: str, hint: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint
        self.headers = dict(headers or {})


ENDING = ProblemError(503, "The service ends.", "Ask again when it runs again.")


def problem(
    status: int, detail: str, hint: str = "", path: str = "", headers: Mapping[str, str] | None = None
) -> JsonAnswer:
    """The answer that tells a problem."""
    return JsonAnswer(problem_row(status, detail, hint, path), status, {**(headers or {})}, MEDIA_TYPE)


def problem_row(status: int, detail: str, hint: str = "", path: str = "") -> dict[str, Any]:
    """A problem's details."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": shown(detail)[:_LONGEST],
        "hint": shown(hint)[:_LONGEST],
        "instance": shown(path)[:_LONGEST],
    }


def too_many_pictures() -> ProblemError:
    """More are wanted than can be drawn soon."""
    retry = {"Retry-After": str(RETRY_S)}
    return ProblemError(503, "Too many pictures are wanted at once.", "Try again in a second.", retry)


BODY = (408, 413, 415)  # statuses of a request with a body


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses as OpenAPI has them, and those that any route may answer with."""
    everywhere = (400, 401, 403, 421, 422, 500, 503)
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": _REFERENCE}}}
        for status in sorted({*everywhere, *statuses})
    }


_REFERENCE = {"$ref": "#/components/schemas/Problem"}


def register(app: FastAPI, page: Callable[[Request, int], Response]) -> None:
    """Have the app answer in this form, and with a page where a browser asks for what is not there.

    Args:
        app: Whose errors.
        page: Of a status.
    """

    async def of_http(request: Request, error: Exception) -> Response:
        is_lost = isinstance(error, HTTPException) and error.status_code == 404
        if is_lost and "text/html" in request.headers.get("accept", ""):
            return page(request, 404)
        return await _of_http(request, error)

    app.add_exception_handler(ProblemError, _of_problem)
    app.add_exception_handler(VragError, _of_problem)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, of_http)


def failed(error: Exception, path: str) -> JsonAnswer:
    """The answer to what failed; the log has the trace of what should not happen."""
    failure = failure_of(error, path)
    return problem(failure.status, failure.detail, failure.hint, path)


def failure_of(error: Exception, path: str) -> ProblemError:
    """What is told of an error, whatever it is; the log has what its reader needs besides."""
    if isinstance(error, ProblemError):
        return error
    if not isinstance(error, VragError):
        _log.error("%s failed: %s", shown(path), type(error).__name__, exc_info=error)
        return ProblemError(500, "The service failed to answer.", "Its log says why.")
    status = status_of(error)
    if status >= 500:
        _log.warning("%s: %s", shown(path), shown(str(error)), exc_info=error)
    headers = {"Retry-After": str(RETRY_S)} if status == 503 else {}
    return ProblemError(status, " ".join((error.message, *error.details)), error.hint or _hint_of(error), headers)


def _hint_of(error: VragError) -> str:
    """What to do about an error that does not say it itself, by a request."""
    return LIST if isinstance(error, UnknownDocumentError) else ""


def status_of(error: VragError) -> int:
    """The status for one of our errors."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


async def _of_problem(request: Request, error: Exception) -> JsonAnswer:
    failure = failure_of(error, request.url.path)
    return problem(failure.status, failure.detail, failure.hint, request.url.path, failure.headers)


async def _of_validation(request: Request, error: Exception) -> JsonAnswer:
    assert isinstance(error, RequestValidationError)
    return problem(422, _faults(error.errors()), "See /docs for what is asked for.", request.url.path)


def _faults(errors: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with a request, without what was sent."""
    faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in errors[:_MOST_FAULTS]]
    return "; ".join(faults) + "."


async def _of_http(request: Request, error: Exception) -> JsonAnswer:
    assert isinstance(error, HTTPException)
    detail, hint = str(error.detail), ""
    if error.status_code == 404:
        detail, hint = "There is nothing at this address.", "See /docs for what there is."
    elif error.status_code == 405:
        detail, hint = f"{request.method} is not possible here.", "See /docs for what is."
    return problem(error.status_code, detail, hint, request.url.path, error.headers)
