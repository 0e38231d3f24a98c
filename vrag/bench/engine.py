"""The cascades, on a store of benchmark pages: Qdrant Edge with bits beside it, as an index has them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vrag.bench.measure import TOP, Ranked
from vrag.bench.vectors import VectorCorpus
from vrag.bits.beside import BitsStore
from vrag.bits.cache.cache import BitCache
from vrag.bits.cache.contents import CacheLayout
from vrag.cascade.cascade import Stage
from vrag.cascade.text import parse_cascade
from vrag.catalog.documents import KEYS
from vrag.catalog.kinds import PAGE
from vrag.grid import FloatArray
from vrag.pooling.poolings import normalise
from vrag.search.ranking import rank_pages
from vrag.search.running import Runner
from vrag.store.interface import Condition, Record, Selection, VectorField

FULL, ROWS, GLOBAL = "full", "rows", "global"
POOLED = 32  # rows of the pooled vector, as ColPali's grid has
# The paper's limits for two and three stages. A narrow and a wide cascade of ours, the same at every size.
CASCADES = {
    "exact": "full",
    "two-stage": "rows:256 > full",
    "three-stage": "global:1000 > rows:300 > full",
    "three-stage, graph": "global@hnsw:1000 > rows:300 > full",
    "bits": "rows@bits:512 > full@bits:64 > full",
    "bits, wide": "rows@bits:2048 > full@bits:256 > full",
}
_BATCH = 16
_PAGES = Selection((Condition("kind", (PAGE,)),))


class BenchStore:
    """The first N pages of a corpus in a store that grows from size to size.

    Args:
        folder: Where the store is, or is made.
        dim: Dimension of a row.
        pages: That it holds.
    """

    def __init__(self, folder: Path, dim: int, pages: int = 0) -> None:
        rows = [VectorField(FULL, "multi", dim), VectorField(ROWS, "multi", dim)]
        fields = [*rows, VectorField(GLOBAL, "single", dim, hnsw=True)]
        shard = folder / "shard"
        self._store = BitsStore.open(shard, fields) if shard.exists() else BitsStore.create(shard, fields, KEYS)
        self.bits = open_bits(folder, dim)
        self._store.bits = self.bits
        self.pages = pages
        self.build_s = 0.0

    def grow(self, corpus: VectorCorpus, pages: int) -> None:
        """Add pages of a corpus until there are `pages`, then merge segments, build the graph and commit the bits."""
        started = time.perf_counter()
        for start in range(self.pages, pages, _BATCH):
            self._store.upsert([_record(corpus, n) for n in range(start, min(start + _BATCH, pages))])
        self.pages = pages
        self._store.optimize()
        self.bits.update(self._store)
        self.build_s += time.perf_counter() - started

    def search(self, cascade: str, query: FloatArray) -> Ranked:
        """Numbers of the ten best pages."""
        parsed = parse_cascade(cascade, {}, (FULL, ROWS, GLOBAL))

        def form(stage: Stage) -> FloatArray:
            return normalise(query.sum(axis=0, keepdims=True))[0] if stage.vector == GLOBAL else query

        runner = Runner(self._store, form, _PAGES, lambda: self.pages)
        points = rank_pages(runner, parsed, TOP).points
        return [int(point.payload["page"]) for point in points[:TOP]]

    def close(self) -> None:
        """Release the folder."""
        self._store.close()


def open_bits(folder: Path, dim: int) -> BitCache:
    """The bits beside a benchmark store; any number of processes may read them at once."""
    return BitCache(folder / "bits", CacheLayout({FULL: dim, ROWS: dim}, exact=(FULL,)))


def _record(corpus: VectorCorpus, number: int) -> Record:
    full = corpus.page(number)
    rows = np.stack([part.mean(axis=0) for part in np.array_split(full, POOLED)])
    mean = normalise(full.mean(axis=0, keepdims=True))[0]
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, f"bench {number}"))
    payload = {"kind": PAGE, "doc_id": "bench", "page": number}
    return Record(name, payload, {FULL: full, ROWS: normalise(rows), GLOBAL: mean})


def sizes_of(cache: BitCache, names: Sequence[str]) -> int:
    """Bytes of the bits of these vectors."""
    return sum(cache.committed().packed[name].bits.nbytes for name in names)
