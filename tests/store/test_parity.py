"""The same queries on the embedded engine and on the server's store: the same rankings."""

from contextlib import closing

import numpy as np
import pytest

from tests.store.test_conformance import LOCAL_MODE
from vrag.catalog.documents import KEYS, Document, Documents, page_id
from vrag.catalog.payload import _pack, _pack_boxes
from vrag.pipeline.pipeline import load_pipeline
from vrag.pooling.poolings import normalise
from vrag.search.rescoring import Rescorer
from vrag.search.running import Runner
from vrag.search.search import search
from vrag.search.where import parse_where
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Record
from vrag.store.server.connect import Connection
from vrag.store.server.nodes import Nodes
from vrag.store.server.retry import Retry
from vrag.store.server.server import ServerStore

pytestmark = LOCAL_MODE
DIM, DOCS, PAGES, QUERIES = 16, 12, 6, 200
PIPELINE = load_pipeline("builtin")
NO_WORDS = {"text": "", "boxes": _pack_boxes(np.zeros((0, 4), np.float32)), "lines": _pack(b"")}


def records():
    """Pages of a small corpus with topics, so that scores are neither all alike nor all far apart."""
    rng = np.random.default_rng(5)
    topics = normalise(rng.normal(size=(9, DIM)))
    for number in range(DOCS):
        doc_id = f"{number:064x}"
        yield Document(doc_id, (f"/corpus/{number}.pdf",), PAGES, True).to_record()
        for page in range(1, PAGES + 1):
            rows = topics[rng.integers(0, 9, size=rng.integers(5, 40))]
            full = normalise(rows + rng.normal(size=rows.shape, scale=0.4))
            pooled = normalise(np.stack([part.mean(axis=0) for part in np.array_split(full, 4)]))
            vectors = {"full": full, "runs": pooled, "global": normalise(full.mean(axis=0))}
            terms = {"text": PIPELINE.text.document([f"topic{i}" for i in rng.integers(0, 9, size=5)])}
            tiles = [[1, len(full), 0, 0, 1, 1, False]]
            yield Record(
                page_id(doc_id, page, "f"),
                {"kind": "page", "doc_id": doc_id, "page": page, "tiles": tiles, **NO_WORDS},
                vectors,
                terms,
            )


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    from qdrant_client import QdrantClient

    fields, all_records = PIPELINE.schema(DIM), list(records())
    retry = Retry(":memory:", 30)
    one = EdgeStore.create(tmp_path_factory.mktemp("parity") / "shard", fields, KEYS)
    other = ServerStore.create(Connection(Nodes.of(QdrantClient(":memory:")), retry, retry, "rest"), "c", fields, KEYS)
    with closing(one), closing(other):
        for store in (one, other):
            store.upsert(all_records)
        yield one, other


def queries():
    rng = np.random.default_rng(6)
    return [normalise(rng.normal(size=(rng.integers(2, 9), DIM))) for _ in range(QUERIES)]


@pytest.mark.parametrize(("number", "cascade"), list(enumerate(PIPELINE.cascades)))
def test_rankings_are_the_same(stores, number, cascade):
    compare(stores, cascade, (), queries()[number % 3 :: 3])  # a third for each: together they ask all


@pytest.mark.parametrize(
    "cascade",
    [
        *PIPELINE.cascades,
        "runs:20 > full",
        "mean(full)",
        "global:40 > full",
        "union(runs:9, text:200) > full",
        "full+0.5*text",
        "runs:20 > full@regions+context",
    ],
)
@pytest.mark.parametrize("where", [(), ("doc=3.pdf",)])
def test_rankings_are_the_same_of_other_cascades_and_of_one_document(stores, cascade, where):
    compare(stores, cascade, where, queries()[:20])


def compare(stores, cascade, where, asked):
    for rows in asked:
        ranked = [hits_of(store, rows, cascade, where) for store in stores]
        assert [(hit.doc, hit.page) for hit in ranked[0]] == [(hit.doc, hit.page) for hit in ranked[1]]
        for one, other in zip(*ranked, strict=True):
            assert one.stages == pytest.approx(other.stages, rel=1e-3, abs=1e-3)


def hits_of(store, rows, cascade, where):
    documents = Documents(store)
    selection, rescorer = parse_where(where, documents), Rescorer(store, None, PIPELINE.regions)
    runner = Runner(store, lambda stage: form(stage, rows), selection, lambda: DOCS * PAGES, rescorer)
    return search(runner, documents, PIPELINE.cascade(cascade), 10)


def form(stage, rows):
    return PIPELINE.query_form(stage, f"topic{int(abs(rows[0, 0]) * 40) % 9} valve", rows, None)
