"""The outermost layer: every answer has the headers that protect a browser, and every failure is a sentence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vrag.serve.http.problems import ENDING, failed

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
HEADERS = {
    "Content-Security-Policy": NOTHING,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Told = Callable[[Scope, int, float], None]
_FILE = "/file"  # answers HEAD itself: it need not read a file to drop it


class Shield:
    """Adds what an answer lacks of `HEADERS`, answers HEAD as GET without a body, and lets no exception out (ASGI).

    Args:
        app: What it protects.
        told: Told of every answer: the request, its status, and seconds until it began.
    """

    def __init__(self, app: ASGIApp, told: Told) -> None:
        self._app = app
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        answering = _Answering(scope, send, self._told)
        try:
            await self._app(answering.scope, receive, answering.send)
        except asyncio.CancelledError:  # the service ends, and has waited for this answer long enough
            await answering.fail(ENDING, receive)
        except Exception as error:  # noqa: BLE001 - told in the log; a person gets a sentence
            await answering.fail(error, receive)


class _Answering:
    """One request while it is answered."""

    def __init__(self, scope: Scope, send: Send, told: Told) -> None:
        self._is_head = scope["method"] == "HEAD" and not scope["path"].endswith(_FILE)
        self.scope: Scope = {**scope, "method": "GET"} if self._is_head else scope
        self._has_begun = False
        self._send = send
        self._told = told
        self._started = time.perf_counter()

    async def fail(self, error: Exception, receive: Receive) -> None:
        """Say what went wrong in the place of the answer; where that one has begun, it ends as it is."""
        answer = failed(error, self.scope["path"])
        if not self._has_begun:
            await answer(self.scope, receive, self.send)

    async def send(self, message: Message) -> None:
        """Hand an answer's message on, with the headers that it lacks."""
        if message["type"] == "http.response.start":
            self._has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            self._told(self.scope, message["status"], time.perf_counter() - self._started)
        elif self._is_head:
            message = {**message, "body": b""}
        await self._send(message)
