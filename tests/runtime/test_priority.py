"""A thread that steps back takes what it starts with it, and nothing else."""

import os
import subprocess
import sys
import threading

import pytest

from vrag.runtime.priority import BEHIND, step_back

LOWEST = 19  # that Linux has
SAYS = [sys.executable, "-c", "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"]


def of_this_thread():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the threads of a process apart")
def test_a_thread_that_steps_back():
    before, found = of_this_thread(), []

    def work():
        step_back()
        found.append(of_this_thread())
        inner = threading.Thread(target=lambda: found.append(of_this_thread()))
        inner.start()
        inner.join()
        found.append(int(subprocess.run(SAYS, capture_output=True, check=True).stdout))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [min(before + BEHIND, LOWEST)] * 3
    assert of_this_thread() == before
