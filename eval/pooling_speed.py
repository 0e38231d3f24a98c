"""How long each pooling takes for a page of 1,024 patches on one core.

    OMP_NUM_THREADS=1 python eval/pooling_speed.py [--runs N] [--json]

CPU time of all threads, the best of many runs: what the pooling costs, not what else the machine was doing. The page
is one tile of 32 x 32 patches of 128 dimensions around 40 random themes; then 12 tiles of 8 x 8 and a global one.
"""

import argparse
import json
import os
import platform
import time

import numpy as np

from vrag.grid import Grid, Tile
from vrag.pooling.poolings import POOLINGS, make_pooling, normalise

RUNS = 40
DIM = 128


def page(grid: Grid) -> np.ndarray:
    """A multivector for the grid: neighbours in space are as random as all others, which is the hardest to cluster."""
    rng = np.random.default_rng(0)
    themes = normalise(rng.normal(size=(40, DIM)))
    return normalise(themes[rng.integers(0, 40, len(grid))] + 0.8 * normalise(rng.normal(size=(len(grid), DIM))))


def milliseconds(name: str, full: np.ndarray, grid: Grid, runs: int) -> float:
    """CPU time of one pooling, the best of so many runs."""
    pool = make_pooling(name, {}, "speed")
    times = []
    for _ in range(runs):
        started = time.process_time()
        pool(full, grid)
        times.append(time.process_time() - started)
    return min(times) * 1000


def measure(runs: int) -> list[dict[str, object]]:
    """One row a pooling and grid."""
    square = Grid.patches([Tile(32, 32)])
    parts = [Tile(8, 8, (c / 3, r / 4, (c + 1) / 3, (r + 1) / 4)) for r in range(4) for c in range(3)]
    tiled = Grid.patches([*parts, Tile(8, 8, is_global=True)])
    rows: list[dict[str, object]] = []
    for label, grid in (("32x32", square), ("12 tiles + global", tiled)):
        full = page(grid)
        for name in POOLINGS:
            vectors = len(make_pooling(name, {}, "speed")(full, grid).vectors)
            took = round(milliseconds(name, full, grid, runs), 3)
            rows.append({"pooling": name, "grid": label, "patches": len(grid), "vectors": vectors, "ms": took})
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each pooling; the best counts")
    arguments = parser.parse_args()
    rows = measure(arguments.runs)
    if arguments.json:
        print(json.dumps({"machine": platform.machine(), "cpus": os.cpu_count(), "rows": rows}))
        return
    for row in rows:
        print(f"{row['pooling']:16s} {row['grid']:18s} {row['patches']:5d} -> {row['vectors']:5d} {row['ms']:8.2f} ms")


if __name__ == "__main__":
    main()
