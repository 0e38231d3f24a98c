"""Work that a test lets go of when it likes, for workers whose fate is to be met in the middle of it."""

import os
import time

import pytest

GIVE_UP_S = 45  # less than the minute for which pebble would wait for a lock


def until(happens):
    """Wait for it, within reason."""
    for _ in range(100 * GIVE_UP_S):
        if happens():
            return
        time.sleep(0.01)
    pytest.fail("it does not happen")


def hold(folder):
    """Work, as a file `held-<process id>` says, until there is a file `go`; the process that did it."""
    (folder / f"held-{os.getpid()}").touch()
    until((folder / "go").exists)
    return os.getpid()
