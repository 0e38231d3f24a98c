"""The time a command gives a server: one account for all its requests together, however many there are.

Only waiting for the server is counted, so a model that takes a minute to load costs nothing of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class _Account:
    left: float | None = None


_ACCOUNT: ContextVar[_Account | None] = ContextVar("account", default=None)


@contextmanager
def budget(seconds: float | None = None) -> Iterator[None]:
    """Requests of this thread in a `with` block take `seconds` together; a block around it holds for both.

    Args:
        seconds: By default as many as the first server that is asked may take for one request.
    """
    if _ACCOUNT.get() is not None:
        yield
        return
    token = _ACCOUNT.set(_Account(seconds))
    try:
        yield
    finally:
        _ACCOUNT.reset(token)


def seconds_left(usual: float) -> float:
    """What a request may take, that may take `usual` seconds where no budget is kept."""
    account = _ACCOUNT.get()
    if account is None:
        return usual
    if account.left is None:
        account.left = usual
    return min(account.left, usual)


@contextmanager
def spending() -> Iterator[None]:
    """Take the time of a `with` block from what is left."""
    started = time.monotonic()
    try:
        yield
    finally:
        account = _ACCOUNT.get()
        if account is not None and account.left is not None:
            account.left -= time.monotonic() - started
