"""Peak memory of this process and its children together, as the system counts it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

_PROC = Path("/proc")
_EVERY_S = 0.2
_PPID, _RSS = 1, 21  # fields of /proc/PID/stat after the command's name, from 0 (man 5 proc)


class PeakMemory(AbstractContextManager["PeakMemory"]):
    """Samples resident memory while its block runs; `peak_bytes` stays None where there is no /proc.

    Pages shared between the processes are counted once for each, so the sum is an upper bound.
    """

    def __init__(self) -> None:
        self.peak_bytes: int | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> PeakMemory:
        if _PROC.is_dir():
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def text(self) -> str:
        """The peak for people."""
        return "not known" if self.peak_bytes is None else f"{self.peak_bytes / 2**30:.2f} GiB"

    def _sample(self) -> None:
        last_one = False
        while not last_one:
            last_one = self._done.wait(_EVERY_S)
            self.peak_bytes = max(self.peak_bytes or 0, family_bytes(os.getpid()))


def family_bytes(pid: int) -> int:
    """Resident bytes of a process and all its descendants."""
    resident, children = {}, dict[int, list[int]]()
    for child, parent, size in _processes():
        resident[child] = size
        children.setdefault(parent, []).append(child)
    family = [pid]
    for member in family:  # grows while it is walked
        family += children.get(member, [])
    return sum(resident.get(member, 0) for member in family)


def _processes() -> Iterator[tuple[int, int, int]]:
    """Id, parent's id and resident bytes of every process that lives long enough to be asked."""
    page = os.sysconf("SC_PAGE_SIZE")
    for folder in _PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        yield int(folder.name), int(fields[_PPID]), int(fields[_RSS]) * page
