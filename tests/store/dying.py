"""Nodes that die, hang and come back when a test says so: a TCP relay on loopback before a server's port."""

import contextlib
import socket
import struct
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.store.backend import Backend

_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # closing then says so at once, as when a process was killed


class Relay:
    """A port before `port`."""

    def __init__(self, port):
        self._target = port
        self._flowing = threading.Event()
        self._flowing.set()
        self._opened = []
        self.port = 0
        self.revive()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def kill(self):
        """Nobody listens any more, and who was connected is cut off."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._opened:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._opened.clear()

    def revive(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def freeze(self):
        """Connections are taken, and nothing is answered."""
        self._flowing.clear()

    def thaw(self):
        self._flowing.set()

    def _serve(self, listener):
        with contextlib.suppress(OSError):  # closed above
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._opened.extend((client, server))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                self._flowing.wait()
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(*ports):
    """A relay before each port, or URL."""
    relays = [Relay(port if isinstance(port, int) else urlsplit(port).port) for port in ports]
    try:
        yield relays
    finally:
        for relay in relays:
            relay.kill()
            relay.thaw()


class GatedBackend(Backend):
    """A backend that holds the first request of one kind: `reached` says that it is there, `go` lets it go on.

    Args:
        what: The kind, e.g. "query_points".
        after: Hold its answer: it has been done.
    """

    def __init__(self, what="", after=False, **settings):
        self.looks = 0  # how often it was asked for its version
        super().__init__(**settings)
        self.what, self.after = what, after
        self.reached, self.go = threading.Event(), threading.Event()
        self._first = threading.Lock()

    @property
    def version(self):
        self.looks += 1
        return self._version

    @version.setter
    def version(self, value):
        self._version = value

    def call(self, wire, what, collection, **arguments):
        is_held = what == self.what and self._first.acquire(blocking=False)
        if is_held and not self.after:
            self._hold()
        answer = super().call(wire, what, collection, **arguments)
        if is_held and self.after:
            self._hold()
        return answer

    def _hold(self):
        self.reached.set()
        assert self.go.wait(60)
