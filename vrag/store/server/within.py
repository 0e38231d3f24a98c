"""An end to waiting: an attempt is over at its deadline, whatever the client library does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from vrag.store.server.border import terms

T = TypeVar("T")
SHORTEST = 0.05  # seconds: less than this is not worth an attempt


def within(
    deadline: float, attempt: Callable[[], T], look: float | None = None, alive: Callable[[], bool] | None = None
) -> T:
    """`attempt`, or `TimeoutError` when it takes longer.

    The client's own timeout starts anew with every byte that trickles in; this one does not. The
    thread left behind ends with the client's timeout, and what it may still write is written again.

    Args:
        deadline: By the monotonic clock.
        attempt: Run in a thread of its own.
        look: Seconds between two looks whether who is asked is still there; None for none.
        alive: The look; when it says no, the time is over.
    """
    if deadline - time.monotonic() < SHORTEST:
        raise TimeoutError
    done: Future[T] = Future()

    def run() -> None:
        try:
            with terms(until=deadline):
                done.set_result(attempt())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            done.set_exception(error)

    threading.Thread(target=run, daemon=True, name="vrag-qdrant").start()
    while look is not None and alive is not None and look < deadline - time.monotonic():
        if _is_done(done, look) or not alive():
            return done.result(timeout=0)
    return done.result(timeout=max(0.0, deadline - time.monotonic()))


def _is_done(done: Future[T], seconds: float) -> bool:
    return bool(wait([done], timeout=seconds).done)
