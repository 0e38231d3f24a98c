"""A TCP proxy on loopback: a bad wire that breaks connections after so many bytes, or one that is listened to."""

import contextlib
import itertools
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

_CHUNK = 1024
_WHOLE_CHUNK = 1 << 16  # where nothing is cut off


@dataclass
class Heard:
    """What went over a wire, each side by itself; `len` of it is what it weighs."""

    said: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)


@contextmanager
def cutting(port, budgets=(), heard=None):
    """A port before `port`; the first connections carry so many bytes from the client, later ones any number.

    A budget of 0 is a connection on which nothing ever arrives. What both sides say goes into `heard`, a `Heard`.
    """
    heard = heard or Heard()
    listener = socket.create_server(("127.0.0.1", 0))
    waiting = itertools.chain(budgets, itertools.repeat(None))
    opened = []

    def serve():
        with contextlib.suppress(OSError):  # closed below
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", port))
                opened.extend((client, server))
                budget = next(waiting)
                threading.Thread(target=_carry, args=(client, server, budget, heard.said), daemon=True).start()
                threading.Thread(target=_carry, args=(server, client, None, heard.answered), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for one in opened:
            one.close()
        thread.join(10)


def _carry(source, target, budget, heard):
    """Bytes from one socket to the other, until the budget is spent: then both are closed."""
    with contextlib.suppress(OSError):
        while data := source.recv(_WHOLE_CHUNK if budget is None else _CHUNK):
            heard += data
            if budget == 0:
                continue  # read, and dropped
            target.sendall(data)
            if budget is not None and (budget := budget - len(data)) <= 0:
                break
        for one in (source, target):
            one.shutdown(socket.SHUT_RDWR)
