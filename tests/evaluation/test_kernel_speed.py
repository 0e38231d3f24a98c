"""The program that measures kernels runs all of them."""

import json
import subprocess
import sys
from pathlib import Path

from vrag.bits.kernels.kernel_library import instruction_sets, load

PROGRAM = Path(__file__).parents[2] / "eval" / "kernel_speed.py"


def test_every_way_to_score_a_page_is_measured():
    command = [sys.executable, str(PROGRAM), "--pages", "20", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)["microseconds"]
    assert len(found) == 7
    assert all(microseconds > 0 for times in found.values() for microseconds in times.values())
    sets = set(instruction_sets(load()))
    assert sets
    over_bits = [set(times) for name, times in found.items() if "exact" not in name]
    assert over_bits == [sets | {"numpy"}] * 6
    assert set(found["1,024 rows, float16, exact"]) == sets | {"numpy GEMM, float32", "Qdrant Edge"}


def test_no_pages_are_refused_in_one_sentence():
    done = subprocess.run([sys.executable, str(PROGRAM), "--pages", "0"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("error: --pages 0: at least 1 is needed")
