"""The soak, short; `make soak` and `make fuzz` run it long.

Each is a process of its own: they fork, kill, and put a tiny model in the place of the built-in one.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.mutants import judge

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs fork, and the processes of a session")


def run(name, *arguments):
    command = [sys.executable, "-m", f"tests.soak.{name}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=600)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_nothing_is_lost_when_it_is_killed():
    said = run("kills", 5, 7, 1, "step")
    assert "(step " in said
    assert "losses: 0; " in said, said
    assert "problems that verify finds: 0; strange: 0; " in said, said


def test_nothing_promised_is_lost_when_the_holder_is_killed():
    said = run("serve_kills", 2, 7, 1)
    assert "kills of the holder: 2 " in said
    assert "losses: 0; strange: 0; " in said, said


def test_threads_see_every_change_whole():
    assert "wrong: 0; " in (said := run("threads", 3, 7, 32)), said


def test_two_processes_see_what_each_other_writes():
    assert "wrong: 0; " in (said := run("pair", 2, 7)), said


def test_damage_is_found_healed_or_said():
    assert "bad: 0; " in (said := run("damage", 6, 7, 1)), said


def test_a_mutant_of_a_snapshot_is_restored_or_refused():
    said = run("snapshots", 1, 7)
    assert "mutants of a snapshot: " in said
    assert "wrong: 0; " in said, said


def test_a_mutant_of_the_cache_is_read_or_made_again():
    assert "wrong: 0; " in (said := run("caches", 1, 7)), said


def test_a_mutant_is_a_page_or_a_reason(tmp_path):
    verdict = judge(tmp_path, count=60, seed=7)
    assert verdict.pages + verdict.reasons == 60
    assert verdict.pages > 0
    assert verdict.reasons > 0
    assert verdict.strange == []
