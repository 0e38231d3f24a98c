"""How uvicorn serves the app: what a connection may take, and what it writes down."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from vrag.serve.http.problems import RETRY_S, problem
from vrag.serve.http.shield import HEADERS, Shield

MOST_HEAD = 32 << 10  # bytes of a request's line and headers
MOST_CONNECTIONS = 512
HEAD_S = 10.0  # in which a request's headers have to come
IDLE_S = 15  # that a connection stays open between two requests
STALL_S = 30.0  # in which whoever asked has to read some of the answer
LINGER_S = 2.0  # for which the rest of a body that nobody wants is read
_END_S = 5  # that answers under way have when the service ends


async def _full(scope: Scope, receive: Receive, send: Send) -> None:
    retry = {"Retry-After": str(RETRY_S)}
    answer = problem(503, "Too many are connected.", "Try again in a second.", scope["path"], retry)
    await answer(scope, receive, send)


_FULL: Any = Shield(_full, lambda *_: None)


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 with limits on the time that headers and the reading of answers may take."""

    _since = 0.0  # when it began, or its last answer ended
    _head: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Headers have to come soon. Nothing is written down, whatever handlers others have set up."""
        super().connection_made(transport)
        self.access_log, self._since = False, self.loop.time()
        self._head = self.loop.call_later(HEAD_S, transport.abort)
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._make_room()
        self.limit_concurrency = None  # or uvicorn refuses in a form that is not ours

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._forget("_head")
        self._forget("_stall")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The first bytes of another request: the rest of its headers has to come soon."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._forget("_head")
        elif self._head is None:
            self._head = self.loop.call_later(HEAD_S, self.transport.abort)

    def pause_writing(self) -> None:
        """Whoever asked does not read: not for long."""
        super().pause_writing()
        self._forget("_stall")
        self._stall = self.loop.call_later(STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """He reads."""
        self._forget("_stall")
        super().resume_writing()

    def on_response_complete(self) -> None:
        """A connection that is to be closed ends, whether or not the last bytes are read.

        So does one whose request was answered before its body had come: some of that is dropped first, for a
        connection closed with bytes unread is reset, and the answer is lost.
        """
        cycle, is_half = self.cycle, self.conn.their_state is h11.SEND_BODY
        self._since = self.loop.time()
        super().on_response_complete()
        if is_half:
            self.loop.call_later(LINGER_S, self._end_of_half, cycle)
        if self.transport.is_closing():
            self._close_soon()

    def timeout_keep_alive_handler(self) -> None:
        """So does one that was idle for too long."""
        super().timeout_keep_alive_handler()
        self._close_soon()

    def send_400_response(self, msg: str) -> None:
        """What is no request is answered in the form of every other error."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        answer = problem(400, "That is no HTTP/1.1 request.", "Send one, with headers of 32 KiB at most.")
        ours = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
        headers = [*answer.raw_headers, *ours, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self._close_soon()

    def _make_room(self) -> None:
        """Whoever has asked for nothing for the longest time makes room; where all have asked, this one is told so."""
        others = (one for one in self.connections if isinstance(one, BoundedProtocol) and one is not self)
        longest = min((one for one in others if one.is_idle), key=lambda one: one._since, default=None)
        if longest is None:
            self.app = _FULL
        else:
            self.connections.discard(longest)
            longest.transport.abort()

    @property
    def is_idle(self) -> bool:
        """Whether nothing that came over it is worked on."""
        return self.cycle is None or self.cycle.response_complete

    def _end_of_half(self, cycle: RequestResponseCycle) -> None:
        if self.cycle is cycle and self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()

    def _close_soon(self) -> None:
        if self._stall is None:
            self._stall = self.loop.call_later(STALL_S, self.transport.abort)

    def _forget(self, name: str) -> None:
        timer = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)


def server_config(app: ASGIApp, host: str = "127.0.0.1", port: int = 8321) -> uvicorn.Config:
    """The settings of a server.

    No request is logged: addresses may hold what people look for, and tokens.

    Args:
        app: Answers.
        host: Where it listens.
        port: There.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        loop="asyncio",
        ws="none",
        lifespan="auto",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        backlog=128,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=_END_S,
        h11_max_incomplete_event_size=MOST_HEAD,
    )
