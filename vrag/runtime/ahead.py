"""Work that is done while its results are waited for: several pieces at once, or the next one meanwhile.

Every piece has a thread of its own, which nothing waits for when the process ends: a piece may be waiting for a server.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_GRACE = 5.0  # seconds that work in progress is waited for when its results are not wanted any more
_END: Any = object()


def in_order(work: Callable[[T], R], values: Iterable[T], width: int) -> Iterator[R]:
    """What `work` makes of each value, in order, done to at most `width` values at once.

    What it raises is raised here in its turn, after which nothing more is begun. Whoever stops taking results stops the
    work too: what is in progress is waited for, a few seconds at most.

    Args:
        work: Called by several threads.
        values: Taken in this thread, `width` ahead of the results.
        width: At least 1.
    """
    waiting: deque[Future[R]] = deque()
    try:
        for value in values:
            if len(waiting) == width:
                yield waiting.popleft().result()
            if any(one.done() and one.exception() for one in waiting):
                break
            waiting.append(_begun(work, value))
        while waiting:
            yield waiting.popleft().result()
    finally:
        wait(waiting, _GRACE)


def one_ahead(values: Iterator[T]) -> Iterator[T]:
    """The same values; while one is used, the next one is made."""
    coming = _begun(next, values, _END)
    try:
        while (value := coming.result()) is not _END:
            coming = _begun(next, values, _END)
            yield value
    finally:
        wait([coming], _GRACE)


def _begun(work: Callable[..., R], *arguments: Any) -> Future[R]:
    done: Future[R] = Future()
    context = copy_context()  # it has the account of a command's time

    def run() -> None:
        try:
            done.set_result(context.run(work, *arguments))
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            done.set_exception(error)

    threading.Thread(target=run, daemon=True, name="vrag-ahead").start()
    return done
