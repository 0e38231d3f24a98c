"""Pages read in worker processes: a page that hangs, crashes or eats memory costs that page and no more."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool
from PIL.Image import Image

from vrag.errors import PageError
from vrag.pages.faults import where
from vrag.pages.load import PageLoader
from vrag.pages.page import Page, PageSpec
from vrag.pages.reader import DocumentInfo
from vrag.processes import Process, Spawn

T = TypeVar("T")

TIMEOUT_S = 120.0
MEMORY_BYTES = 4 << 30
_POOLS = 3  # tried for a page, in case they break
_loader: PageLoader | None = None  # of a worker process; keeps its last document open


class _Process(Process):
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
        """Whether it runs; of one that has crashed the tools are ended now."""
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


class _Spawn(Spawn):
    Process = _Process

    def __init__(self) -> None:
        super().__init__()
        self._locks: list[Any] = []

    def RLock(self) -> Any:  # noqa: N802  # as multiprocessing calls it
        """A lock that stays when a pool lets go of it: a process that is still starting would not find it."""
        self._locks.append(super().RLock())
        return self._locks[-1]


class PageWorkers:
    """A pool of processes that read pages.

    Its futures raise `PageError` for what cannot be read, takes too long or kills its process, and
    `CancelledError` once the pool was stopped. How many are in flight at once is up to the caller.

    Args:
        spec: What is needed of a page.
        workers: Number of processes.
        timeout_s: Seconds a task may take before its process is replaced.
        memory_bytes: Address space a process may take, where the system can limit it.
    """

    def __init__(
        self, spec: PageSpec, workers: int, timeout_s: float = TIMEOUT_S, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._timeout_s = timeout_s
        self._start: Callable[[], Any] = partial(
            ProcessPool,
            max_workers=workers,
            initializer=_start_worker,
            initargs=(spec, memory_bytes),
            context=_Spawn(),
        )
        self._lock = threading.Lock()
        self._broken: list[Any] = []
        self._is_stopped = False
        self._waiting: set[Future[Any]] = set()
        self._pool: Any = self._start()

    def __enter__(self) -> PageWorkers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for what was asked for; after an exception stop at once."""
        if kind is None:
            self._pool.close()
            self._join()
        else:
            self.stop()

    def stop(self) -> None:
        """End the processes, whatever they are doing; who waits for an answer gets `CancelledError`."""
        with self._lock:
            self._is_stopped = True  # and no other pool takes the place of one that breaks by being stopped
        self._pool.stop()
        self._join()
        for answer in tuple(self._waiting):  # a stopped pool says nothing of what it was doing
            answer.set_exception(CancelledError())

    def inspect(self, path: Path) -> Future[DocumentInfo]:
        """Page count and metadata of a document."""
        return self._ask(where(path, None), _inspect, path)

    def load(self, path: Path, number: int) -> Future[Page]:
        """Page `number` (1-based) of a document."""
        return self._ask(where(path, number), _load, path, number)

    def draw(self, path: Path, number: int, spec: PageSpec) -> Future[Image]:
        """The picture of page `number` (1-based), as `spec` says instead of the pool's own."""
        return self._ask(where(path, number), _draw, path, number, spec)

    def _join(self) -> None:
        for pool in (self._pool, *self._broken):
            pool.join()

    def _ask(self, place: str, task: Callable[..., T], *args: object) -> Future[T]:
        answer: Future[T] = Future()
        answer.set_running_or_notify_cancel()  # only the pool ends a task: at its time limit, or by stopping
        self._waiting.add(answer)
        answer.add_done_callback(self._waiting.discard)
        self._schedule(answer, place, partial(task, *args), _POOLS)
        return answer

    def _schedule(self, answer: Future[T], place: str, task: Callable[[], T], pools: int) -> None:
        """Ask the pool; a pool that breaks, because a process died while it had nothing to do, is replaced."""
        pool = self._pool
        asked: Future[T]
        try:
            asked = pool.schedule(task, timeout=self._timeout_s)
        except RuntimeError as error:  # broken before, or closed
            asked = Future()
            asked.set_exception(BrokenProcessPool(str(error)))

        def settle(done: Future[T]) -> None:
            broken = not done.cancelled() and isinstance(done.exception(), BrokenProcessPool)
            if broken and self._is_stopped:
                answer.set_exception(CancelledError())
            elif broken and pools:
                self._replace(pool)
                self._schedule(answer, place, task, pools - 1)
            else:
                _settle(answer, done, place)

        asked.add_done_callback(settle)

    def _replace(self, pool: Any) -> None:
        with self._lock:
            if pool is self._pool and not self._is_stopped:  # else another task has done it, or nobody wants it
                pool.stop()
                self._broken.append(pool)
                self._pool = self._start()


def _settle(answer: Future[T], done: Future[T], place: str) -> None:
    """Hand the pool's answer on, its own exceptions put in words."""
    if done.cancelled():
        answer.set_exception(CancelledError())
    elif (error := done.exception()) is not None:
        answer.set_exception(_in_words(error, place))
    else:
        answer.set_result(done.result())


def _in_words(error: BaseException, place: str) -> BaseException:
    if isinstance(error, FutureTimeoutError):
        failure = PageError(f"{place}: it took longer than {error.args[-1]:g} s and was given up.")
    elif isinstance(error, BrokenProcessPool):
        failure = PageError(f"{place}: the processes that read pages keep dying.", "Is the machine out of memory?")
    elif isinstance(error, ProcessExpired):
        failure = PageError(
            f"{place}: the process reading it died (exit code {error.exitcode}).",
            "It crashes the renderer, or needs more memory than a page may take.",
        )
    else:
        return error
    failure.__cause__ = error
    return failure


def _start_worker(spec: PageSpec, memory_bytes: int) -> None:
    """Prepare a process: Ctrl-C is for the main process to handle, memory is bounded."""
    global _loader
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory(memory_bytes)
    _loader = PageLoader(spec)


def _limit_memory(memory_bytes: int) -> None:
    """Bound the address space where there is a way to: Windows has none, macOS may refuse."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _inspect(path: Path) -> DocumentInfo:
    assert _loader is not None
    return _loader.inspect(path)


def _load(path: Path, number: int) -> Page:
    assert _loader is not None
    return _loader.load(path, number)


def _draw(path: Path, number: int, spec: PageSpec) -> Image:
    global _loader
    assert _loader is not None
    if _loader.spec != spec:
        _loader.close()
        _loader = PageLoader(spec)
    return _loader.render(path, number)
