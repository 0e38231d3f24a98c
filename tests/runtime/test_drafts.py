"""Drafts: seen whole or not at all, and cleared away by the next writer when their own is dead."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from vrag.runtime.drafts import draft_file, draft_folder

WRITES_FOREVER = """
import pathlib, sys, time
from vrag.runtime.drafts import draft_file, draft_folder
target = pathlib.Path(sys.argv[2])
with (draft_file if sys.argv[1] == "file" else draft_folder)(target) as draft:
    draft.write(b"half") if sys.argv[1] == "file" else (draft / "half").write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(600)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def killed_writer(kind, target):
    process = subprocess.Popen([sys.executable, "-c", WRITES_FOREVER, kind, target], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_a_file_appears_whole(tmp_path):
    (tmp_path / "f").write_bytes(b"old")
    with draft_file(tmp_path / "f") as draft:
        draft.write(b"new")
        assert (tmp_path / "f").read_bytes() == b"old"
    assert (names(tmp_path), (tmp_path / "f").read_bytes()) == (["f"], b"new")


def test_a_folder_appears_whole_also_in_the_place_of_an_empty_one(tmp_path):
    (tmp_path / "d").mkdir()
    with draft_folder(tmp_path / "d") as draft:
        (draft / "x").write_text("x")
        assert names(tmp_path / "d") == []
    assert (names(tmp_path), names(tmp_path / "d")) == (["d"], ["x"])


@pytest.mark.parametrize("draft_of", [draft_file, draft_folder])
def test_after_an_error_nothing_is_left(tmp_path, draft_of):
    with pytest.raises(ZeroDivisionError), draft_of(tmp_path / "[x]"):
        raise ZeroDivisionError
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_left_goes_with_the_next_draft_and_nothing_else(tmp_path, kind):
    (tmp_path / ".x-abcd").mkdir()
    (tmp_path / ".x.vrag-draft-mine").write_text("not locked, so not provably a draft")
    killed_writer(kind, tmp_path / "x")
    assert len(names(tmp_path)) == 4
    with draft_file(tmp_path / "x") as draft:
        draft.write(b"whole")
    assert names(tmp_path) == [".x-abcd", ".x.vrag-draft-mine", "x"]


def test_a_draft_that_is_being_written_is_left_alone(tmp_path):
    begun, others_done = threading.Event(), threading.Event()

    def slow():
        with draft_folder(tmp_path / "x") as draft:
            (draft / "a").write_text("1")
            begun.set()
            assert others_done.wait(30)
            (draft / "b").write_text("2")

    thread = threading.Thread(target=slow)
    thread.start()
    assert begun.wait(30)
    with pytest.raises(ZeroDivisionError), draft_folder(tmp_path / "x"):
        raise ZeroDivisionError
    others_done.set()
    thread.join(30)
    assert (names(tmp_path), names(tmp_path / "x")) == (["x"], ["a", "b"])
