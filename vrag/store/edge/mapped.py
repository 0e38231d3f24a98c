"""Mapped files out of this process's memory: what was written or read once need not stay.

The engine maps its files. Whatever it touches is counted as this process's memory until the system needs the room,
so an ingest would seem to grow with the index. Taken out, the bytes stay in the system's file cache and on the disk,
and come back when they are touched again.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_MAPS = Path("/proc/self/maps")
_MADV_DONTNEED = 4  # Linux; of a shared mapping of a file it loses nothing (man 2 madvise)
_FIELDS = 5  # of a line of the maps before the file's name (man 5 proc_pid_maps)


def release_files(folder: Path) -> None:
    """Take the mapped files of a folder out of resident memory; does nothing where the system is not Linux.

    Nobody may map or unmap anything of the folder meanwhile: its addresses could be another mapping's by then.

    Args:
        folder: With everything below it.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for start, end in list(_shared_mappings(os.fsencode(os.path.realpath(folder)) + b"/")):
        libc.madvise(start, end - start, _MADV_DONTNEED)  # refused for locked memory, which then stays


def _shared_mappings(prefix: bytes) -> Iterator[tuple[int, int]]:
    """Addresses of the shared mappings of files whose path starts so; private ones may hold what no file has."""
    for line in _MAPS.read_bytes().splitlines():
        fields = line.split(maxsplit=_FIELDS)
        if len(fields) > _FIELDS and fields[_FIELDS].startswith(prefix) and fields[1].endswith(b"s"):
            start, end = fields[0].split(b"-")
            yield int(start, 16), int(end, 16)
