"""Trying again: backoff on what is worth it, within a time that is never exceeded."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from vrag.errors import StoreError
from vrag.runtime.budget import seconds_left, spending
from vrag.store.server.border import hidden
from vrag.store.server.nodes import Nodes, Round
from vrag.store.server.server_faults import Fault, fault_of
from vrag.store.server.within import SHORTEST, within

T = TypeVar("T")
_FIRST = 0.1
_MOST = 5.0
_TEXT = 400  # characters of a fault that a message repeats


@dataclass(frozen=True, slots=True)
class Retry:
    """How long to try.

    Args:
        where: The server's address, the start of every sentence about it.
        seconds: Each attempt and all of them together end within this time, answered or not.
        attempts: At most so many of each node.
        refusals: Attempts after which places where nobody listens are given up.
        secret: A key that no message repeats, whatever the server says.
    """

    where: str
    seconds: float
    attempts: int = 1000
    refusals: int = 1000
    secret: str | None = field(default=None, repr=False)

    def call(self, nodes: Nodes, request: Callable[[Any], T], doing: str) -> T:
        """The answer to a request, tried until a node gives one: when one fails, the next is asked at once.

        Args:
            nodes: That may be asked.
            request: Of the client library's object; may be run many times, so it must be harmless to repeat.
            doing: What it does, for the message.

        Raises:
            StoreError: A fault that is not transient, or the time is over.
        """
        with spending():
            seconds = seconds_left(self.seconds)
            return self._call(Round(nodes, request, seconds), doing, time.monotonic() + seconds)

    def _call(self, turns: Round[T], doing: str, deadline: float) -> T:
        tries = rounds = 0
        while True:
            tries += 1
            left = deadline - time.monotonic()
            try:
                return within(deadline, turns.ask, turns.look, turns.alive)
            except Exception as error:  # noqa: BLE001 - sorted by `fault_of`; what it does not know goes on up
                known = fault_of(error)
                if known is None:
                    raise
                fault = turns.after(self._clean(known), left)
                if fault is None:
                    continue
                rounds += 1
                pause = _pause(fault, rounds)
                most = self.refusals if fault.refused else self.attempts
                if not fault.transient or rounds >= most or deadline - time.monotonic() - pause < SHORTEST:
                    raise self._sentence(fault, doing, tries) from (None if self.secret else error)
                time.sleep(pause)

    def sentence(self, fault: Fault, doing: str) -> StoreError:
        """A fault as people are told it."""
        return self._sentence(self._clean(fault), doing, 1)

    def _clean(self, fault: Fault) -> Fault:
        return replace(fault, says=hidden(fault.says, self.secret)[:_TEXT])

    def _sentence(self, fault: Fault, doing: str, tries: int) -> StoreError:
        often = f" after {tries} attempts" if tries > 1 else ""
        where = fault.where or self.where
        return StoreError(f"The Qdrant server at {where} {fault.says} (while {doing}{often}).", fault.hint)


def _pause(fault: Fault, rounds: int) -> float:
    """Seconds before the next attempt: doubled each time, spread out so that many clients do not march in step."""
    if fault.wait is not None:
        return fault.wait
    return float(min(_FIRST * 2 ** (rounds - 1), _MOST) * random.uniform(0.75, 1.25))
