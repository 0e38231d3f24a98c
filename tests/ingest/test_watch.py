"""A folder is watched: what is told, and when; and the command that follows it."""

import contextlib
import shutil
import signal
import subprocess
import time

from tests.conftest import ANIMALS, MACHINES, command
from tests.pdfs import write_pdf
from vrag.ingest.watch import watch


class Script:
    """Steps that happen between two looks at a folder; the watching ends when there is none left."""

    def __init__(self, *steps):
        self.steps = list(steps)

    def __call__(self):
        if not self.steps:
            raise OverError
        self.steps.pop(0)()


class OverError(Exception):
    pass


def told(folder, *steps):
    changes = []
    with contextlib.suppress(OverError):
        for change in watch(folder, Script(*steps)):
            changes.append((len(change.files), change.changed, change.gone))
    return changes


def nothing():
    pass


def test_what_comes_changes_and_goes_is_told_once_the_folder_rests(tmp_path):
    def write(name, text):
        return lambda: (tmp_path / name).write_bytes(text)

    steps = [
        nothing,
        nothing,
        write("b.pdf", b"half"),
        write("b.pdf", b"whole now"),
        nothing,
        nothing,
        lambda: (tmp_path / "a.pdf").unlink(),
        nothing,
        nothing,
    ]
    (tmp_path / "a.pdf").write_bytes(b"first")
    assert told(tmp_path, *steps) == [(1, 1, 0), (2, 1, 0), (1, 0, 1)]


def test_a_folder_that_is_away_is_waited_for(tmp_path):
    folder, away = tmp_path / "d", tmp_path / "away"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(b"first")
    steps = [nothing, lambda: folder.rename(away), nothing, nothing, lambda: away.rename(folder), nothing, nothing]
    assert told(folder, *steps) == [(1, 1, 0)]


def test_an_empty_folder_is_told_of_once(tmp_path):
    assert told(tmp_path, nothing, nothing, nothing) == [(0, 0, 0)]


def test_the_command_keeps_an_index_current_until_ctrl_c(cli, tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    arguments = command("watch", "d", "--index", "i", "--interval", "0.2", "--workers", "1")
    running = subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "3 pages added" in running.stdout.readline()
        write_pdf(tmp_path / "d" / "b.pdf", MACHINES)
        assert "2 pages added, 3 known, 0 documents removed" in running.stdout.readline()
        (tmp_path / "d" / "a.pdf").unlink()
        assert "0 pages added, 2 known, 1 document removed" in running.stdout.readline()
        shutil.rmtree(tmp_path / "d")
        time.sleep(1)
    finally:
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert [row["doc"] for row in cli("ls", "--index", "i", "--json").json] == ["b.pdf"]


def test_a_folder_to_watch_must_be_there(cli):
    for name, says in (("missing", "There is no folder missing"), ("", "A path is empty")):
        done = cli("watch", name)
        assert done.code == 2
        assert says in done.err
