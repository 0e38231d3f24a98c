"""A wire that counts what goes over it: a port of loopback before another one."""

from __future__ import annotations

import socket
import threading
from contextlib import AbstractContextManager, suppress

_CHUNK = 1 << 18


class Wire(AbstractContextManager["Wire"]):
    """A TCP proxy, open in its `with` block.

    Args:
        port: Where what is said is passed on to, on this machine.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._opened: list[socket.socket] = []
        self._counting = threading.Lock()
        self._carried = 0

    @property
    def port(self) -> int:
        """Its own."""
        return int(self._listener.getsockname()[1])

    @property
    def carried(self) -> int:
        """Bytes so far, both ways together."""
        with self._counting:
            return self._carried

    def __enter__(self) -> Wire:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for one in (self._listener, *self._opened):
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._opened += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                with self._counting:
                    self._carried += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
