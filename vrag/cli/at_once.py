"""Commands that are one answer: however many requests to a server it takes, they have one `--timeout` together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any


def at_once(given: str = "") -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command one budget of time for all that it asks of a server.

    Args:
        given: Name of an argument without which it is many answers, each with a time of its own.
    """

    def bounded(command: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(command)
        def run(**options: Any) -> int:
            from vrag.runtime.budget import budget

            with budget() if not given or options.get(given) else nullcontext():
                return command(**options)

        return run

    return bounded
