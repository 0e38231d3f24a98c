"""Work that others need not wait for."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

BEHIND = 5  # steps of `nice`: a quarter of a core where all cores are wanted by others, and all of it where none is


def step_back() -> None:
    """Let whoever else has work go first, from now on: of this thread and of the threads and processes it starts.

    Only Linux tells the threads of a process apart; elsewhere nothing changes.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            me = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + BEHIND)
