"""Three nodes, one of which is killed in the middle of whatever goes on, as `python -m tests.soak.cluster` does."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.qdrant.fixtures import program
from tests.qdrant.nodes import PROGRAM_ENV

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(sys.platform != "linux", reason="needs fork, and more than one loopback address"),
]
ROOT = Path(__file__).parents[2]
EACH = ("ingest", "replace", "remove", "push", "pull", "search", "verify")


def test_a_killed_node_loses_nothing_and_changes_no_ranking():
    seed = random.SystemRandom().randrange(10**6)
    command = [sys.executable, "-m", "tests.soak.cluster", str(len(EACH)), str(seed), *EACH]
    environment = {**os.environ, PROGRAM_ENV: program()}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=900)
    said = f"{done.stdout[-5000:]}{done.stderr[-3000:]}\nThe same kills: {' '.join(command[1:])}"
    assert done.returncode == 0, said
    assert f"kills of a node: {len(EACH)} " in done.stdout
    assert "losses: 0; other rankings: 0; strange: 0; " in done.stdout
