"""Processes by fork: what is imported is there already, so that one starts in milliseconds and can be killed often.

Whoever forks runs no engine and no threads of its own; what opens an index does it in a child (`Child`, `ask`).
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import pickle
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from vrag.errors import VragError

T = TypeVar("T")
GIVE_UP_S = 300.0
INTERRUPTED, SENTENCE = 130, 3
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36


class ChildError(Exception):
    """A child that had to answer did not; its text is what the child said on stderr."""


def say(*words: str) -> None:
    """One line to whoever started this process, at once and past any buffer."""
    os.write(1, (" ".join(words) + "\n").encode())


def adopt_orphans() -> None:
    """Become the parent of what a killed child leaves behind, so that it can be waited for."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def leave_alone(pid: int) -> None:
    """A child of this process that somebody else ends: no `Child` has left it behind."""
    _known.add(pid)


def die_with_parent() -> None:
    """Let this process be killed when the thread that started it ends."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)


def ask(work: Callable[[], T]) -> T:
    """What `work` returns, from a process of its own.

    Raises:
        ChildError: It raised something, died, or took too long.
    """
    file = temporary_file()
    try:
        child = Child(lambda: _write(file, work))
        child.wait()
        child.end()
        if child.code != 0:
            raise ChildError(f"exit code {child.code}\n{child.said_on_stderr()}")
        return pickle.loads(file.read_bytes())
    finally:
        file.unlink()


def temporary_file() -> Path:
    """An empty file."""
    number, name = tempfile.mkstemp(prefix="soak-")
    os.close(number)
    return Path(name)


def _write(file: Path, work: Callable[[], Any]) -> None:
    file.write_bytes(pickle.dumps(work()))


@dataclass
class Child:
    """A forked process.

    Args:
        work: What it does; its `say` lines are in `lines`.
        lines: What it said so far.
        code: Its exit code once it has ended, negative when a signal ended it; `SENTENCE` when what it raised would be
            one sentence for a user, `INTERRUPTED` after Ctrl-C.
    """

    work: Callable[[], object]
    lines: list[str] = field(default_factory=list)
    code: int | None = None

    def __post_init__(self) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # as long as this lives
        self._reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # or it could come before the child is one
        self.pid = os.fork()
        if self.pid == 0:
            _be_child(self.work, self._reading, writing, self._stderr.fileno(), mask)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _known.add(self.pid)
        os.close(writing)
        self._rest = b""

    def hear(self, wanted: Callable[[str], bool], seconds: float = GIVE_UP_S) -> bool:
        """Read lines until a wanted one; False when the process closes its side first.

        Raises:
            ChildError: It takes too long.
        """
        until = time.monotonic() + seconds
        while True:
            while b"\n" in self._rest:
                line, self._rest = self._rest.split(b"\n", 1)
                self.lines.append(line.decode())
                if wanted(self.lines[-1]):
                    return True
            if not self._take(min(1.0, max(0.0, until - time.monotonic()))) and self._ended():
                return False
            if time.monotonic() > until:
                self._dump_and_end()

    def pause(self, seconds: float) -> None:
        """Let it work for so long, or until it ends."""
        until = time.monotonic() + seconds
        while not self._ended() and (left := until - time.monotonic()) > 0:
            self._take(min(left, 0.01))

    def kill(self, number: int) -> bool:
        """Send a signal; whether the process was still there."""
        if self._ended():
            return False
        os.kill(self.pid, number)
        return True

    def wait(self, seconds: float = GIVE_UP_S) -> int:
        """Read the rest of what it says, and its exit code."""
        until = time.monotonic() + seconds
        while not self._ended():
            if time.monotonic() > until:
                self._dump_and_end()
            self._take(0.002)
        return self.code or 0

    def end(self) -> int:
        """Kill it and what it has started, hear what it has still to say; how many processes were left."""
        left = len(self.others())
        self.kill(signal.SIGKILL)
        self.wait()
        self._end_others()
        _known.discard(self.pid)
        while self._take(0):
            pass
        *lines, self._rest = self._rest.split(b"\n")
        self.lines += [line.decode() for line in lines]
        os.close(self._reading)
        self._reading = -1
        return left

    def others(self) -> list[int]:
        """Living processes that it has started, and those that were left to this process when others died."""
        parents = {pid: parent for pid, parent, state in _processes() if state != "Z"}
        left = {pid for pid, parent in parents.items() if parent == os.getpid() and pid not in _known}
        return [pid for pid in parents if pid in left or self.pid in _ancestors(pid, parents)]

    def __del__(self) -> None:
        if self._reading >= 0:
            os.close(self._reading)
        self._stderr.close()

    def said_on_stderr(self) -> str:
        """The end of it."""
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")[-6000:]

    def _take(self, seconds: float) -> bool:
        """Read what it says now; whether there was anything."""
        if not select.select([self._reading], [], [], seconds)[0]:
            return False
        more = os.read(self._reading, 1 << 16)
        self._rest += more
        if not more:  # it has closed its side, and select would return at once
            time.sleep(min(seconds, 0.002))
        return bool(more)

    def _ended(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def _dump_and_end(self) -> None:
        """A process that hangs says where, and is ended."""
        self.kill(signal.SIGUSR1)
        time.sleep(0.5)
        self.kill(signal.SIGKILL)
        raise ChildError(f"it hangs\n{self.said_on_stderr()}")

    def _end_others(self) -> None:
        while others := self.others():
            for pid in others:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)
        for pid, parent, _ in list(_processes()):
            if parent == os.getpid() and pid not in _known:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)


_known: set[int] = set()  # children that somebody here waits for


def _ancestors(pid: int, parents: dict[int, int]) -> list[int]:
    found = []
    while pid := parents.get(pid, 0):
        found.append(pid)
    return found


def _processes() -> Iterator[tuple[int, int, str]]:
    """Process id, parent and state of every process."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                state, parent = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[:2]
                yield int(entry), int(parent), state


def _be_child(work: Callable[[], object], reading: int, writing: int, stderr: int, mask: set[int]) -> None:
    """Do the work and end; nothing of the parent's is run on the way out."""
    code = 1
    try:
        _known.clear()
        os.setsid()
        die_with_parent()
        os.close(reading)
        os.dup2(writing, 1)
        os.dup2(stderr, 2)
        os.close(writing)
        sys.stdout = sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
        signal.signal(signal.SIGINT, signal.default_int_handler)
        faulthandler.register(signal.SIGUSR1, file=2)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        work()
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException as error:  # noqa: BLE001  # whatever it is: the parent is told
        code = SENTENCE if isinstance(error, (VragError, OSError)) else 1
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # not Linux: a few processes more after a crash of the soak
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
