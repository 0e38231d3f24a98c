"""A store of forty pages, and the vectors that are in it."""

import numpy as np
import pytest

from tests.search.pages import FIELDS, PAGES, point_id, record, unit
from vrag.store.edge.edge import EdgeStore


@pytest.fixture(scope="package")
def vectors():
    rng = np.random.default_rng(4)
    full = {point_id(i): unit(6, rng) for i in range(PAGES)}
    return {"full": full, "rows": {k: v[::2] for k, v in full.items()}, "global": {k: v[0] for k, v in full.items()}}


@pytest.fixture(scope="package")
def store(vectors, tmp_path_factory):
    store = EdgeStore.create(tmp_path_factory.mktemp("shard"), FIELDS, {"doc_id": "keyword"})
    store.upsert([record(i, vectors) for i in range(PAGES)])
    yield store
    store.close()
