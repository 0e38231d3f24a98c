"""Threads that wait for one lock: one at a time has it, every one gets it, and who gives up is told who has it."""

import json
import logging
import math
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from vrag.errors import BusyError
from vrag.runtime.lock import LOCK_FILE, Holder, IndexLock, try_lock

LONG = 60


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def told(caplog):
    """An event that is set when somebody says whom they wait for, and what was said."""
    first = threading.Event()

    class Tell(logging.Handler):
        def emit(self, record):
            first.set()

    log, handler = logging.getLogger("vrag.runtime.lock"), Tell()
    log.addHandler(handler)
    with caplog.at_level(logging.WARNING, log.name):
        yield first
    log.removeHandler(handler)


def test_who_waits_gets_the_lock_when_it_is_given_back(tmp_path, pool, told, caplog):
    held = IndexLock(tmp_path).acquire()
    holder = Holder(**json.loads((tmp_path / LOCK_FILE).read_text()))
    waiting = pool.submit(IndexLock(tmp_path, LONG).acquire)
    assert told.wait(LONG)
    assert not waiting.done()
    held.release()
    waiting.result(LONG).release()
    assert [record.getMessage() for record in caplog.records] == [f"Waiting for {holder}."]  # once


def test_one_at_a_time_has_it(tmp_path, pool):
    start, inside, most = threading.Barrier(8), [], []

    def work(number):
        start.wait(LONG)
        lock = IndexLock(tmp_path, LONG).acquire()
        inside.append(number)
        most.append(len(inside))
        assert json.loads((tmp_path / LOCK_FILE).read_text())["pid"] == os.getpid()
        inside.remove(number)
        lock.release()
        return number

    assert [future.result(LONG) for future in [pool.submit(work, n) for n in range(8)]] == list(range(8))
    assert most == [1] * 8
    assert (tmp_path / LOCK_FILE).read_text() == ""


@pytest.mark.parametrize("wait", [0, -1, math.nan, 0.06])
def test_who_gives_up_is_told_who_has_it(tmp_path, wait):
    held = IndexLock(tmp_path).acquire()
    with pytest.raises(BusyError, match="open already in this process"):
        IndexLock(tmp_path, wait).acquire()
    held.release()
    IndexLock(tmp_path, wait).acquire().release()


def test_waiting_that_is_interrupted_leaves_the_lock_to_the_others(tmp_path, monkeypatch):
    held = IndexLock(tmp_path).acquire()

    def interrupted(seconds):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("vrag.runtime.lock.time", SimpleNamespace(monotonic=time.monotonic, sleep=interrupted))
        with pytest.raises(KeyboardInterrupt):
            IndexLock(tmp_path, LONG).acquire()
    with pytest.raises(BusyError):
        IndexLock(tmp_path).acquire()  # the holder has it still
    held.release()
    IndexLock(tmp_path).acquire().release()


def test_a_holder_that_says_nothing_is_waited_for_too(tmp_path, pool, told, caplog):
    with (tmp_path / LOCK_FILE).open("a+") as file:
        assert try_lock(file)
        waiting = pool.submit(IndexLock(tmp_path, LONG).acquire)
        assert told.wait(LONG)
    waiting.result(LONG).release()
    assert caplog.records[0].getMessage() == "Waiting for another process that has the index open."


def test_a_full_disk_does_not_keep_an_index_shut(tmp_path, monkeypatch):
    """The lock holds though it cannot name its holder."""

    def full(file, holder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vrag.runtime.lock._write_holder", full)
    held = IndexLock(tmp_path).acquire()
    with pytest.raises(BusyError, match="it does not say which"):
        IndexLock(tmp_path).acquire()
    held.release()
    IndexLock(tmp_path).acquire().release()


def test_a_child_that_drops_its_copy_gives_nothing_back(tmp_path):
    lock = IndexLock(tmp_path).acquire()
    said = (tmp_path / LOCK_FILE).read_text()
    lock.drop()
    assert (tmp_path / LOCK_FILE).read_text() == said  # nothing is written about a lock that is the parent's
    lock.release()  # of what it has no more: harmless


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (["ingest", "a b"], "vrag ingest 'a b'"),
        (["ingest", "--password", "s3cret", "x"], "vrag ingest --password '***' x"),
        (["ingest", "--password=s3cret"], "vrag ingest '--password=***'"),
        (["search", "a\x1b[31m\nb"], "vrag search 'a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}b'"),
    ],
)
def test_a_holder_is_named_without_secrets_and_on_one_line(monkeypatch, typed, kept):
    monkeypatch.setattr("sys.argv", ["/usr/bin/vrag", *typed])
    assert Holder.me().command == kept


def test_a_long_command_is_cut_off(monkeypatch):
    monkeypatch.setattr("sys.argv", ["vrag", "search", "x" * 5000])
    assert len(Holder.me().command) == 200
