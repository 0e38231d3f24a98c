"""Running the app until somebody ends it."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # those of them that a system has


class HttpServer(uvicorn.Server):
    """A server that Ctrl-C, `kill` and a closed terminal end in order, and a second Ctrl-C at once.

    Args:
        config: How it serves.
        ready: Called as soon as it answers.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals end the server, and no more: what comes after it, as closing the index, is done in order too."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        known = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
        numbers = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]  # as nohup has it
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
