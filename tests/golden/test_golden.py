"""What the command line and the API say of the samples is what they said when it was recorded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.comparing import difference

HERE = Path(__file__).parent
EXPECTED = {path.name: path for path in sorted((HERE / "expected").glob("*.txt"))}
AGAIN = "If that is meant: python -m tests.golden.record tests/golden/expected"


@pytest.fixture(scope="session")
def recorded(tmp_path_factory, request):
    """The contract's records, made once by a process of its own, whose environment nothing else has touched."""
    into = tmp_path_factory.mktemp("golden")
    served = ["--served"] if request.config.getoption("--served") else []
    command = [sys.executable, "-m", "tests.golden.record", str(into), *served]
    done = subprocess.run(command, cwd=HERE.parents[1], env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path.name: path for path in into.glob("*.txt")}


def test_every_step_is_expected(recorded):
    assert sorted(recorded) == sorted(EXPECTED), AGAIN


@pytest.mark.parametrize("name", EXPECTED)
def test_step(name, recorded):
    wanted, got = (path.read_text(encoding="utf-8") for path in (EXPECTED[name], recorded[name]))
    if where := difference(wanted, got):
        pytest.fail(f"{name}, {wanted.splitlines()[0]}\n{where}\n{AGAIN}", pytrace=False)


HITS = '{"rank": 1, "score": 7.821141242980957, "doc": "a.pdf"}\n{"rank": 2, "score": 0.031, "doc": "b.pdf"}\n'


@pytest.mark.parametrize(
    ("was", "now", "line"),
    [
        ('"doc": "a.pdf"', '"doc": "c.pdf"', 1),
        ('"rank": 2', '"rank": 3', 2),
        ("7.821141242980957", "7.899352655410767", 1),
        ("7.821141242980957", "-7.821141242980957", 1),
        ("0.031", "0.034", 2),
        ('{"rank": 2', '\n{"rank": 2', 2),
    ],
)
def test_a_change_is_noticed(was, now, line):
    assert difference(HITS, HITS.replace(was, now)).startswith(f"line {line}\n")


def test_swapped_hits_and_lines_that_are_missing_are_noticed():
    first, second = HITS.splitlines()
    assert difference(HITS, HITS.replace("a.pdf", "x").replace("b.pdf", "a.pdf").replace("x", "b.pdf"))
    assert difference(HITS, f"{second}\n{first}\n").startswith("line 1\n")
    assert difference(HITS, f"{first}\n").startswith("line 2\n")
    assert difference(f"{first}\n", HITS).startswith("line 2\n")


def test_a_number_that_is_rounded_otherwise_is_the_same():
    assert difference(HITS, HITS.replace("7.821141242980957", "7.8211447")) == ""
    assert difference(HITS, HITS.replace("0.031", "0.032")) == ""
