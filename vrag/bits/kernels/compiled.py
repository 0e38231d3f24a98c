"""Which kernels run: those numba has compiled once on this machine, else numpy.

Compiling takes seconds, so nobody waits for it: it is done by a process of its own, started when pages are first
turned to bits and again when a search finds nothing compiled. A stamp in the user's cache folder says that it is
done for this copy of vrag, Python, numba, processor and source; numba keeps the machine code itself, in a cache that
may be deleted or go stale behind the stamp: then the stamp goes too, and it is done again.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from vrag.runtime.spawning import python_command

RETRY_SECONDS = 600  # a failed or running attempt is not repeated sooner
KERNELS, EXACT_KERNEL = "vrag.bits.kernels.kernels", "vrag.bits.kernels.exact_kernel"


def installed() -> bool:
    """Whether numba is there (extra `[fast]`), and may compile."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") == "0" and importlib.util.find_spec("numba") is not None


_importing = threading.Lock()  # two threads that import numba by different doors wait for each other for ever
_started: list[subprocess.Popen[bytes]] = []  # held: one let go while it runs is a ResourceWarning


def kernels() -> ModuleType | None:
    """The compiled kernels; None when numba is missing or has not compiled them yet."""
    if _load.cache_info().currsize:
        return _load()
    if not (installed() and _stamp().exists()):
        return None
    try:
        with _importing, _cached_only():
            return _load()
    except _NotCachedError:
        with suppress(OSError):
            _stamp().unlink()
        return None


def _renew_lock() -> None:
    """In a forked child: nobody is left who would give it back."""
    global _importing
    _importing = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def exact_kernel() -> ModuleType:
    """The kernel of exact MaxSim, for who has seen that `kernels` are there."""
    return importlib.import_module(EXACT_KERNEL)


def compile_now() -> None:
    """Compile and leave the stamp; takes seconds the first time, and again after an upgrade. Nothing without numba."""
    if installed() and kernels() is None:
        with _importing:
            _load()
        _write(_stamp())


def compile_in_background() -> None:
    """Start a process that compiles, unless it is done, being done, or numba is missing."""
    if not installed() or _stamp().exists() or _recent(_attempt()):
        return
    if not _write(_attempt()):
        return  # no cache folder: numba could not keep what it compiles either
    _started.append(
        subprocess.Popen(
            python_command("from vrag.bits.kernels.compiled import compile_now; compile_now()"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is not meant for it
        )
    )


class _NotCachedError(Exception):
    """Numba would have to compile."""


@contextmanager
def _cached_only() -> Iterator[None]:
    """Have numba stop where it starts to compile a kernel: only it can tell what its cache has.

    Raises:
        _NotCachedError: It would have compiled.
    """
    from numba.core import event

    class Refusal(event.Listener):
        def on_start(self, event: Any) -> None:
            if event.data["dispatcher"].py_func.__module__ in (KERNELS, EXACT_KERNEL):
                raise _NotCachedError

        def on_end(self, event: Any) -> None:
            """Nothing: nobody waits for it."""

    with event.install_listener("numba:compile", Refusal()):
        yield


@lru_cache(maxsize=1)
def _load() -> ModuleType:
    exact_kernel()
    return importlib.import_module(KERNELS)


@lru_cache(maxsize=1)
def _stamp() -> Path:
    from platformdirs import user_cache_path

    source = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("kernels.py", "exact_kernel.py"))
    facts = (
        platform.python_version(),
        metadata.version("numba"),
        platform.machine(),
        _processor(),
        sys.prefix,
        __file__,
    )
    settings = (f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("NUMBA_"))
    digest = hashlib.sha256("\n".join((*facts, *settings)).encode() + source).hexdigest()[:16]
    return user_cache_path("vrag") / f"kernels-{digest}"


def _attempt() -> Path:
    return _stamp().with_suffix(".attempt")


def _processor() -> str:
    """The processor's name, as the system tells it: a home folder may be shared by different machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return "".join(sorted({line for line in lines if line.startswith(("model name", "flags"))}))


def _recent(file: Path) -> bool:
    try:
        return time.time() - file.stat().st_mtime < RETRY_SECONDS
    except OSError:
        return False


def _write(file: Path) -> bool:
    """Make an empty file of this age; False where that is not possible."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        os.utime(file)
    except OSError:
        return False
    return True
