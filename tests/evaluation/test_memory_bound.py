"""The program that measures the memory of an ingest."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "eval" / "memory_bound.py"


def test_it_prints_both_peaks_and_their_ratio():
    done = subprocess.run([sys.executable, PROGRAM, "6"], capture_output=True, text=True, check=True)
    small, large, ratio = done.stdout.splitlines()
    assert small.startswith("6 pages: peak ")
    assert large.startswith("60 pages: peak ")
    assert 0.5 < float(ratio.removeprefix("ratio: ")) < 3
