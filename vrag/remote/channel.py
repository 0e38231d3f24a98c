"""One call to the holder of an index: a line there, and lines back until the last one.

Each line is a value as `vrag.remote.wire` writes it. There goes `{"call", "arguments", "version", "secret"}`. Back come
any number of `{"told": [step, arguments]}`, which are the steps of long work, and at last one of `{"result"}`,
`{"error"}` and `{"cancelled"}`. A `{"cancel"}` meanwhile, or the end of the connection, asks long work to stop.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from vrag.errors import StoreError, VragError
from vrag.remote.door import Door
from vrag.remote.wire import dumps, error_from_wire, loads
from vrag.version import __version__

Told = Callable[[str, tuple[Any, ...]], None]
_CANCEL = dumps({"cancel": True})
_RECEIVED = 1 << 16  # bytes at once


class StoppedError(VragError):
    """The work was stopped by somebody else; what was done is kept.

    Args:
        found: What was found until then.
    """

    exit_code = 130

    def __init__(self, found: Any) -> None:
        super().__init__("The work was stopped by somebody else.", "What was done is kept; the same command goes on.")
        self.found = found


class Calls(Protocol):
    """A way to the holder of an index."""

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        told: Told | None = None,
        found: Callable[[Any], None] | None = None,
    ) -> Any:
        """What the holder answers, see `Channel.call`."""
        ...


class Channel:
    """Calls through a door, each over a connection of its own: any number of threads may call at once.

    Args:
        door: Where the holder listens.
    """

    def __init__(self, door: Door) -> None:
        self._door = door

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        told: Told | None = None,
        found: Callable[[Any], None] | None = None,
    ) -> Any:
        """What the holder answers.

        Args:
            name: Of the call, see `vrag.serve.calls`.
            arguments: Of the call.
            told: Called with every step of long work.
            found: Called with what was found until then, when the work is interrupted here.

        Raises:
            VragError: As it was raised there.
            StoppedError: Long work was stopped by somebody else.
            StoreError: The holder went away.
        """
        try:
            with self._door.connect() as connection:
                request = {"call": name, "arguments": dict(arguments), "version": __version__}
                connection.sendall(dumps({**request, "secret": self._door.secret}))
                return _answer(connection, told, found)
        except OSError as error:
            raise _gone() from error


class _LineReader:
    """Whole lines of a connection; what was received stays when Ctrl-C comes in the middle of one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._held = bytearray()

    def next(self) -> bytes:
        """The next line.

        Raises:
            StoreError: There is none, and the last one was not there yet.
        """
        while (end := self._held.find(b"\n")) < 0:
            received = self._connection.recv(_RECEIVED)
            if not received:
                raise _gone()
            self._held += received
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        return line


def _answer(connection: socket.socket, told: Told | None, found: Callable[[Any], None] | None) -> Any:
    lines = _LineReader(connection)
    try:
        return _last(lines, told)
    except KeyboardInterrupt:
        connection.sendall(_CANCEL)
        try:
            until = _last(lines, None)
        except StoppedError as stopped:
            until = stopped.found
        if found is not None:
            found(until)
        raise


def _last(lines: _LineReader, told: Told | None) -> Any:
    """What the last line says; the steps before it are told."""
    while "told" in (said := loads(line := lines.next())):
        if told is not None:
            told(*said["told"])
    return last_of(line)


def last_of(line: bytes) -> Any:
    """The result that the last line of an answer holds.

    Raises:
        VragError: It is an error instead.
        StoppedError: The work was stopped.
    """
    said = loads(line)
    if "error" in said:
        raise error_from_wire(said["error"])
    if "cancelled" in said:
        raise StoppedError(said["cancelled"])
    return said["result"]


def _gone() -> StoreError:
    return StoreError(
        "The service that holds the index ended in the middle of this.",
        "The same command works without it, and when it runs again.",
    )
