"""Processes that read pages start whole or not at all."""

import gc
import os
import signal
from multiprocessing.context import SpawnProcess

import pytest

from vrag.pages.processes import PoolContext, WorkerProcess, WorkerSpawn

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no signals to hold back")


def _start_with(monkeypatch, during):
    """A process whose start was disturbed half way."""
    whole, started = SpawnProcess.start, []

    def start(self):
        during()
        whole(self)
        started.append(self)

    monkeypatch.setattr(SpawnProcess, "start", start)
    return started


def test_an_interrupt_waits_until_the_process_has_started(monkeypatch):
    started = _start_with(monkeypatch, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        WorkerProcess(target=abs, args=(1,)).start()
    (process,) = started
    process.join(30)
    assert process.exitcode == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_process_is_deaf_to_ctrl_c_from_its_first_moment(monkeypatch):
    masks = []
    started = _start_with(monkeypatch, lambda: masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
    WorkerProcess(target=abs, args=(1,)).start()
    started[0].join(30)
    assert signal.SIGINT in masks[0]


def test_a_process_that_still_starts_when_its_pool_ends_finds_the_locks():
    context = PoolContext(WorkerSpawn())
    process = context.Process(target=repr, args=(context.RLock(),))
    process.start()  # and the pool's own reference to the lock is gone
    os.kill(process.pid, signal.SIGSTOP)
    gc.collect()
    os.kill(process.pid, signal.SIGCONT)
    process.join(60)
    assert process.exitcode == 0
