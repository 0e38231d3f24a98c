"""The program that measures poolings knows all of them."""

import json
import subprocess
import sys
from pathlib import Path

from vrag.pooling.poolings import POOLINGS

PROGRAM = Path(__file__).parents[2] / "eval" / "pooling_speed.py"


def test_every_pooling_is_measured():
    command = [sys.executable, str(PROGRAM), "--runs", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)["rows"]
    assert {row["pooling"] for row in rows} == set(POOLINGS)
    assert {row["patches"] for row in rows} == {1024, 832}
    assert all(row["ms"] > 0 and row["vectors"] >= 1 for row in rows)
