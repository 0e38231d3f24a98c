"""The library of kernels: what its file is called, and how it is loaded.

A wheel carries it, made of `kernels.c` when the wheel is built (`hatch_build.py`, which runs this file alone, before
anything is installed). Its name tells of which source it is, so that one left behind in a checkout is not found.
"""

from __future__ import annotations

import ctypes
import hashlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = ("kernels.c", "scoring.h")
_SUFFIXES = {"win32": ".dll", "darwin": ".dylib"}


def library_name(system: str = sys.platform) -> str:
    """The file's name on a system, named as `sys.platform` does."""
    source = b"".join((FOLDER / name).read_bytes() for name in SOURCES)
    return f"kernels-{hashlib.sha256(source).hexdigest()[:12]}{_SUFFIXES.get(system, '.so')}"


def load() -> ctypes.CDLL | None:
    """The library; None where the wheel has none for this machine, or the system does not take it."""
    file = FOLDER / library_name()
    if not file.exists():
        return None
    try:
        return ctypes.CDLL(str(file))
    except OSError:
        return None


def instruction_sets(library: ctypes.CDLL) -> tuple[str, ...]:
    """Instruction sets of the library that this machine can run, best first."""
    asked = library.instruction_sets
    asked.restype = ctypes.c_char_p
    return tuple(asked().decode().split())
