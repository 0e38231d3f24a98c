"""Several processes that soak at once, and what all of them need."""

from __future__ import annotations

import importlib
import os
import pickle
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.soak.fork import Child, ChildError, adopt_orphans, temporary_file

T = TypeVar("T", bound=Any)
_told_at: list[int] = []


def tell(text: str) -> None:
    """A line of progress from a child, to the stderr of whoever started it all."""
    for number in _told_at:
        os.write(number, f"{text}\n".encode())


def fast_place() -> str | None:
    """Memory where there is some: a soak waits for disks most of the time otherwise."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def in_parallel(work: Callable[[int], T], processes: int, total: T) -> T:
    """`total` and what processes of their own bring, added up.

    Raises:
        ChildError: One of them failed.
    """
    if not _told_at:
        _told_at.append(os.dup(2))
    files = [temporary_file() for _ in range(processes)]

    def write(file: Path, number: int) -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        adopt_orphans()
        file.write_bytes(pickle.dumps(work(number)))

    children = [Child(lambda file=file, n=n: write(file, n)) for n, file in enumerate(files)]  # type: ignore[misc]
    for child, file in zip(children, files, strict=True):
        if child.wait(1e9) != 0:
            raise ChildError(child.said_on_stderr())
        total += pickle.loads(file.read_bytes())
        file.unlink()
    return total


def preload() -> None:
    """Import what the children need, once."""
    names = (
        "qdrant_edge",
        "vrag.bits.beside",
        "vrag.ingest.ingest",
        "vrag.pages.load",
        "vrag.upkeep.repool",
        "tests.store.rest",
    )
    for name in (*names, "tests.store.rest", "vrag.embedders.builtin", "vrag.store.server.server", "pypdfium2"):
        importlib.import_module(name)
