"""How much memory an ingest may take, and how it is divided between the processes."""

from __future__ import annotations

import os
from dataclasses import dataclass

from vrag.errors import UsageError
from vrag.pages.page import PageSpec
from vrag.runtime.memory import GIB, machine_bytes
from vrag.runtime.units import size

_SHARE = 0.5  # of the machine, when nothing else is said
_MAIN = GIB  # model, engine and a batch of pages
_WORKER_MIN = 3 * GIB // 2  # the OCR engine and one page
_WORKER_MAX = 4 * GIB
_IN_FLIGHT_SHARE = 8  # pages between the processes take at most an eighth
_AHEAD = 12  # pages in flight for each worker: enough that a slow one holds nobody up
_WORDS = 1 << 20  # what a page is besides its picture, at the very most


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
