"""Memory of the machine and of this process, and sizes as people type them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from vrag.errors import UsageError
from vrag.runtime.parsing import MalformedError, real_number
from vrag.runtime.pathtext import quoted

GIB = 1 << 30
_ARENA_MAX = -8  # of mallopt
MOST_BYTES = 1 << 60  # that can be asked for: more than any machine has
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": GIB}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmg]i?)?b?\s*", re.IGNORECASE)


def machine_bytes() -> int:
    """Memory of the machine, or of the container this process lives in."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8 * GIB
    return min([physical, *(limit for file in _LIMITS if (limit := _read_limit(Path(file))))])


def stay_small() -> None:
    """Have all threads take memory from two places, for a process that is to work for days; before it has threads.

    glibc makes a place for every thread that finds the others taken, and what is freed in one serves no other.
    """
    _glibc("mallopt", _ARENA_MAX, 2)


def give_back() -> None:
    """Let the system have what this process has freed, which glibc keeps."""
    _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> None:
    """Call a function of glibc; elsewhere there is no such function, and no need for it."""
    if sys.platform == "linux":
        import ctypes

        function = getattr(ctypes.CDLL(None), name, None)  # musl has neither
        if function is not None:
            function(*arguments)


def parse_bytes(text: str) -> int:
    """Bytes from text such as `4GB`, `1.5 GiB` or `500m`.

    Raises:
        UsageError: It is no size.
    """
    match = _SIZE.fullmatch(text)
    try:
        number = real_number(match[1] if match else "")
    except MalformedError as error:
        raise UsageError(f"{quoted(text)} is no size.", "e.g. 4GB or 1.5GiB") from error
    size = number * _UNITS[(match and match[2] or "").lower()]
    if size > MOST_BYTES:
        raise UsageError(f"{quoted(text)} is more than any machine has.", "e.g. 4GB or 1.5GiB")
    return int(size)


def _read_limit(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # no container, or `max`
        return None
