"""Soaks that go on until their time is up: `python -m tests.soak.NAME [SECONDS [SEED]]`."""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_SHOWN = 30

Outcome = tuple[Mapping[str, int], Sequence[str]]  # how often what happened, and what was wrong


def run_for_seconds(
    soak: Callable[[Path, float, int], Outcome], what: str, seconds: float, place: str | None = None
) -> None:
    """Soak in a new folder, print what came of it, and exit with code 1 when anything was wrong.

    Args:
        soak: Takes the folder, seconds and a seed.
        what: Is soaked.
        seconds: Unless the command line says how many.
        place: Where the folder is made.
    """
    given = [*sys.argv[1:3]]
    seconds = float(given[0]) if given else seconds
    seed = int(given[1]) if given[1:] else random.SystemRandom().randrange(10**6)
    with tempfile.TemporaryDirectory(dir=place, ignore_cleanup_errors=True) as root:
        counts, wrong = soak(Path(root), seconds, seed)
    for text in wrong[:_SHOWN]:
        print(text.replace("\\n", "\n"))
    outcomes = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    total = Counter(counts).total()
    print(f"{what}: {total} ({outcomes}) in {seconds:g} s; wrong: {len(wrong)}; seed: {seed}")
    sys.exit(1 if wrong else 0)
