"""What this process may use of the machine."""

from __future__ import annotations

import os


def usable_cpus() -> int:
    """CPUs this process may run on, which in a container are fewer than the machine has."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
