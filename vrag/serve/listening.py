"""The door for other processes of this machine: a thread that listens, and one for each call.

It stands in the folder of the index (`vrag.remote.door`): a Unix socket that its owner alone may use, and where there
can be none a port of the loopback interface with a secret.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import os
import queue
import secrets
import selectors
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vrag.errors import UsageError
from vrag.remote.channel import STEPS
from vrag.remote.door import HELLO_S, SECRET, SOCKET, UNIX, prove, read_hello
from vrag.remote.wire import dumps
from vrag.serve.calls import LONG, answer, arguments_of, asked_of, begin, found, outcome
from vrag.serve.jobs import Job
from vrag.serve.service import Service

LONGEST_PATH = 100  # bytes of a socket's path, of which systems allow 104 to 108
MOST_CALLS = 64  # at once
MOST_BYTES = 1 << 28  # of a call: metadata of a whole archive goes through
SLOWEST_S = 30.0  # for a call to come in, and for each piece of an answer to be taken
_BACKLOG = 128  # callers that may come at the same moment
_POLL_S = 0.1
_log = logging.getLogger(__name__)


class Listener:
    """Lets other processes use the index of a service, until it is closed.

    Args:
        service: Answers.
        folder: Of the index.
    """

    def __init__(self, service: Service, folder: Path) -> None:
        self._service = service
        self._folder = Path(os.path.realpath(folder))
        self._places = threading.BoundedSemaphore(MOST_CALLS)
        self._secret = ""
        self._closed = threading.Event()
        self._clean()
        self._socket = self._listen_unix() or self._listen_loopback()
        self._thread = threading.Thread(target=self._accept, name="vrag-door", daemon=True)
        self._thread.start()

    @property
    def at(self) -> str:
        """Where it is, as the lock says it to others."""
        return str(self._socket.getsockname()[1]) if self._secret else UNIX

    def close(self) -> None:
        """Let nobody in any more; calls under way go on as long as the service does."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        if self._service.index.is_in_place():  # else another process may have its door there by now
            self._clean()

    def _clean(self) -> None:
        """No door of a holder that was killed."""
        for name in (SOCKET, SECRET):
            (self._folder / name).unlink(missing_ok=True)

    def _listen_unix(self) -> socket.socket | None:
        path = os.fsencode(self._folder / SOCKET)
        if not hasattr(socket, "AF_UNIX") or len(path) > LONGEST_PATH:
            return None
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(path)
            os.chmod(path, 0o600)
            listener.listen(_BACKLOG)  # before that nobody could connect
        except OSError:  # a file system without sockets
            listener.close()
            return None
        return listener

    def _listen_loopback(self) -> socket.socket:
        self._secret = secrets.token_urlsafe(32)
        file = os.open(self._folder / SECRET, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(file, "w", encoding="ascii") as stream:
            stream.write(self._secret)
        return socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                self._closed.wait(_POLL_S)  # or too many files are open just now
                continue
            while not self._places.acquire(timeout=_POLL_S):
                if self._closed.is_set():
                    connection.close()
                    return
            try:
                threading.Thread(target=self._serve, args=(connection,), name="vrag-call", daemon=True).start()
            except RuntimeError:  # no thread can be had just now
                self._places.release()
                connection.close()

    def _serve(self, connection: socket.socket) -> None:
        job = None
        try:
            with connection, self._service.answering():
                try:
                    job = self._answer(connection)
                finally:
                    self._places.release()  # whoever waits for a job keeps nobody out
                if job is not None:
                    _follow(self._service, *job, connection)
        except OSError:
            _log.debug("A caller went away.", exc_info=True)

    def _answer(self, connection: socket.socket) -> tuple[Job, _Told] | None:
        """Answer a short call; the job of a long one, which is still to be answered."""
        connection.settimeout(HELLO_S)
        nonce = self._greet(connection)
        connection.settimeout(SLOWEST_S)
        line = _read_line(connection)
        if line:  # else it only looked whether somebody is here
            steps, begun = _Told(), list[Job]()
            said = outcome(lambda: self._called(asked_of(line), nonce, steps, begun))
            if begun:
                return begun[0], steps
            connection.sendall(dumps(said))
        return None

    def _greet(self, connection: socket.socket) -> str:
        """The number that the caller is to prove itself for; that this is the holder is proven at once."""
        try:
            theirs = str(json.loads(read_hello(connection))["hello"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConnectionError("No hello.") from error
        mine = secrets.token_hex(16)
        connection.sendall(json.dumps({"hello": mine, "proof": prove(self._secret, theirs)}).encode("ascii") + b"\n")
        return mine

    def _called(self, asked: Mapping[str, Any], nonce: str, steps: _Told, begun: list[Job]) -> Any:
        if not hmac.compare_digest(str(asked.get("proof")).encode(), prove(self._secret, nonce).encode()):
            raise UsageError("The caller does not know the secret of the service.")
        name, arguments = str(asked.get("call")), arguments_of(asked)
        if name not in LONG:
            return answer(self._service, name, arguments)
        begun.append(begin(self._service, name, arguments, steps))
        return None


class _Told:
    """The steps of a job, kept for another thread to pass on: whatever of `STEPS` it is told."""

    def __init__(self) -> None:
        self.told: queue.SimpleQueue[tuple[str, tuple[Any, ...]]] = queue.SimpleQueue()

    def __getattr__(self, step: str) -> Callable[..., None]:
        if step not in STEPS:
            raise AttributeError(step)
        return lambda *arguments: self.told.put((step, arguments))


def _follow(service: Service, job: Job, steps: _Told, connection: socket.socket) -> None:
    """Say what a job does and found; it is stopped when the caller says so or goes away."""
    try:
        while not job.status().has_ended or not steps.told.empty():
            _pass_on(steps, connection)
            job.ended(_POLL_S if steps.told.empty() else 0)
            if _says_something(connection):  # nothing comes but the wish to stop, or the end
                service.jobs.cancel(job.id)
                job.ended()
    except OSError:
        service.jobs.cancel(job.id)
        raise
    connection.sendall(dumps(outcome(lambda: found(job))))


def _pass_on(steps: _Told, connection: socket.socket) -> None:
    """Send the steps there are."""
    lines = []
    with contextlib.suppress(queue.Empty):
        while True:
            lines.append(dumps({"told": steps.told.get_nowait()}))
    if lines:
        connection.sendall(b"".join(lines))


def _says_something(connection: socket.socket) -> bool:
    """Whether there is something to be read, or nobody at the other end."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))


def _read_line(connection: socket.socket) -> bytes:
    """The line that a caller sends; empty when it sends none."""
    held = bytearray()
    while not held.endswith(b"\n"):
        received = connection.recv(1 << 16)
        if not received:
            return b""
        held += received
        if len(held) > MOST_BYTES:
            raise ConnectionError("A call is too long.")
    return bytes(held)
