"""A child that a process forks while it has an index open."""

import os
import subprocess
import sys

import pytest

from vrag import Index
from vrag.errors import StoreError, VragError
from vrag.runtime.forked import close_files_below
from vrag.runtime.lock import IndexLock

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

PROGRAM = """
import os, sys
from vrag import Index
from vrag.errors import StoreError

index = Index.open(sys.argv[1])
before = index.search("krill", 1)
child = os.fork()
if not child:
    said = []
    for use in (lambda: index.search("krill", 1), lambda: index.search("nectar", 1), lambda: list(index.texts()),
                lambda: index.failures(), lambda: index.documents.all(), lambda: index.snippet("krill", before[0]),
                lambda: index.remove([]), lambda: index.compact(), lambda: index.verify()):
        try:
            use()
        except StoreError as error:
            said.append(str(error))
    index.close()
    print(len(said), set(said), flush=True)
    sys.stdin.read()  # the parent has closed the index by then
    os._exit(0)  # as multiprocessing ends its children
sys.stdin.close()
assert index.search("krill", 1) == before, "the parent's index goes on"
index.close()
with Index.open(sys.argv[1]) as again:  # while the child lives
    assert again.search("krill", 1) == before
print("opened again", flush=True)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_child_is_told_and_holds_nothing(indexed):
    running = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(indexed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    lines = sorted(running.stdout.readline() for _ in range(2))  # the child lives until its input ends
    out, _ = running.communicate(timeout=120)
    assert running.returncode == 0
    assert out == ""
    assert lines[0].startswith("9 {'This index was opened before its process forked")
    assert lines[1] == "opened again\n"


def test_a_child_gives_its_copy_of_the_lock_away_and_the_parents_holds(tmp_path):
    lock = IndexLock(tmp_path).acquire()
    (ask, answer), (hear, runs) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        os.close(answer)
        os.write(runs, b"x")
        os.read(ask, 1)  # until the parent says so
        os._exit(0)
    with pytest.raises(StoreError, match="The index is open"):
        IndexLock(tmp_path).acquire()
    os.read(hear, 1)  # a child that does not run yet has not given its copy away
    lock.release()
    IndexLock(tmp_path).acquire().release()
    os.write(answer, b"x")
    os.waitpid(child, 0)


def test_the_child_may_open_it_itself_once_it_is_free(indexed):
    with Index.open(indexed):
        pass
    child = os.fork()
    if not child:
        try:
            with Index.open(indexed) as index:
                os._exit(index.page_count != 5)
        except VragError:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_files_below_a_folder_are_found_by_another_of_its_names(tmp_path):
    folder, link = tmp_path / "real", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    held = os.open(folder / "file", os.O_CREAT | os.O_RDWR)
    other = os.open(tmp_path / "other", os.O_CREAT | os.O_RDWR)
    close_files_below(link)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held)
    os.close(other)
