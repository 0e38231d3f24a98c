"""One question under way: its answer comes from a thread, and goes to whoever asked while it comes, or as a whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import closing
from typing import Any

from anyio import (
    BrokenResourceError,
    CancelScope,
    CapacityLimiter,
    EndOfStream,
    WouldBlock,
    create_memory_object_stream,
    create_task_group,
    from_thread,
    get_cancelled_exc_class,
    move_on_after,
    to_thread,
)
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vrag.runtime.stopping import Stop, stoppable
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.problems import ENDING, ProblemError, failure_of, problem, problem_row

Row = tuple[str, dict[str, Any]]  # name of an event, and its data
Rows = Callable[[], Generator[Row, None, None]]
SILENCE_S = 15.0  # after which a comment says that the connection lives
RETRY_S = 5  # after which one of the questions under way may have been answered


class AnswerResponse(Response):
    """The answer to a question: server-sent events, or the data of the last one as JSON.

    It ends when whoever asked goes away or the service ends: its thread is then told to stop.

    Args:
        rows: Gives the events; called and read in a thread of its own.
        is_stream: Whether they are sent while they come.
        places: Of the questions under way, one of which it takes; None where it is answered like any request.
    """

    def __init__(self, rows: Rows, is_stream: bool, places: CapacityLimiter | None) -> None:
        super().__init__()
        self._rows = rows
        self._is_stream = is_stream
        self._places = places
        self._stop = Stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it."""
        try:
            if self._places is not None:
                self._places.acquire_on_behalf_of_nowait(self)
        except WouldBlock:
            await _refused(_too_many(), scope, receive, send)
            return
        try:
            await self._answer(scope, receive, send)
        finally:
            if self._places is not None:
                self._places.release_on_behalf_of(self)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        put, rows = create_memory_object_stream[Row | Exception](float("inf"))
        async with create_task_group() as group:
            group.start_soon(self._work, put)
            group.start_soon(_watch, receive, group.cancel_scope)
            try:
                if self._is_stream:
                    await _send_events(rows, scope, receive, send)
                else:
                    await _send_last(rows, scope, receive, send)
            finally:
                self._stop.set()
                rows.close()
            group.cancel_scope.cancel()

    async def _work(self, put: MemoryObjectSendStream[Row | Exception]) -> None:
        """Closed here: a thread that outlives a service that ends could not."""
        async with put:
            await to_thread.run_sync(self._think, put)

    def _think(self, put: MemoryObjectSendStream[Row | Exception]) -> None:
        """The work of the thread: all rows, or the error that ends them."""
        try:
            with stoppable(self._stop), closing(self._rows()) as rows:
                for row in rows:
                    from_thread.run_sync(put.send_nowait, row)
        except BrokenResourceError:
            pass  # nobody waits for it any more
        except Exception as error:  # noqa: BLE001 - told to whoever asked, and in the log
            if not self._stop.is_set:
                from_thread.run_sync(put.send_nowait, error)


async def _watch(receive: Receive, scope: CancelScope) -> None:
    """Cancels a scope when whoever asked is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _send_last(
    rows: MemoryObjectReceiveStream[Row | Exception], scope: Scope, receive: Receive, send: Send
) -> None:
    last: Row | Exception = ENDING
    async for row in rows:
        last = row
    if isinstance(last, Exception):
        await _refused(failure_of(last, scope["path"]), scope, receive, send)
    else:
        await JsonAnswer(last[1])(scope, receive, send)


async def _send_events(
    rows: MemoryObjectReceiveStream[Row | Exception], scope: Scope, receive: Receive, send: Send
) -> None:
    """Events as they come; what fails before the first one, and soon, is refused like any other request."""
    has_begun = False
    try:
        async for row in _with_silence(rows):
            if isinstance(row, Exception) and not has_begun:
                await _refused(failure_of(row, scope["path"]), scope, receive, send)
                return
            if not has_begun:
                await _begin(send)
                has_begun = True
            await send({"type": "http.response.body", "body": _event(row, scope["path"]), "more_body": True})
    except get_cancelled_exc_class():
        if has_begun:  # the service ends; or whoever asked is gone, and this is cancelled as well
            await send({"type": "http.response.body", "body": _event(ENDING, scope["path"]), "more_body": False})
        raise
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _with_silence(
    rows: MemoryObjectReceiveStream[Row | Exception],
) -> AsyncIterator[Row | Exception | None]:
    """Rows, and None whenever none has come for long."""
    async with rows:
        while True:
            row: Row | Exception | None = None
            with move_on_after(SILENCE_S):
                try:
                    row = await rows.receive()
                except EndOfStream:
                    return
            yield row


async def _begin(send: Send) -> None:
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store, no-transform"),
        (b"x-accel-buffering", b"no"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _refused(failure: ProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    answer = problem(failure.status, failure.detail, failure.hint, scope["path"], failure.headers)
    await answer(scope, receive, send)


def _too_many() -> ProblemError:
    retry = {"Retry-After": str(RETRY_S)}
    return ProblemError(503, "Too many questions are being answered.", f"Try again in {RETRY_S} seconds.", retry)


def _event(row: Row | Exception | None, path: str) -> bytes:
    if row is None:
        return b": it goes on\n\n"
    if isinstance(row, Exception):
        failure = failure_of(row, path)
        row = "error", problem_row(failure.status, failure.detail, failure.hint, path)
    name, data = row
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=True, separators=(',', ':'))}\n\n".encode()
