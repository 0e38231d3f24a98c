"""How much memory an ingest may take, and how it is divided between the processes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from vrag.errors import UsageError
from vrag.pages.page import PageSpec
from vrag.parsing import MalformedError, real_number
from vrag.pathtext import quoted
from vrag.units import size

GIB = 1 << 30
MOST_BYTES = 1 << 60  # that can be asked for: more than any machine has
_SHARE = 0.5  # of the machine, when nothing else is said
_MAIN = GIB  # model, engine and a batch of pages
_WORKER_MIN = 3 * GIB // 2  # the OCR engine and one page
_WORKER_MAX = 4 * GIB
_IN_FLIGHT_SHARE = 8  # pages between the processes take at most an eighth
_AHEAD = 12  # pages in flight for each worker: enough that a slow one holds nobody up
_WORDS = 1 << 20  # what a page is besides its picture, at the very most
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": GIB}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmg]i?)?b?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Division:
    """What the processes of an ingest may take.

    Args:
        workers: Processes that read pages.
        worker_bytes: Address space of each; what takes more is ended, and its page reported.
        in_flight: Pages asked of the workers at once.
    """

    workers: int
    worker_bytes: int
    in_flight: int


def divide(max_memory: int | None, workers: int | None, spec: PageSpec) -> Division:
    """The processes that fit into `max_memory` bytes (default: half of the machine's).

    Raises:
        UsageError: Not even one does.
    """
    total = max(int(machine_bytes() * _SHARE), _MAIN + _WORKER_MIN) if max_memory is None else max_memory
    left = total - _MAIN
    if left < _WORKER_MIN:
        raise UsageError(f"{size(total)} of memory are not enough: an ingest needs {size(_MAIN + _WORKER_MIN)}.")
    count = min(workers or os.cpu_count() or 1, left // _WORKER_MIN)
    page = _WORDS + (3 * spec.max_side**2 if spec.image else 0)
    in_flight = min(count * _AHEAD, max(count, total // _IN_FLIGHT_SHARE // page))
    return Division(count, min(_WORKER_MAX, left // count), in_flight)


def machine_bytes() -> int:
    """Memory of the machine, or of the container this process lives in."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8 * GIB
    return min([physical, *(limit for file in _LIMITS if (limit := _read_limit(Path(file))))])


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
