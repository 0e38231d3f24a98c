"""What MaxSim costs a page on one core: by the kernels in each instruction set, in numpy, and in Qdrant Edge.

    OMP_NUM_THREADS=1 python eval/kernel_speed.py [--pages 200] [--json]

A query of 20 rows meets pages of 1,024 rows of 128 dimensions, 32 pooled ones of them, 400 rows of 384, and these as
pages of six rows, as short pages have when they are pooled; all random. A figure is the median of many scans over all
pages, in processor time; all ways take turns, so that they can be compared though other programs run. The process
keeps to one core where the system lets it (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from vrag.bench.run import machine
from vrag.bits.exact import ExactPages, tiled, tiles_of
from vrag.bits.kernels import portable
from vrag.bits.kernels.compiled import Kernels
from vrag.bits.kernels.kernel_library import instruction_sets, load
from vrag.bits.kernels.quantise import Signs
from vrag.bits.packed import PackedPages
from vrag.grid import FloatArray
from vrag.pooling.poolings import normalise
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Record, Selection, StageRequest, VectorField

QUERY_ROWS, WINDOW, STRIDE = 20, 16, 8
ROWS, POOLED, DIM = 1024, 32, 128
WORD_ROWS, FEW, WORD_DIM = 400, 6, 384
SCANS = 15
Way = Callable[[], object]


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
    library = load()
    if library is None:
        parser.exit(2, "This machine has no compiled kernels: vrag doctor says what to do.\n")
    sets = {name: Kernels(library, name) for name in instruction_sets(library)}
    found = {what: microseconds(ways, pages) for what, pages, ways in measured(sets, arguments.pages)}
    if arguments.json:
        print(json.dumps({"machine": machine(), "microseconds": found}))
        return
    for what, times in found.items():
        print(f"{what:36s}", *(f"{name} {time:.2f}" for name, time in times.items()), sep="  ")
    print(f"Microseconds a page. Machine: {machine()}, of which one was used.")


def measured(sets: dict[str, Kernels], count: int) -> Iterator[tuple[str, int, dict[str, Way]]]:
    """What is scored, how many pages, and who scores it, by name."""
    random = np.random.default_rng(0)
    query, words = (normalise(random.standard_normal((QUERY_ROWS, dim), np.float32)) for dim in (DIM, WORD_DIM))
    pages = [normalise(random.standard_normal((ROWS, DIM), np.float32)) for _ in range(count)]
    texts = [normalise(random.standard_normal((WORD_ROWS, WORD_DIM), np.float32)) for _ in range(count)]
    pooled = packed([normalise(page.reshape(POOLED, -1, DIM).mean(axis=1)) for page in pages])
    full, text = packed(pages), packed(texts)
    few = packed(list(np.concatenate([text[: WORD_ROWS // FEW * FEW] for text in texts]).reshape(-1, FEW, WORD_DIM)))
    over_bits: dict[str, Any] = {**sets, "numpy": portable}
    for what, scored, asked, planes in (
        ("32 pooled rows, four bits of the query", pooled, query, 4),
        ("1,024 rows, signs alone", full, query, 1),
        ("1,024 rows, four bits of the query", full, query, 4),
        ("400 rows of 384, four bits", text, words, 4),
        ("6 rows of 384, four bits", few, words, 4),
    ):
        yield what, len(scored), {name: maxsim(kernels, scored, asked, planes) for name, kernels in over_bits.items()}
    by_region = {name: regions(kernels, text, words) for name, kernels in over_bits.items()}
    yield "400 rows of 384, best regions", count, by_region
    with tempfile.TemporaryDirectory() as folder:
        store, ids = stored(Path(folder), pages)
        request, chosen = [StageRequest("full", query, count)], Selection(ids=frozenset(ids))
        yield (
            "1,024 rows, float16, exact",
            count,
            {
                **{name: exact(kernels, kept(pages), query) for name, kernels in sets.items()},
                "numpy GEMM, float32": lambda: [float((query @ page.T).max(axis=1).sum()) for page in pages],
                "Qdrant Edge": lambda: store.query(request, chosen, ()),
            },
        )
        store.close()


def maxsim(kernels: Any, pages: PackedPages, query: FloatArray, planes: int) -> Way:
    """MaxSim over bits of all pages."""
    coded, out = pages.signs.query(query, planes), np.empty(len(pages), np.float32)
    return lambda: kernels.maxsim(pages.bits, pages.rows, np.arange(len(pages)), coded, out)


def regions(kernels: Any, pages: PackedPages, query: FloatArray) -> Way:
    """The best region of all pages."""
    coded, out, start = pages.signs.query(query), np.empty(len(pages), np.float32), np.empty(len(pages), np.int64)
    least, every = np.full((len(query), len(pages)), -np.inf, np.float32), np.arange(len(pages))
    return lambda: kernels.regions(pages.bits, pages.rows, every, coded, WINDOW, STRIDE, 0, least, out, start)


def exact(kernels: Kernels, pages: ExactPages, query: FloatArray) -> Way:
    """MaxSim over float16 rows of all pages."""
    out, every = np.empty(len(pages), np.float32), np.arange(len(pages))
    return lambda: kernels.exact(pages.values, pages.tiles, every, query, out)


def packed(pages: list[FloatArray]) -> PackedPages:
    """The bits of pages."""
    signs = Signs.of(np.concatenate(pages[:16]).mean(axis=0))
    bits = np.concatenate([signs.block(page).ravel() for page in pages])
    return PackedPages(signs, bits, np.cumsum([0, *map(len, pages)]))


def kept(pages: list[FloatArray]) -> ExactPages:
    """The float16 rows of pages."""
    tiles = np.cumsum([0, *tiles_of(np.full(len(pages), ROWS))])
    return ExactPages(np.concatenate([tiled(page) for page in pages]), tiles)


def stored(folder: Path, pages: list[FloatArray]) -> tuple[EdgeStore, list[str]]:
    """The pages in Qdrant Edge, and their ids."""
    store = EdgeStore.create(folder / "shard", [VectorField("full", "multi", DIM)], {})
    ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))) for number in range(len(pages))]
    for name, page in zip(ids, pages, strict=True):
        store.upsert([Record(name, {}, {"full": page})])
    store.optimize()
    return store, ids


def microseconds(ways: dict[str, Way], pages: int) -> dict[str, float]:
    """Median of `SCANS` scans of each, a page, after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for scan in range(-1, SCANS):
        first = scan % len(ways)  # who comes first finds the pages out of the processor's cache
        for name, way in [*ways.items()][first:] + [*ways.items()][:first]:
            started = time.process_time()
            way()
            times[name] += [time.process_time() - started] if scan >= 0 else []
    return {name: round(median(taken) / pages * 1e6, 2) for name, taken in times.items()}


if __name__ == "__main__":
    main()
