"""Pages read in worker processes: a page that hangs, crashes or eats memory costs that page and no more."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pebble import CONSTS, ProcessExpired, ProcessPool
from PIL.Image import Image

from vrag.errors import PageError
from vrag.pages.files import where
from vrag.pages.load import PageLoader
from vrag.pages.page import Page, PageSpec
from vrag.pages.processes import PoolContext, WorkerSpawn, suspensions
from vrag.pages.reader import DocumentInfo

T = TypeVar("T")

TIMEOUT_S = 120.0
MEMORY_BYTES = 4 << 30
_TRIES = 3  # more of a page, in case its pool breaks or this process is suspended
_FOREVER_S = 1e8
_loader: PageLoader | None = None  # of a worker process; keeps its last document open


class PageWorkers:
    """A pool of processes that read pages.

    Its futures raise `PageError` for what cannot be read, takes too long or kills its process, and
    `CancelledError` once the pool was stopped.

    Args:
        spec: What is needed of a page.
        workers: Number of processes.
        timeout_s: Seconds a task may take before its process is replaced.
        memory_bytes: Address space a process may take, where the system can limit it.
        in_flight: Pages that whoever has many to read asks for at once; that is up to him.
    """

    def __init__(
        self,
        spec: PageSpec,
        workers: int,
        timeout_s: float = TIMEOUT_S,
        memory_bytes: int = MEMORY_BYTES,
        in_flight: int = 1,
    ) -> None:
        self.in_flight = in_flight
        self._timeout_s = timeout_s
        self._start: Callable[..., Any] = partial(
            ProcessPool, max_workers=workers, initializer=_start_worker, initargs=(spec, memory_bytes)
        )
        self._lock = threading.Lock()
        self._ending: list[threading.Thread] = []
        self._is_stopped = False
        self._waiting: set[Future[Any]] = set()
        self._pool: Any = self._new_pool()

    def __enter__(self) -> PageWorkers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for what was asked for; after an exception stop at once."""
        if kind is None:
            wait(tuple(self._waiting))
        self.stop()

    def stop(self) -> None:
        """End the processes, whatever they are doing; who waits for an answer gets `CancelledError`."""
        with self._lock:
            self._is_stopped = True  # and no other pool takes the place of one that breaks by being stopped
        self._pool.stop()
        self._pool.join()
        for ending in self._ending:
            ending.join()
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

    def read(self, path: Path, number: int, spec: PageSpec) -> Future[Page]:
        """Page `number` (1-based), as `spec` says instead of the pool's own."""
        return self._ask(where(path, number), _read, path, number, spec)

    def _new_pool(self) -> Any:
        return self._start(context=PoolContext(WorkerSpawn()))

    def _ask(self, place: str, task: Callable[..., T], *args: object) -> Future[T]:
        answer: Future[T] = Future()
        answer.set_running_or_notify_cancel()  # only the pool ends a task: at its time limit, or by stopping
        self._waiting.add(answer)
        answer.add_done_callback(self._waiting.discard)
        self._schedule(answer, place, partial(task, *args), _TRIES)
        return answer

    def _schedule(self, answer: Future[T], place: str, task: Callable[[], T], tries: int) -> None:
        """Ask the pool; a pool that breaks, because a process died idle or with a lock, is replaced as a whole."""
        pool, before = self._pool, suspensions.count()
        asked: Future[T]
        try:
            asked = pool.schedule(task, timeout=self._timeout_s)
        except RuntimeError as error:  # broken before, or closed
            asked = Future()
            asked.set_exception(BrokenProcessPool(str(error)))

        def settle(done: Future[T]) -> None:
            error = None if done.cancelled() else done.exception()
            is_broken = isinstance(error, BrokenProcessPool)
            is_late = isinstance(error, FutureTimeoutError) and suspensions.count() > before  # by no fault of its own
            if is_broken and self._is_stopped:
                answer.set_exception(CancelledError())
            elif (is_broken or is_late) and tries:
                if is_broken:
                    self._replace(pool)
                self._schedule(answer, place, task, tries - 1)
            else:
                _settle(answer, done, place)

        asked.add_done_callback(settle)

    def _replace(self, pool: Any) -> None:
        with self._lock:
            if pool is self._pool and not self._is_stopped:  # else another task has done it, or nobody wants it
                pool.stop()
                ending = threading.Thread(target=pool.join, daemon=True)  # elsewhere: this thread is one of the pool's
                ending.start()
                self._ending.append(ending)
                self._pool = self._new_pool()


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
    """Prepare a process: Ctrl-C is for the main process to handle, memory is bounded, and a lock is worth any wait.

    Whoever has the lock may be writing to a main process that is suspended; of one that is dead the pool takes care.
    """
    global _loader
    CONSTS.channel_lock_timeout = _FOREVER_S
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
    return _loader_of(spec).render(path, number)


def _read(path: Path, number: int, spec: PageSpec) -> Page:
    return _loader_of(spec).load(path, number)


def _loader_of(spec: PageSpec) -> PageLoader:
    global _loader
    assert _loader is not None
    if _loader.spec != spec:
        _loader.close()
        _loader = PageLoader(spec)
    return _loader


def count_pages(files: Sequence[Path], workers: PageWorkers) -> tuple[dict[Path, int], list[str]]:
    """Pages of each file, and a sentence for each that cannot be read."""
    asked = [(file, workers.inspect(file)) for file in files]
    counts: dict[Path, int] = {}
    failed = []
    for file, future in asked:
        try:
            counts[file] = future.result().pages
        except PageError as error:
            failed.append(str(error))
    return counts, failed
