"""Many searches at once, or one change that must be seen whole."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """A readers-writer lock for the threads of one process; a waiting change goes before new readers.

    Not reentrant: a thread inside must not enter again.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._readers = 0
        self._waiting = 0
        self._changing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nothing changes while the block runs; any number of threads may be in one."""
        with self._turn:
            self._turn.wait_for(lambda: not (self._changing or self._waiting))
            self._readers += 1
        try:
            yield
        finally:
            with self._turn:
                self._readers -= 1
                self._turn.notify_all()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody reads while the block runs."""
        with self._turn:
            self._waiting += 1
            try:
                self._turn.wait_for(lambda: not (self._changing or self._readers))
            finally:  # Ctrl-C ends the waiting too
                self._waiting -= 1
                self._turn.notify_all()
            self._changing = True
        try:
            yield
        finally:
            with self._turn:
                self._changing = False
                self._turn.notify_all()
