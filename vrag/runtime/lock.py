"""One process an index: a lock that names its holder and cannot outlive it.

The lock is the operating system's, on an open file: it is gone when its process is, however that ended,
so there is no stale lock to clean up. What the file says is for people.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from vrag.errors import BusyError, ServedError
from vrag.runtime.forked import forget_in_child
from vrag.runtime.parsing import parse_json
from vrag.runtime.pathtext import shown

LOCK_FILE = "lock"
SECRET_OPTIONS = ("--password", "--token")  # of the command line; what follows is never shown
_POLL_S = 0.05  # between two tries while another has it: at once for a person, and 20 system calls a second
_log = logging.getLogger(__name__)
_FIRST_BYTE = 1 << 20  # where Windows locks: past the text, which others must be able to read


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has an index open.

    Args:
        pid: Process id.
        command: Its command line.
        host: Name of its machine.
        since: Local time in ISO 8601, to the second.
        door: Where it lets others use the index, see `vrag.remote.door`; empty when it does not.
    """

    pid: int
    command: str
    host: str
    since: str
    door: str = ""

    @classmethod
    def me(cls) -> Holder:
        """This process."""
        import platform

        words = [Path(sys.argv[0]).name or "python", *sys.argv[1:]]
        command = shown(shlex.join(_without_secrets(words)))[:200]
        return cls(os.getpid(), command, platform.node(), datetime.now().isoformat(timespec="seconds"))

    @property
    def is_me(self) -> bool:
        """Whether it is this process: another `Index` of the same folder."""
        me = Holder.me()
        return (self.pid, self.host) == (me.pid, me.host)

    def __str__(self) -> str:
        return f"{self.command} (process {self.pid} on {self.host}, since {self.since.replace('T', ' ')})"


class IndexLock:
    """The lock of an index folder, held from the start of `with` to its end or to `release`.

    Args:
        folder: Folder of the index; must exist.
        wait: Seconds to wait for whoever has it; a warning on the log says once who that is.
    """

    def __init__(self, folder: Path, wait: float = 0.0) -> None:
        self._path = folder / LOCK_FILE
        self._wait = wait
        self._file: IO[str] | None = None

    def acquire(self) -> IndexLock:
        """Take the lock, as soon as it is free, or say who has it.

        A folder that cannot be written is left to the engine, which says so.

        Raises:
            BusyError: Another process, or another `Index` of this one, still has the index open.
            ServedError: Another process has it and lets others use it; that is not waited for.
        """
        try:
            file = self._path.open("a+", encoding="utf-8")
        except OSError:
            return self
        try:
            self._wait_for(file)
        except BaseException:  # Ctrl-C ends the waiting too
            file.close()
            raise
        self._file = file
        forget_in_child(self, IndexLock.drop)
        with contextlib.suppress(OSError):  # a full disk: the lock holds, it only cannot name its holder
            _write_holder(file, Holder.me())
        return self

    def announce(self, door: str) -> None:
        """Say in the lock where others may use the index meanwhile; see `Holder.door`.

        Raises:
            OSError: It cannot be written.
        """
        if self._file is not None:
            _write_holder(self._file, replace(Holder.me(), door=door))

    def _wait_for(self, file: IO[str]) -> None:
        until, told = time.monotonic() + self._wait, False
        while True:
            try:
                return _lock(file)
            except OSError as error:
                holder = _read_holder(file)
                left = until - time.monotonic()
                if holder is not None and holder.door:  # it may have it for days
                    raise _served(holder) from error
                if not left > 0:  # as with nan
                    raise _busy(holder) from error
                if not told:
                    _log.warning("Waiting for %s.", holder or "another process that has the index open")
                    told = True
                time.sleep(min(_POLL_S, left))

    def release(self) -> None:
        """Give the lock back; twice is harmless."""
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                _write_holder(file, None)
            file.close()

    def drop(self) -> None:
        """Close this process's copy of the lock, which stays its parent's."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()


def try_lock(file: IO[Any]) -> bool:
    """Lock an open file until it is closed; False when somebody else has it locked."""
    try:
        _lock(file)
    except OSError:
        return False
    return True


def read_holder(folder: Path) -> Holder | None:
    """Who says that it has the index of a folder open; that is so only as long as the lock is not free."""
    try:
        with (folder / LOCK_FILE).open(encoding="utf-8") as file:
            return _read_holder(file)
    except OSError:
        return None


def _served(holder: Holder) -> ServedError:
    return ServedError(
        f"The index is served by {holder}.",
        "Stop that service first, with Ctrl-C: this needs the index for itself.",
    )


def _busy(holder: Holder | None) -> BusyError:
    if holder is not None and holder.is_me:
        return BusyError(
            "The index is open already in this process.",
            "Close the other Index first, or use it: threads may share it.",
        )
    return BusyError(
        f"The index is open in another process: {holder or 'it does not say which'}.",
        "Wait for it to end (--wait SECONDS). For many at once, let one process serve the index: vrag serve.",
    )


def _without_secrets(words: list[str]) -> list[str]:
    """A command line without the passwords and tokens in it."""
    safe, hide = [], False
    for word in words:
        name, equals, _ = word.partition("=")
        safe.append("***" if hide else f"{name}=***" if equals and name in SECRET_OPTIONS else word)
        hide = word in SECRET_OPTIONS
    return safe


def _write_holder(file: IO[str], holder: Holder | None) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps(asdict(holder)) if holder else "")
    file.flush()


def _read_holder(file: IO[str]) -> Holder | None:
    """Who wrote the lock; None while they have not yet, or when the text is not ours."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        file.seek(0)
        return Holder(**parse_json(file.read()))
    return None


def _os_lock() -> Callable[[IO[Any]], None]:
    if sys.platform == "win32":
        import msvcrt

        def lock(file: IO[Any]) -> None:
            file.seek(_FIRST_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        def lock(file: IO[Any]) -> None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    return lock


_lock = _os_lock()
