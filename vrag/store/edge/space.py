"""Room on the disk: the engine maps its files, so on a full disk it would not fail but die."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from vrag.errors import StoreError

READING_BYTES = 16 << 20  # opening makes an empty segment, closing and deleting write to the log
WRITING_BYTES = 128 << 20  # a segment of the log, and of every vector's file, that a batch may begin
_MOUNTS = Path("/proc/self/mountinfo")


def require_space(folder: Path, needed: int) -> None:
    """Stop before the disk does.

    Args:
        folder: Of the engine; one that is not there yet needs nothing.
        needed: Bytes that the next step may write, with what other programs may take meanwhile.

    Raises:
        StoreError: Fewer are free.
    """
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreError(
            f"The disk is full: {free >> 20} MiB are free at {folder}, {needed >> 20} are needed.",
            "Free some space and run the same command again.",
        )


def reading_bytes(folder: Path) -> int:
    """Bytes that opening and reading may take: in a tmpfs, holes of files are filled even when they are read."""
    return WRITING_BYTES if _is_in_memory(folder) else READING_BYTES


def _is_in_memory(folder: Path) -> bool:
    """Whether the folder lies in a tmpfs; False where the system does not say (man 5 proc_pid_mountinfo)."""
    try:
        device = folder.stat().st_dev
        place = f"{os.major(device)}:{os.minor(device)}"
        mounts = [line.split() for line in _MOUNTS.read_text().splitlines()]
    except (OSError, AttributeError):
        return False
    return any(fields[2] == place and "tmpfs" in fields[fields.index("-") + 1] for fields in mounts)
