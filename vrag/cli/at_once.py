"""Commands that are one answer: however many requests to a server it takes, they have one `--timeout` together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def at_once(command: Callable[..., int], unless: str = "") -> Callable[..., int]:
    """The command with one budget of time for all that it asks of a server.

    Args:
        command: As it is registered.
        unless: Name of an option with which it is many answers, each with a time of its own.
    """

    @functools.wraps(command)
    def run(**options: Any) -> int:
        from vrag.runtime.budget import budget

        if options.get(unless) is not None:
            return command(**options)
        with budget():
            return command(**options)

    return run
