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

# In the order a page passes them: the first four in worker processes, the next two in the main thread, the last two in
# the writer's. "read" is the text layer and OCR, "ocr" that part of it. What the main thread waited for the others is
# counted beside them.
OCR = "ocr"
STAGES = ("read", OCR, "render", "crop", "preprocess", "forward", "pool", "store")
IN_WORKERS, IN_MODEL, IN_WRITER = STAGES[:4], STAGES[4:6], STAGES[6:]
READING, WRITING, OPTIMIZING = "wait for pages", "wait for store", "optimize store"
IN_MAIN = (*IN_MODEL, READING, WRITING, OPTIMIZING)


def bound(seconds: Mapping[str, float], workers: int, cores: int) -> str:
    """What the main thread spent most of its time on, and what can be changed about it.

    Args:
        seconds: By stage.
        workers: Processes that read pages; 0 when a cluster did.
        cores: Of this machine.
    """
    parts = {
        _reading(seconds, workers, cores): seconds.get(READING, 0.0),
        "the model (--device for one that runs on a GPU, --ray for more machines)": sum(
            seconds.get(stage, 0.0) for stage in IN_MODEL
        ),
        "writing (a faster disk, or a pipeline with fewer vectors)": seconds.get(WRITING, 0.0)
        + seconds.get(OPTIMIZING, 0.0),
    }
    return max(parts, key=lambda part: parts[part])


def _reading(seconds: Mapping[str, float], workers: int, cores: int) -> str:
    if not workers:
        return "reading and embedding on the cluster (more machines in it)"
    if workers < cores:
        return f"reading pages, with {workers} of {cores} cores (more --workers, and --max-memory for them)"
    busy = "the only core" if cores == 1 else f"all {cores} cores"
    if seconds.get(OCR, 0.0) > sum(seconds.get(stage, 0.0) for stage in ("read", "render", "crop")) / 2:
        return f"recognising text on pictures, with {busy} (--ocr never leaves it out, --ray takes more machines)"
    return f"reading pages, with {busy} (--ray takes more machines)"


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
