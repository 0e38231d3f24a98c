"""Nobody waits for the compiler, and what is compiled once is found again."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import copy_index
from vrag.bits.kernels import compiled
from vrag.runtime.spawning import python_command

# A process with its own cache folder, and the package's own __pycache__ out of numba's reach.
SEARCH = """
import json, sys
from tests.conftest import copy_index
from vrag.bits.kernels import compiled
print(json.dumps([compiled.kernels() is not None, "numba" in sys.modules]))
"""


@pytest.fixture
def home(tmp_path):
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "c"), "NUMBA_CACHE_DIR": str(tmp_path / "n")}


def python(code, home, cwd=None):
    done = subprocess.run(python_command(code), env=home, cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def foreign(tmp_path):
    """A folder with a package called like this one, that leaves a mark where it is imported."""
    for name in ("vrag", "numba"):
        (tmp_path / "foreign" / name).mkdir(parents=True)
        (tmp_path / "foreign" / name / "__init__.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w').close()\n")
    return tmp_path / "foreign"


def test_compiled_once_found_by_the_next_process(home, tmp_path):
    assert python(SEARCH, home) == "[false, false]"
    python("from vrag.bits.kernels.compiled import compile_now; compile_now()", home)
    assert list((tmp_path / "n").rglob("*.nbc"))
    hits = (
        "from vrag.bits.kernels import compiled; k = compiled.kernels();"
        "print(sum(k.maxsim.stats.cache_hits.values()), sum(k.regions.stats.cache_hits.values()))"
    )
    assert python(hits, home) == "1 1"
    for file in (tmp_path / "n").rglob("kernels*.nbc"):
        file.unlink()
    stamps = set((tmp_path / "c").rglob("kernels-*"))
    assert python(SEARCH, home) == "[false, true]"  # nobody waits for the compiler
    assert len(stamps - set((tmp_path / "c").rglob("kernels-*"))) == 1  # what the stamp stood for is gone


def test_the_background_compiler_leaves_the_stamp(home, foreign, tmp_path):
    """Started where a foreign `vrag` lies, which it must not run."""
    start = "from vrag.bits.kernels import compiled; compiled.compile_in_background(); print(compiled.kernels())"
    assert python(start, home, foreign) == "None"
    end = time.monotonic() + 300
    while not [file for file in (tmp_path / "c").rglob("kernels-*") if not file.suffix]:
        assert time.monotonic() < end, "never compiled"
        time.sleep(0.1)
    assert python(SEARCH, home, foreign) == "[true, true]"
    assert not (tmp_path / "mark").exists()


def test_another_copy_of_the_package_has_a_stamp_of_its_own(monkeypatch):
    def stamp():
        compiled._stamp.cache_clear()
        return compiled._stamp()

    mine = stamp()
    monkeypatch.setenv("NUMBA_CACHE_DIR", "elsewhere")
    moved = stamp()
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert stamp() == mine
    assert moved != mine


def test_a_copy_that_is_not_compiled_is_not_taken_for_one_that_is(home, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(Path(compiled.__file__).parents[2], copy / "vrag", ignore=shutil.ignore_patterns("__pycache__"))
    where = "from vrag.bits.kernels import compiled; print(compiled._stamp())"
    other = python(f"sys.path.insert(0, {str(copy)!r}); {where}", home)
    assert other != python(where, home)


@pytest.fixture
def stamp(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "_stamp", lambda: tmp_path / "cache" / "stamp")
    started = []
    monkeypatch.setattr(compiled.subprocess, "Popen", lambda *a, **k: started.append(a))
    return started


def test_an_attempt_is_not_repeated_at_once(stamp):
    compiled.compile_in_background()
    compiled.compile_in_background()
    assert len(stamp) == 1
    old = time.time() - compiled.RETRY_SECONDS - 1
    os.utime(compiled._attempt(), (old, old))
    compiled.compile_in_background()
    assert len(stamp) == 2


def test_without_numba_nothing_is_started(stamp, monkeypatch):
    monkeypatch.setattr(compiled, "installed", lambda: False)
    compiled._load.cache_clear()  # as in a process that has none yet
    compiled.compile_in_background()
    assert stamp == []
    assert compiled.kernels() is None


def test_without_a_place_for_the_stamp_nothing_is_started(stamp, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    compiled.compile_in_background()
    assert stamp == []


FIRST_QUERIES = """
import threading
from vrag import Index
with Index.open("i") as index:
    cascade = "runs:9 > full@regions+context"
    threads = [threading.Thread(target=index.search, args=("sheep in the meadow", 5)) for _ in range(2)]
    threads.append(threading.Thread(target=index.explain, args=("a storm at sea", None, None, cascade)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("answered")
"""


def test_threads_that_ask_first_do_not_wait_for_each_other_for_ever(indexed, tmp_path):
    """Numba was imported by two doors at once: each thread held what the other one waited for."""
    compiled.compile_now()
    for n in range(3):
        folder = tmp_path / str(n)
        folder.mkdir()
        copy_index(indexed, folder / "i")
        done = subprocess.run(python_command(FIRST_QUERIES), cwd=folder, capture_output=True, text=True, timeout=60)
        assert done.stdout == "answered\n", done.stderr
