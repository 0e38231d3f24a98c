"""What this process may use of the machine."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path

_X86 = ("x86_64", "amd64", "i386", "i686")
_CPUINFO = Path("/proc/cpuinfo")


def usable_cpus() -> int:
    """CPUs this process may run on, which in a container are fewer than the machine has."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@functools.cache
def multiplies_bytes_exactly() -> bool:
    """Whether sums of products of bytes are exact on this processor, in one instruction: VNNI of x86, others by theirs.

    False also where an x86 processor does not tell.
    """
    if platform.machine().lower() not in _X86:
        return True
    try:
        return has_vnni(_CPUINFO.read_text(encoding="ascii", errors="replace"))
    except OSError:
        return False


def has_vnni(cpuinfo: str) -> bool:
    """Whether a processor whose flags Linux lists like this has VNNI."""
    flags = {word for line in cpuinfo.splitlines() if line.startswith("flags") for word in line.split()}
    return bool(flags & {"avx512_vnni", "avx_vnni"})
