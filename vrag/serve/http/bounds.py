"""What a request may take: bytes, time to send them, and a place among those that are worked on.

A body is read before its request gets a place, and a place is given back when the answer begins: whoever sends or reads
slowly keeps nobody waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vrag.remote.service_url import CALLS_PATH
from vrag.runtime.parsing import MalformedError, parse_json
from vrag.serve.http.problems import RETRY_S, ProblemError, problem

MOST_BODY = 256 << 10  # bytes of a request that is no upload
MOST_CALL = 32 << 20  # of a call of `Index.open("http://...")`: it may name every document of an archive
MOST_RECEIVED = 256 << 20  # bytes of all bodies that come in or are worked on
MOST_REQUESTS = 64  # that are worked on at the same time
GRACE_S = 10.0  # that any body may take
PAUSE_S = 30.0  # between two pieces of a body
SLOWEST = 64 << 10  # bytes a second that a longer one has to come with
_LONG_CALLS = tuple(f"{CALLS_PATH}/{name}" for name in ("labels", "find_documents", "remove", "search_image"))
IMAGE_PATH = "/v1/search/image"  # a picture comes in the body
_LEFT_ALONE = ("/healthz",)


class Pace:
    """How long a body may take: `GRACE_S`, and more the more of it has come."""

    def __init__(self, longest: float = float("inf")) -> None:
        self._started = time.monotonic()
        self._longest = longest
        self._bytes = 0

    async def receive(self, receive: Receive) -> Message:
        """The next message.

        Raises:
            ProblemError: It does not come in time.
        """
        allowed = min(GRACE_S + self._bytes / SLOWEST, self._longest)
        left = min(allowed - (time.monotonic() - self._started), PAUSE_S)
        try:
            message = await asyncio.wait_for(receive(), max(left, 0.001))
        except (asyncio.TimeoutError, TimeoutError) as error:
            raise ProblemError(408, "The body of the request came too slowly.", "Send it again.") from error
        self._bytes += len(message.get("body", b""))
        return message


class Bounded:
    """Reads bodies within their bounds and lets so many requests through at once (ASGI).

    Args:
        app: What it protects.
        uploads: Paths where files are sent to with POST; what reads them has bounds of its own.
        most: Requests that are worked on at the same time.
    """

    def __init__(self, app: ASGIApp, uploads: tuple[str, ...] = (), most: int = MOST_REQUESTS) -> None:
        self._app = app
        self._uploads = uploads
        self._places = most
        self._received = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_upload = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in self._uploads
        if scope["type"] != "http" or is_upload or scope["path"] in _LEFT_ALONE:
            await self._app(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        room = _Room(self)
        try:
            body = await _read(scope, receive, room.take)
        except ProblemError as error:
            room.give_back()  # before whoever sent too much reads that it was
            await problem(error.status, error.detail, error.hint, scope["path"], error.headers)(scope, receive, send)
        else:
            if body is not None:
                await self._work(scope, _Replayed(body, receive), send)
        finally:
            room.give_back()

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._places:
            retry = {"Retry-After": str(RETRY_S)}
            busy = problem(
                503, "The service has more to do than it can.", "Try again in a second.", scope["path"], retry
            )
            await busy(scope, receive, send)
            return
        place = _Place(self, send)
        try:
            await self._app(scope, receive, place.send)
        finally:
            place.give_back()

    def take(self, places: int) -> None:
        """Take places, or with a negative number give them back."""
        self._places -= places

    def receive(self, count: int) -> None:
        """Take room for bytes of a body, or with a negative number give it back.

        Raises:
            ProblemError: There is none.
        """
        if self._received + count > MOST_RECEIVED:
            retry = {"Retry-After": str(RETRY_S)}
            raise ProblemError(503, "Too much is being sent to the service.", "Try again in a second.", retry)
        self._received += count


class _Room:
    """What one body takes of the room for all of them."""

    def __init__(self, bounded: Bounded) -> None:
        self._bounded, self._bytes = bounded, 0

    def take(self, count: int) -> None:
        self._bounded.receive(count)
        self._bytes += count

    def give_back(self) -> None:
        self._bounded.receive(-self._bytes)
        self._bytes = 0


class _Place:
    """A place among the requests that are worked on, until the answer begins."""

    def __init__(self, bounded: Bounded, send: Send) -> None:
        self._bounded, self._send, self._is_held = bounded, send, True
        bounded.take(1)

    async def send(self, message: Message) -> None:
        self.give_back()
        await self._send(message)

    def give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            self._bounded.take(-1)


class _Replayed:
    """A body that was read, as the app reads it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._message: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive

    async def __call__(self) -> Message:
        message, self._message = self._message, None
        return await self._receive() if message is None else message


def announced(scope: Scope) -> int:
    """Bytes of the body, as far as the request says; 0 when it does not.

    Raises:
        ProblemError: It says something else.
    """
    text = Headers(scope=scope).get("content-length", "0")
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise ProblemError(400, "The Content-Length is no number.")
    return int(text)


async def _read(scope: Scope, receive: Receive, take: Callable[[int], None]) -> bytes | None:
    """The body; None when the client is gone.

    Raises:
        ProblemError: It is too long, too slow, more than there is room for, or JSON that no parser should be given.
    """
    most = MOST_CALL if scope["path"] in (*_LONG_CALLS, IMAGE_PATH) else MOST_BODY
    hint = f"{most >> 10} KiB are the most."
    if announced(scope) > most:
        raise ProblemError(413, "The body of the request is too long.", hint)
    pace, body = Pace(), bytearray()
    while True:
        message = await pace.receive(receive)
        if message["type"] == "http.disconnect":
            return None
        take(len(message.get("body", b"")))
        body += message.get("body", b"")
        if len(body) > most:
            raise ProblemError(413, "The body of the request is too long.", hint)
        if not message.get("more_body", False):
            _check(scope, bytes(body))
            return bytes(body)


def _check(scope: Scope, body: bytes) -> None:
    """What is no JSON, is nested without end, or says a key twice, goes no further; forms are no JSON."""
    if not body or scope["path"].startswith(f"{CALLS_PATH}/"):
        return
    kind = Headers(scope=scope).get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise ProblemError(415, "The body is not said to be JSON.", "Send it with Content-Type: application/json.")
    try:
        parse_json(body)
    except MalformedError as error:
        raise ProblemError(400, f"The body is {error}.", "Send a JSON object, see /docs.") from error
