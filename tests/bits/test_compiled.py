"""Nobody waits for the compiler, and what is compiled once is found again."""

import os
import subprocess
import sys
import time

import pytest

from vrag.bits import compiled

# A process with its own cache folder, and the package's own __pycache__ out of numba's reach.
SEARCH = """
import json, sys
from vrag.bits import compiled
print(json.dumps([compiled.kernels() is not None, "numba" in sys.modules]))
"""


@pytest.fixture
def home(tmp_path):
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "c"), "NUMBA_CACHE_DIR": str(tmp_path / "n")}


def python(code, home):
    done = subprocess.run([sys.executable, "-c", code], env=home, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_compiled_once_found_by_the_next_process(home, tmp_path):
    assert python(SEARCH, home) == "[false, false]"
    python("from vrag.bits.compiled import compile_now; compile_now()", home)
    assert list((tmp_path / "n").rglob("*.nbc"))
    hits = (
        "from vrag.bits import compiled; k = compiled.kernels();"
        "print(sum(k.maxsim.stats.cache_hits.values()), sum(k.regions.stats.cache_hits.values()))"
    )
    assert python(hits, home) == "1 1"


def test_the_background_compiler_leaves_the_stamp(home):
    start = "from vrag.bits import compiled; compiled.compile_in_background(); print(compiled.kernels())"
    assert python(start, home) == "None"
    for _ in range(600):
        if python(SEARCH, home) == "[true, true]":
            return
        time.sleep(0.2)
    pytest.fail("never compiled")


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
