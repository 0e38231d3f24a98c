"""Work that another thread may ask to stop, also while it waits for a word from elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Wake = Callable[[], None]
TAKEN_BACK = "The question was taken back."
_STOP: ContextVar[Stop | None] = ContextVar("stop", default=None)


class Stop:
    """Asks work to stop; any thread may."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wakes: list[Wake] = []
        self._is_set = False

    @property
    def is_set(self) -> bool:
        """Whether the work was asked to stop."""
        return self._is_set

    def set(self) -> None:
        """Ask it to stop, and wake it where it waits."""
        with self._lock:
            self._is_set = True
            wakes = list(self._wakes)
        for wake in wakes:
            wake()

    @contextmanager
    def waking(self, wake: Wake) -> Iterator[None]:
        """While the block waits, `wake` is called once the work is to stop; at once where it is already."""
        with self._lock:
            self._wakes.append(wake)
            is_late = self._is_set
        try:
            if is_late:
                wake()
            yield
        finally:
            with self._lock:
                self._wakes.remove(wake)


@contextmanager
def stoppable(stop: Stop) -> Iterator[None]:
    """What this thread does in the block can be stopped."""
    token = _STOP.set(stop)
    try:
        yield
    finally:
        _STOP.reset(token)


@contextmanager
def waking(wake: Wake) -> Iterator[None]:
    """As `Stop.waking` of the work that this thread does; nothing where nobody can stop it.

    Args:
        wake: Ends the waiting of the block; it is called by another thread, and must not wait itself.
    """
    stop = _STOP.get()
    if stop is None:
        yield
        return
    with stop.waking(wake):
        yield


def is_stopped() -> bool:
    """Whether somebody asked the work of this thread to stop."""
    stop = _STOP.get()
    return stop is not None and stop.is_set
