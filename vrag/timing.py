"""A stop-watch for the stages of a run: where did the time go, and what bounds it?

Code deep inside says `with timed("forward"):`; whoever runs it says `with watching() as watch:` around. Without a
watch, `timed` costs nothing. Threads started with a copy of the context report to the same watch.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

# In the order a page passes them: the first three in worker processes, the next two in the main thread, the last two in
# the writer's. "read" is the text layer and OCR. What the main thread waited for the others is counted beside them.
STAGES = ("read", "render", "crop", "preprocess", "forward", "pool", "store")
IN_WORKERS, IN_MODEL, IN_WRITER = STAGES[:3], STAGES[3:5], STAGES[5:]
READING, WRITING, OPTIMIZING = "wait for pages", "wait for store", "optimize store"
IN_MAIN = (*IN_MODEL, READING, WRITING, OPTIMIZING)


def bound(seconds: Mapping[str, float]) -> str:
    """What the main thread spent most of its time on: "reading pages", "the model", or "writing"."""
    parts = {
        "reading pages (more --workers)": seconds.get(READING, 0.0),
        "the model": sum(seconds.get(stage, 0.0) for stage in IN_MODEL),
        "writing": seconds.get(WRITING, 0.0) + seconds.get(OPTIMIZING, 0.0),
    }
    return max(parts, key=lambda part: parts[part])


class Stopwatch:
    """Seconds by stage, added up from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = defaultdict(float)

    def add(self, stage: str, seconds: float) -> None:
        """Count `seconds` of work for a stage."""
        with self._lock:
            self._seconds[stage] += seconds

    def seconds(self) -> dict[str, float]:
        """Seconds of each stage that was seen: those of worker processes, the main thread, the writer, and others."""
        known = {stage: self._seconds[stage] for stage in (*IN_WORKERS, *IN_MAIN, *IN_WRITER) if stage in self._seconds}
        return {**known, **self._seconds}


_current: ContextVar[Stopwatch | None] = ContextVar("vrag_stopwatch", default=None)


@contextmanager
def watching(watch: Stopwatch | None = None) -> Iterator[Stopwatch]:
    """Everything `timed` inside this block, and in threads that copy its context, is added to the watch."""
    chosen = watch or Stopwatch()
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Add the wall time of this block to `stage` of the current watch, when there is one."""
    started = time.perf_counter()
    try:
        yield
    finally:
        count(stage, time.perf_counter() - started)


def count(stage: str, seconds: float) -> None:
    """Add seconds measured elsewhere, as in a worker process, to the current watch."""
    watch = _current.get()
    if watch is not None:
        watch.add(stage, seconds)
