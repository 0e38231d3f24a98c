"""Who holds an index, and threads that wait for each other."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from vrag.errors import StoreError
from vrag.runtime.gate import Gate
from vrag.runtime.lock import Holder, IndexLock

HOLD = """
import sys, time
from pathlib import Path
from vrag.runtime.lock import IndexLock
lock = IndexLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """A process that holds the lock of the folder."""
    arguments = [sys.executable, "-c", HOLD, str(tmp_path), "--password", "secret", "--token=hidden"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_holder_is_named(tmp_path, other):
    with pytest.raises(StoreError, match=rf"open in another process: .*process {other.pid} on ") as caught:
        IndexLock(tmp_path).acquire()
    assert "secret" not in caught.value.message
    assert "hidden" not in caught.value.message
    assert "Wait for it to end" in caught.value.hint


def test_a_lock_dies_with_its_process(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    lock = IndexLock(tmp_path).acquire()
    assert str(os.getpid()) in (tmp_path / "lock").read_text()
    lock.release()
    lock.release()
    assert (tmp_path / "lock").read_text() == ""


def test_one_process_cannot_take_it_twice(tmp_path):
    lock = IndexLock(tmp_path).acquire()
    with pytest.raises(StoreError, match="open already in this process"):
        IndexLock(tmp_path).acquire()
    lock.release()
    IndexLock(tmp_path).acquire().release()


@pytest.mark.parametrize("text", ["not json", '{"pid": 3}', "[]"])
def test_a_lock_file_that_says_nonsense_is_still_a_lock(tmp_path, other, text):
    (tmp_path / "lock").write_text(text)
    with pytest.raises(StoreError, match="does not say which"):
        IndexLock(tmp_path).acquire()


def test_a_folder_that_is_not_there_is_left_to_the_engine(tmp_path):
    IndexLock(tmp_path / "missing").acquire().release()


def test_a_holder_says_what_runs_since_when():
    assert str(Holder(7, "vrag ingest a", "box", "2024-03-01T10:00:00")) == (
        "vrag ingest a (process 7 on box, since 2024-03-01 10:00:00)"
    )


def test_a_change_waits_for_readers_and_readers_wait_for_it():
    gate, order = Gate(), []
    inside, leave = threading.Event(), threading.Event()

    def read():
        with gate.reading():
            inside.set()
            leave.wait()
            order.append("read")

    def change():
        with gate.changing():
            order.append("changed")

    def read_later():
        with gate.reading():
            order.append("read later")

    threads = [threading.Thread(target=read)]
    threads[0].start()
    inside.wait()
    for work in (change, read_later):
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        time.sleep(0.1)
    assert order == []
    leave.set()
    for thread in threads:
        thread.join()
    assert order == ["read", "changed", "read later"]


def test_readers_share_and_an_error_opens_the_gate_again():
    gate = Gate()
    with gate.reading(), gate.reading():
        pass
    with pytest.raises(ValueError, match="boom"), gate.changing():
        raise ValueError("boom")
    with gate.changing():
        pass
