"""What MaxSim costs a page on one core: over bits, over kept rows, in Qdrant Edge, by numpy. Ratios of one run.

    OMP_NUM_THREADS=1 python eval/kernel_speed.py [--pages 200] [--json]

A query of 20 rows meets pages of 1,024 rows of 128 dimensions, and 32 pooled ones, all random; each figure is the
median of many scans over all pages. The process keeps to one core where the system lets it (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from vrag.bench.run import machine
from vrag.bits.exact import ExactPages, tiled, tiles_of
from vrag.bits.kernels import compiled
from vrag.bits.kernels.quantise import Signs
from vrag.bits.packed import PackedPages
from vrag.grid import FloatArray
from vrag.pooling.poolings import normalise
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Record, Selection, StageRequest, VectorField

QUERY_ROWS, ROWS, POOLED, DIM = 20, 1024, 32, 128
SCANS = 15
GEMM = "1,024 rows, numpy GEMM, float32"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=200, help="pages scanned (default 200)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.pages < 1:
        parser.error(f"--pages {arguments.pages}: at least 1 is needed")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    compiled.compile_now()
    if compiled.kernels() is None:
        parser.exit(2, 'The kernels need numba: pip install "vrag-toolkit[fast]"\n')
    found = measure(arguments.pages)
    if arguments.json:
        print(json.dumps({"machine": machine(), "microseconds": found}))
        return
    for name, microseconds in found.items():
        print(f"{name:45s} {microseconds:8.2f} us a page  {found[GEMM] / microseconds:7.1f} x the GEMM")
    print(f"Machine: {machine()}, of which one was used.")


def measure(count: int) -> dict[str, float]:
    """Microseconds a page of each way, by name."""
    random = np.random.default_rng(0)
    query = normalise(random.standard_normal((QUERY_ROWS, DIM), np.float32))
    pages = [normalise(random.standard_normal((ROWS, DIM), np.float32)) for _ in range(count)]
    full, pooled = packed(pages), packed([normalise(page.reshape(POOLED, -1, DIM).mean(axis=1)) for page in pages])
    tiles = np.cumsum([0, *tiles_of(np.full(count, ROWS))])
    kept = ExactPages(np.concatenate([tiled(page) for page in pages]), tiles)
    every = np.arange(count)
    with tempfile.TemporaryDirectory() as folder:
        store, ids = stored(Path(folder), pages)
        request, chosen = [StageRequest("full", query, count)], Selection(ids=frozenset(ids))
        ways: dict[str, Callable[[], object]] = {
            "32 pooled rows, four bits of the query": lambda: pooled.maxsim(query),
            "1,024 rows, signs alone": lambda: full.maxsim(query, planes=1),
            "1,024 rows, four bits of the query": lambda: full.maxsim(query),
            "1,024 rows, kept rows, float16, exact": lambda: kept.maxsim(query, every),
            GEMM: lambda: [float((query @ page.T).max(axis=1).sum()) for page in pages],
            "1,024 rows, Qdrant Edge, float16, exact": lambda: store.query(request, chosen, ()),
        }
        found = {name: round(microseconds(way) / count, 2) for name, way in ways.items()}
        store.close()
    return found


def packed(pages: list[FloatArray]) -> PackedPages:
    """The bits of pages."""
    signs = Signs.of(np.concatenate(pages[:16]).mean(axis=0))
    bits = np.concatenate([signs.block(page).ravel() for page in pages])
    return PackedPages(signs, bits, np.cumsum([0, *map(len, pages)]))


def stored(folder: Path, pages: list[FloatArray]) -> tuple[EdgeStore, list[str]]:
    """The pages in Qdrant Edge, and their ids."""
    store = EdgeStore.create(folder / "shard", [VectorField("full", "multi", DIM)], {})
    ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))) for number in range(len(pages))]
    for name, page in zip(ids, pages, strict=True):
        store.upsert([Record(name, {}, {"full": page})])
    store.optimize()
    return store, ids


def microseconds(way: Callable[[], object]) -> float:
    """Median of `SCANS` scans, after one that is not counted."""
    way()
    times = []
    for _ in range(SCANS):
        started = time.perf_counter()
        way()
        times.append(time.perf_counter() - started)
    return median(times) * 1e6


if __name__ == "__main__":
    main()
