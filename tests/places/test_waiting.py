"""Whoever finds an index open waits for it, says for whom, and gets it at once when it is free."""

import logging
import math
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import command, copy_index
from vrag import Index
from vrag.errors import BusyError, IndexExistsError
from vrag.places.place import FolderPlace
from vrag.runtime.lock import IndexLock
from vrag.upkeep.repool import repool, repool_into
from vrag.upkeep.snapshot import create_snapshot
from vrag.upkeep.transfer import transfer


class Told(logging.Handler):
    """Knows what was logged, and when the first of it was."""

    def __init__(self):
        super().__init__()
        self.texts, self.first = [], threading.Event()

    def emit(self, record):
        self.texts.append(record.getMessage())
        self.first.set()


@pytest.fixture
def told():
    handler, log = Told(), logging.getLogger("vrag")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


@pytest.fixture
def copied(indexed, tmp_path):
    """An index that a test may change."""
    return copy_index(indexed, tmp_path / "copied")


@pytest.fixture
def pool():
    """A thread beside the test's."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_a_thread_that_waits_gets_the_lock_when_it_is_given_back(tmp_path, told, pool):
    lock = IndexLock(tmp_path).acquire()
    waiting = pool.submit(IndexLock(tmp_path, wait=math.inf).acquire)
    assert told.first.wait(30)  # it has tried once by now
    assert not waiting.done()
    lock.release()
    got = waiting.result(30)
    with pytest.raises(BusyError, match="open already in this process"):
        IndexLock(tmp_path).acquire()
    got.release()
    assert len(told.texts) == 1
    assert "Waiting for" in told.texts[0]


@pytest.mark.parametrize("wait", [0.0, 0.06, math.nan])
def test_the_time_to_wait_ends(tmp_path, wait):
    lock = IndexLock(tmp_path).acquire()
    with pytest.raises(BusyError):
        IndexLock(tmp_path, wait).acquire()
    lock.release()


def test_opening_twice_says_that_this_process_has_it(copied):
    with Index.open(copied), pytest.raises(BusyError, match="open already in this process") as caught:
        Index.open(copied)
    assert "another process" not in str(caught.value)


def test_who_waits_for_a_change_of_the_pipeline_opens_the_new_one(copied, told, pool):
    lock = IndexLock(copied).acquire()
    opening = pool.submit(Index.open, copied, wait=math.inf)
    assert told.first.wait(60)  # it has read the facts
    place = FolderPlace(copied)
    facts = place.facts()
    table = {**facts.table, "search": {**facts.table.get("search", {}), "cascade": "full"}}
    place.write_facts(type(facts)(facts.pipeline, table, facts.fingerprint, facts.dim))
    lock.release()
    with opening.result(60) as index:
        assert index.pipeline.default_cascade == "full"


def test_what_another_process_has_made_meanwhile_is_not_made_again(indexed, tmp_path, told, pool):
    place = tmp_path / "i"
    place.mkdir()
    lock = IndexLock(place).acquire()
    making = pool.submit(Index.create, place, wait=math.inf)
    assert told.first.wait(60)
    shutil.copytree(indexed, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("lock"))
    lock.release()
    assert isinstance(making.exception(60), IndexExistsError)
    with Index.open(place) as index:
        assert index.page_count == 5


@pytest.fixture
def held(copied):
    """The index, open in another process until its standard input is closed."""
    code = (
        "import sys; from pathlib import Path; from vrag.runtime.lock import IndexLock\n"
        "lock = IndexLock(Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read(); lock.release()"
    )
    arguments = [sys.executable, "-c", code, str(copied)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def started(*arguments, cwd):
    """A command, and the first line it says on stderr."""
    running = subprocess.Popen(command(*arguments), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return running, running.stderr.readline()


def test_a_search_waits_for_the_process_that_has_the_index(copied, held, tmp_path):
    running, said = started("search", "penguins", "--index", copied, "--wait", "600", "--json", cwd=tmp_path)
    assert "Waiting for" in said
    assert f"process {held.pid} on " in said
    held.stdin.close()
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0
    assert '"animals.pdf"' in out
    assert "Waiting" not in err


def test_waiting_can_be_interrupted(copied, held, tmp_path):
    running, said = started("ls", "--index", copied, "--wait", "600", cwd=tmp_path)
    assert "Waiting for" in said
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err


def test_an_ingest_into_an_index_that_was_made_while_it_waited_goes_on_with_it(indexed, folder, tmp_path, held, copied):
    shutil.rmtree(copied / "shard")
    (copied / "index.json").unlink()
    running, said = started("ingest", folder, "--index", copied, "--workers", "1", "--wait", "600", cwd=tmp_path)
    while "Waiting for" not in said:
        said = running.stderr.readline()
        assert said
    shutil.copytree(indexed, copied, dirs_exist_ok=True, ignore=shutil.ignore_patterns("lock"))
    held.stdin.close()
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert "5 unchanged" in out


@pytest.mark.parametrize(
    "work",
    [
        lambda index, new: create_snapshot(index, new / "s.tar.gz"),
        lambda index, new: repool(index, "plain"),
        lambda index, new: repool_into(FolderPlace(index), FolderPlace(new / "i"), "plain"),
        lambda index, new: transfer(FolderPlace(index), FolderPlace(new / "i"), None),
    ],
    ids=["snapshot", "repool", "repool --into", "transfer"],
)
def test_whatever_opens_the_engine_names_who_has_it(copied, held, tmp_path, work):
    with pytest.raises(BusyError, match=rf"process {held.pid} on "):
        work(copied, tmp_path)
    assert not (tmp_path / "i").exists()


def test_every_command_that_opens_an_index_can_wait():
    import typer

    from vrag.cli.app import app

    def options(command):
        return {name for parameter in command.params for name in parameter.opts}

    tree, found = [("", typer.main.get_command(app))], {}
    while tree:
        name, command = tree.pop()
        found[name] = options(command)
        tree += [(f"{name} {sub}".strip(), child) for sub, child in getattr(command, "commands", {}).items()]
    opening = {name for name, names in found.items() if "--index" in names} - {"plan", "watch", "snapshot restore"}
    assert len(opening) > 12
    assert {name for name in opening if "--wait" not in found[name]} == set()
