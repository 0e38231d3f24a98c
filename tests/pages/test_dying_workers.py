"""A process killed with a lock of its pool in its hands, at each of the moments when it has one, stalls nobody."""

import contextlib
import os
import signal
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest

from tests.pages.holding import GIVE_UP_S, hold, until
from tests.pdfs import write_pdf
from vrag.errors import PageError
from vrag.pages import workers
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


def _doomed(spec, memory_bytes):
    """The start of a worker; the first one that comes to the moment named in the environment kills itself there."""
    workers._start_worker(spec, memory_bytes)
    moment, send = Path(os.environ["MOMENT"]), Connection.send

    def die_at(name):
        if moment.name == name:
            with contextlib.suppress(FileNotFoundError):
                moment.unlink()
                os.kill(os.getpid(), signal.SIGKILL)

    def send_or_die(self, message):
        said = type(message).__name__
        if said == "TaskResult" and moment.name == "half a page" and moment.exists():
            os.write(self.fileno(), len(ForkingPickler.dumps(message)).to_bytes(4, "big") + b"half")
        die_at({"Acknowledgement": "taken", "TaskResult": "half a page"}[said])
        send(self, message)
        die_at({"Acknowledgement": "acknowledged", "TaskResult": "sent"}[said])

    Connection.send = send_or_die


@pytest.mark.parametrize(
    ("moment", "count", "lost"),
    [("taken", 1, 0), ("taken", 2, 0), ("acknowledged", 1, 1), ("acknowledged", 2, 1), ("half a page", 2, 1)],
)
def test_a_worker_killed_with_a_lock_costs_its_page_and_no_time(tmp_path, monkeypatch, moment, count, lost):
    (tmp_path / moment).touch()
    monkeypatch.setenv("MOMENT", str(tmp_path / moment))
    monkeypatch.setattr(workers, "_start_worker", _doomed)
    file = write_pdf(tmp_path / "a.pdf", ["one", "two", "three", "four", "five", "six"])
    with PageWorkers(PageSpec(image=False), count) as pool:
        answers = [pool.load(file, number) for number in range(1, 7)]
        first = list(pool._pool._pool_manager.worker_manager.workers.values())
        errors = [error for answer in answers if (error := answer.exception(GIVE_UP_S))]
        assert not (tmp_path / moment).exists()
        assert [type(error) for error in errors] == [PageError] * lost
        assert all("died" in error.message for error in errors)
        texts = [answer.result().words.texts for answer in answers if not answer.exception()]
        assert len(set(texts)) == 6 - lost
        for process in first:  # none of them stays beside those that have taken their place
            process.join(GIVE_UP_S)
            assert not process.is_alive()


def _forgetful(spec, memory_bytes):
    """The start of a worker; once, when the file named in the environment exists, one has no memory for its task."""
    workers._start_worker(spec, memory_bytes)
    moment, receive = Path(os.environ["MOMENT"]), Connection.recv

    def receive_or_fail(self):
        task = receive(self)
        with contextlib.suppress(FileNotFoundError):
            moment.unlink()
            raise MemoryError
        return task

    Connection.recv = receive_or_fail


def test_a_page_that_a_worker_took_and_forgot_while_others_work_is_asked_again(tmp_path, monkeypatch):
    monkeypatch.setenv("MOMENT", str(tmp_path / "moment"))
    monkeypatch.setattr(workers, "_start_worker", _forgetful)
    file = write_pdf(tmp_path / "a.pdf", ["one"])
    with PageWorkers(PageSpec(image=False), 2) as pool:
        held = pool._ask("a.pdf", hold, tmp_path)
        until(lambda: list(tmp_path.glob("held-*")))
        started = pool._pool._pool_manager.worker_manager.workers
        (forgets,) = (pid for pid in started if not (tmp_path / f"held-{pid}").exists())
        (tmp_path / "moment").touch()
        page = pool.load(file, 1)
        until(lambda: forgets not in started)
        (tmp_path / "go").touch()
        assert page.result(GIVE_UP_S).words.texts == ("one",)
        assert (tmp_path / f"held-{held.result(GIVE_UP_S)}").exists()


def test_a_worker_killed_without_a_lock_leaves_the_others_alone(tmp_path):
    with PageWorkers(PageSpec(image=False), 2) as pool:
        held = pool._ask("a.pdf", hold, tmp_path)
        first, manager = pool._pool, pool._pool._pool_manager.worker_manager
        until(lambda: list(tmp_path.glob("held-*")))
        (killed,) = (pid for pid in manager.workers if not (tmp_path / f"held-{pid}").exists())
        with manager.workers_channel.lock():
            os.kill(killed, signal.SIGKILL)
        until(lambda: killed not in manager.workers and len(manager.workers) == 2)
        (tmp_path / "go").touch()
        assert held.result(GIVE_UP_S) != killed
        assert pool._pool is first
