"""Time during which the main process was suspended, or the machine asleep, is no fault of a page."""

import os
import time

import pytest
from pebble import CONSTS

from tests.pages.holding import GIVE_UP_S, hold, until
from vrag.pages import workers
from vrag.pages.page import PageSpec
from vrag.pages.processes import Suspensions
from vrag.pages.workers import PageWorkers

SPEC = PageSpec(image=False)


@pytest.fixture
def clock(monkeypatch):
    """Lets the wall clock leap, as it does for a process that did not run meanwhile: `clock[0] = seconds`."""
    ahead, real = [0.0], time.time
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])
    return ahead


def test_a_page_that_was_read_while_the_machine_slept_is_read_again(tmp_path, clock):
    with PageWorkers(SPEC, 1, timeout_s=600) as pool:
        held = pool._ask("a.pdf", hold, tmp_path)
        until(lambda: len(list(tmp_path.iterdir())) == 1)
        clock[0] = 3600.0
        until(lambda: held.done() or len(list(tmp_path.iterdir())) == 2)
        (tmp_path / "go").touch()
        assert f"held-{held.result(GIVE_UP_S)}" in os.listdir(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.skipif(os.name == "nt", reason="on Windows nobody locks to write")
def test_a_worker_waits_for_a_lock_as_long_as_the_main_process_is_suspended(tmp_path, monkeypatch):
    """Another worker has the lock, and writes to a pipe that nobody reads meanwhile."""
    monkeypatch.setattr(workers, "_start_worker", _impatient)
    with PageWorkers(SPEC, 1) as pool:
        held = pool._ask("a.pdf", hold, tmp_path)
        until(lambda: list(tmp_path.iterdir()))
        with pool._pool._pool_manager.worker_manager.workers_channel.mutex.writer_mutex:
            (tmp_path / "go").touch()
            time.sleep(1)  # five times as long as it would wait
        assert (tmp_path / f"held-{held.result(GIVE_UP_S)}").exists()


def test_a_suspension_is_a_leap_of_the_clock(clock):
    seen = Suspensions()
    counts = []
    for clock[0] in (1.0, 2.0, 100.0, 101.0, 50.0, 51.0, 200.0):
        counts.append(seen.count())
    assert counts == [0, 0, 1, 1, 1, 1, 2]


def _impatient(spec, memory_bytes):
    """The start of a worker that waits a moment for a lock, instead of a minute, unless it is told better."""
    CONSTS.channel_lock_timeout = 0.2
    workers._start_worker(spec, memory_bytes)
