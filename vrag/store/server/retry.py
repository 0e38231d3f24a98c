"""Trying again: backoff on what is worth it, within a time that is never exceeded."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from vrag.errors import StoreError
from vrag.runtime.budget import seconds_left, spending
from vrag.store.server.border import hidden, terms
from vrag.store.server.server_faults import Fault, fault_of

T = TypeVar("T")
_FIRST = 0.1
_MOST = 5.0
_SHORTEST = 0.05  # seconds: less than this is not worth an attempt
_TEXT = 400  # characters of a fault that a message repeats


@dataclass(frozen=True, slots=True)
class Retry:
    """How long to try.

    Args:
        where: The server's address, the start of every sentence about it.
        seconds: Each attempt and all of them together end within this time, answered or not.
        attempts: At most so many.
        refusals: Attempts after which a place where nobody listens is given up.
        secret: A key that no message repeats, whatever the server says.
    """

    where: str
    seconds: float
    attempts: int = 1000
    refusals: int = 1000
    secret: str | None = field(default=None, repr=False)

    def call(self, attempt: Callable[[], T], doing: str) -> T:
        """The answer of `attempt`, tried until it gives one.

        Args:
            attempt: May be run many times, so it must be harmless to repeat.
            doing: What it does, for the message.

        Raises:
            StoreError: A fault that is not transient, or the time is over.
        """
        with spending():
            return self._call(attempt, doing, time.monotonic() + seconds_left(self.seconds))

    def _call(self, attempt: Callable[[], T], doing: str, deadline: float) -> T:
        tries = 0
        while True:
            tries += 1
            try:
                return _within(deadline, attempt)
            except Exception as error:  # noqa: BLE001 - sorted by `fault_of`; what it does not know goes on up
                fault = fault_of(error)
                if fault is None:
                    raise
                most = self.refusals if fault.refused else self.attempts
                pause = _pause(fault, tries)
                left = deadline - time.monotonic() - pause
                if not fault.transient or tries >= most or left < _SHORTEST:
                    raise self.sentence(fault, doing, tries) from (None if self.secret else error)
                time.sleep(pause)

    def sentence(self, fault: Fault, doing: str, tries: int = 1) -> StoreError:
        """A fault as people are told it."""
        often = f" after {tries} attempts" if tries > 1 else ""
        says = hidden(fault.says, self.secret)[:_TEXT]
        return StoreError(f"The Qdrant server at {self.where} {says} (while {doing}{often}).", fault.hint)


def _pause(fault: Fault, tries: int) -> float:
    """Seconds before the next attempt: doubled each time, spread out so that many clients do not march in step."""
    if fault.wait is not None:
        return fault.wait
    return float(min(_FIRST * 2 ** (tries - 1), _MOST) * random.uniform(0.75, 1.25))


def _within(deadline: float, attempt: Callable[[], T]) -> T:
    """`attempt`, or `TimeoutError` when it takes longer.

    The client's own timeout starts anew with every byte that trickles in; this one does not. The
    thread left behind ends with the client's timeout, and what it may still write is written again.
    """
    seconds = deadline - time.monotonic()
    if seconds < _SHORTEST:
        raise TimeoutError
    done: Future[T] = Future()

    def run() -> None:
        try:
            with terms(until=deadline):
                done.set_result(attempt())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            done.set_exception(error)

    threading.Thread(target=run, daemon=True, name="vrag-qdrant").start()
    return done.result(timeout=seconds)
