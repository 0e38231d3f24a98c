"""The cascades, on a store of benchmark pages: Qdrant Edge with bits beside it, as an index has them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vrag.bench.measure import TOP, Ranked
from vrag.bench.vectors import Corpus
from vrag.bits.cache import BitCache
from vrag.bits.store import BitsStore
from vrag.cascade import Stage
from vrag.cascade_text import parse_cascade
from vrag.documents import KEYS
from vrag.execution import Execution
from vrag.grid import FloatArray
from vrag.payload import PAGE
from vrag.pooling import normalise
from vrag.store.base import Condition, Record, Selection, VectorField

FULL, ROWS, GLOBAL = "full", "rows", "global"
POOLED = 32  # rows of the pooled vector, as ColPali's grid has
CASCADES = {
    "exact": "full",
    "two-stage": "rows:256 > full",
    "three-stage": "global:1000 > rows:300 > full",
    "bits": "rows@bits:512 > full@bits:256 > full",
}
_BATCH = 16
_PAGES = Selection((Condition("kind", (PAGE,)),))


class BenchStore:
    """The first N pages of a corpus in a store that grows from size to size.

    Args:
        folder: Where the store is made; must be empty.
        corpus: The pages.
    """

    def __init__(self, folder: Path, corpus: Corpus) -> None:
        dim = corpus.source.dim
        fields = [VectorField(FULL, "multi", dim), VectorField(ROWS, "multi", dim), VectorField(GLOBAL, "single", dim)]
        self._corpus = corpus
        self._store = BitsStore.create(folder / "shard", fields, KEYS)
        self.bits = BitCache(folder / "bits", {FULL: dim, ROWS: dim}, {})
        self._store.bits = self.bits
        self.pages = 0

    def grow(self, pages: int) -> None:
        """Add pages until there are `pages`, then merge segments and commit the bits."""
        for start in range(self.pages, pages, _BATCH):
            self._store.upsert([self._record(n) for n in range(start, min(start + _BATCH, pages))])
        self.pages = pages
        self._store.optimize()
        self.bits.update(self._store)

    def search(self, cascade: str, query: FloatArray) -> Ranked:
        """Numbers of the ten best pages."""
        parsed = parse_cascade(cascade, {}, (FULL, ROWS, GLOBAL))

        def form(stage: Stage) -> FloatArray:
            return normalise(query.sum(axis=0, keepdims=True))[0] if stage.vector == GLOBAL else query

        execution = Execution(self._store, form, _PAGES, TOP, self.pages)
        points = execution.run(parsed).points
        return [int(point.payload["page"]) for point in points[:TOP]]

    def close(self) -> None:
        """Release the folder."""
        self._store.close()

    def _record(self, number: int) -> Record:
        full = self._corpus.page(number)
        rows = np.stack([part.mean(axis=0) for part in np.array_split(full, POOLED)])
        mean = normalise(full.mean(axis=0, keepdims=True))[0]
        name = str(uuid.uuid5(uuid.NAMESPACE_OID, f"bench {number}"))
        payload = {"kind": PAGE, "doc_id": "bench", "page": number}
        return Record(name, payload, {FULL: full, ROWS: normalise(rows), GLOBAL: mean})


def sizes_of(cache: BitCache, names: Sequence[str]) -> int:
    """Bytes of the bits of these vectors."""
    return sum(cache.pages(name).bits.nbytes for name in names)
