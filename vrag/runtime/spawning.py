"""Processes of Python that run what is installed, whatever lies in the current directory.

A Python started with `-c` looks for modules in the current directory first, and so do the children of
`multiprocessing` until they have been told where their parent looks: a folder of documents that has a `pickle.py` or
a `vrag` in it would be run.
"""

from __future__ import annotations

import multiprocessing.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from types import ModuleType
from typing import Any

_HERE_LAST = "-P" if sys.version_info >= (3, 11) else "-I"  # either keeps the current directory out
_SET_PATH = "import sys; sys.path[:] = sys.argv[1:]; "
_starting = threading.Lock()


def python_command(code: str) -> list[str]:
    """The command that runs `code` in a new Python, which finds modules where this one does, and this very vrag."""
    home = str(Path(__file__).parents[2])
    path = [entry for entry in sys.path if entry]  # the empty one is the current directory
    return [sys.executable, _HERE_LAST, "-c", _SET_PATH + code, *([] if home in path else [home]), *path]


class Process(SpawnProcess):
    """A process that imports neither what lies in the current directory nor the program that uses vrag.

    Without a main guard that program would run again in each; nothing sent to a process is defined in it.
    """

    def start(self) -> None:
        """Start while `__main__` looks like an interpreter's prompt."""
        with _guarded():
            super().start()


class Spawn(SpawnContext):
    """The context of such processes, for pools and executors."""

    Process = Process

    def __init__(self) -> None:
        super().__init__()
        if sys.platform != "win32":
            with _guarded():  # the first lock would start it, outside of any `start`
                resource_tracker.ensure_running()


@contextmanager
def _guarded() -> Iterator[None]:
    """While `multiprocessing` starts a Python: keep it from the current directory, and from `__main__`."""
    util: Any = multiprocessing.util
    with _starting:
        program, flags = sys.modules["__main__"], util._args_from_interpreter_flags
        sys.modules["__main__"] = ModuleType("__main__")
        util._args_from_interpreter_flags = lambda: [*flags(), _HERE_LAST]
        try:
            yield
        finally:
            sys.modules["__main__"], util._args_from_interpreter_flags = program, flags
