"""The processes of a pool: they start whole, end with all they have started, and leave no lock that is trusted."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import parent_process
from multiprocessing.context import BaseContext
from typing import Any

from vrag.runtime.spawning import Process, Spawn

_PATIENCE_S = 1.0  # who lives holds a lock for as long as it takes to write a page to a pipe
_GAP_S = 5.0  # a pool looks after its processes ten times a second


class Suspensions:
    """Counts how often this process did not run for a while: it was stopped (Ctrl-Z) or frozen, or its machine slept.

    Such a while is part of the time that a page seems to have taken. Whoever waits for pages has to look often.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = time.time()  # the clock that pebble measures time limits with
        self._count = 0

    def count(self) -> int:
        """Look at the clock; how often it has leapt so far."""
        with self._lock:
            now = time.time()
            self._count += now - self._looked > _GAP_S
            self._looked = now
            return self._count


suspensions = Suspensions()  # of this process, whatever the number of its pools


class WorkerProcess(Process):
    """A process that ends with its parent, and every tool it has started with it."""

    _is_over = False

    def start(self) -> None:
        """Start whole or not at all, whenever Ctrl-C is pressed."""
        with _interrupted_later():
            super().start()

    def run(self) -> None:
        """Work in a group of its own, while a thread waits for the parent to die."""
        if sys.platform != "win32":
            os.setsid()
        threading.Thread(target=_follow_parent, daemon=True).start()
        super().run()

    def terminate(self) -> None:
        """End it at once; whoever stops a worker has done so because it hangs, or has nothing to do."""
        self._end_group()
        super().kill()

    def is_alive(self) -> bool:
        """Whether it runs, as its pool keeps asking; of one that has crashed the tools are ended now."""
        suspensions.count()
        alive = super().is_alive()
        if not alive:
            self._end_group()
        return alive

    def _end_group(self) -> None:
        if sys.platform != "win32" and self.pid is not None and not self._is_over:
            self._is_over = True  # soon the number may be another's
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it has none yet, or none any more
                os.killpg(self.pid, signal.SIGKILL)


def _follow_parent() -> None:
    """End this process and its tools when the parent is gone, whatever they are doing."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    if sys.platform != "win32":
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


@contextlib.contextmanager
def _interrupted_later() -> Iterator[None]:
    """Hold Ctrl-C back: a process that was half started would print its own traceback, and a new one, too.

    A mask alone would not do: the signal would go to another thread, and its handler still runs in the main one.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a new process starts with it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler if handler is not None else signal.SIG_DFL)
        if came:
            signal.raise_signal(signal.SIGINT)


class WorkerSpawn(Spawn):
    """The context of such processes."""

    Process = WorkerProcess


class PoolContext:
    """What one pool makes its locks, pipes and processes with.

    The processes share two locks, which stay locked for ever when one dies with them: the others would wait, what it
    was writing stays half written, and a task that it had taken but not acknowledged is lost. So no process starts
    in the place of a dead one before the locks have proved to be free; nor in the place of one that gave up by itself,
    such as one without memory for the task that it took, since that lets go of the locks.

    Args:
        context: Makes them.
    """

    def __init__(self, context: BaseContext) -> None:
        self._context: Any = context
        self._locks: list[Any] = []
        self._processes: list[Any] = []
        self.Pipe = self._context.Pipe

    def RLock(self) -> Any:  # noqa: N802  # as multiprocessing calls it
        """A lock that stays when a pool lets go of it: a process that is still starting would not find it."""
        self._locks.append(self._context.RLock())
        return self._locks[-1]

    def Process(self, **arguments: Any) -> Any:  # noqa: N802
        """A process that is still to be started.

        Raises:
            OSError: A task may be lost; the pool takes itself for broken then, and gives back what is not finished.
        """
        if any((process.exitcode or 0) > 0 for process in self._processes):
            raise OSError("A process of the pool gave up.")
        for lock in self._locks:
            if not lock.acquire(timeout=_PATIENCE_S):
                raise OSError("A process died with a lock of its pool.")
            lock.release()
        self._processes.append(self._context.Process(**arguments))
        return self._processes[-1]
