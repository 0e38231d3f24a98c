"""One call to the holder of an index: a line there, and lines back until the last one.

Both sides greet each other first (`vrag.remote.door`). Then each line is a value as `vrag.remote.wire` writes it. There
goes `{"call", "arguments", "version", "proof"}`. Back come any number of `{"told": [step, arguments]}`, which are the
steps of long work, and at last one of `{"result"}`, `{"error"}` and `{"cancelled"}`. A `{"cancel"}` meanwhile, or the
end of the connection, asks long work to stop.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from vrag.errors import StoreError, VragError
from vrag.remote.door import Door, is_answering
from vrag.remote.wire import dumps, error_from_wire, loads
from vrag.runtime.stopping import waking
from vrag.version import __version__

Told = Callable[[str, tuple[Any, ...]], None]
# The steps that long work tells of: those of `vrag.ingest.report.Progress` and `vrag.upkeep.copying.CopyProgress`.
STEPS = ("looking", "looked", "embedding", "reading", "read", "page", "starting", "done")
_CANCEL = dumps({"cancel": True})
SILENT_S = 10.0  # seconds without a word, after which the holder is asked whether it is there
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
            connection, proof = self._door.connect()
        except OSError as error:
            raise _gone() from error
        with connection, waking(partial(_hang_up, connection)):
            request = {"call": name, "arguments": dict(arguments), "version": __version__, "proof": proof}
            try:
                connection.sendall(dumps(request))
                return _answer(_LineReader(connection, self._door), told, found)
            except OSError as error:
                raise _gone() from error


class _LineReader:
    """Whole lines of a connection; what was received stays when Ctrl-C comes in the middle of one.

    Args:
        connection: To the holder.
        door: Where it is asked whether it is still there, when it says nothing for long.
    """

    def __init__(self, connection: socket.socket, door: Door) -> None:
        self.connection = connection
        self._door = door
        self._held = bytearray()
        connection.settimeout(SILENT_S)

    def next(self) -> bytes:
        """The next line.

        Raises:
            StoreError: The holder is gone, or does not answer any more.
        """
        while (end := self._held.find(b"\n")) < 0:
            try:
                received = self.connection.recv(_RECEIVED)
            except TimeoutError as error:
                if not is_answering(self._door):
                    raise _gone() from error
                continue
            if not received:
                raise _gone()
            self._held += received
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        return line


def _answer(lines: _LineReader, told: Told | None, found: Callable[[Any], None] | None) -> Any:
    try:
        return _last(lines, told)
    except KeyboardInterrupt:
        with suppress(OSError, VragError):  # the holder may be gone: Ctrl-C it is all the same
            lines.connection.sendall(_CANCEL)
            until = _stopped(lines)
            if found is not None and until is not None:
                found(until)
        raise


def _stopped(lines: _LineReader) -> Any:
    """What was found until the work stopped."""
    try:
        return _last(lines, None)
    except StoppedError as stopped:
        return stopped.found


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


def _hang_up(connection: socket.socket) -> None:
    """Whoever waits for the answer wants it no more: the holder, too, sees the end of the connection."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _gone() -> StoreError:
    return StoreError(
        "The service that holds the index does not answer any more.",
        "The same command works without it, and when it runs again.",
    )
