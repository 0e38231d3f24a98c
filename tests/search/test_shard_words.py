"""Word scores of pages that lie in shards: as if one engine had counted them all."""

from contextlib import ExitStack, closing
from itertools import chain

import numpy as np
import pytest

from vrag.cascade.bm25 import TEXT
from vrag.search import shard_words
from vrag.search.shard_words import even_scores
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Record, Selection, SparseVector, StageRequest, VectorField

FIELDS = [VectorField("global", "single", 2), VectorField("text", "sparse")]
QUERY = SparseVector(np.array([3, 7, 11, 99], np.uint32), np.array([1, 2, 0.5, 1], np.float32))
A_SHARD = 20
WITH = {3: (1, 5, 9), 7: (20, 18, 2), 11: (0, 0, 4)}  # pages of each shard that have a term; none has 99


def page_id(shard, n):
    return f"00000000-0000-0000-{shard:04d}-{n:012d}"


def records(shard):
    rng = np.random.default_rng(shard)
    for n in range(A_SHARD):
        terms = [term for term, counts in WITH.items() if n < counts[shard]] or [50]
        weights = rng.uniform(0.5, 2, size=len(terms)).astype(np.float32)
        text = SparseVector(np.array(terms, np.uint32), weights)
        yield Record(page_id(shard, n), {"page": n}, {"global": np.ones(2, np.float32)}, {"text": text})


class Shards:
    """Engines side by side, each with its own counts, as a server has them."""

    def __init__(self, stores):
        self.stores = stores

    def shards(self):
        return len(self.stores)

    def query_each(self, stages, selection, keys=None):
        each = [store.query_each(stages, selection, keys) for store in self.stores]
        return [[*chain.from_iterable(found)] for found in zip(*each, strict=True)]

    def scroll(self, selection, vectors=(), keys=None):
        return chain.from_iterable(store.scroll(selection, vectors, keys) for store in self.stores)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp("shard") / "shard" for _ in range(4)]
        *parts, whole = [stack.enter_context(closing(EdgeStore.create(folder, FIELDS, {}))) for folder in folders]
        for shard, store in enumerate(parts):
            store.upsert([*records(shard)])
            whole.upsert([*records(shard)])
        yield Shards(parts), whole


def engine_scores(store):
    return {point.id: point.score for point in store.query([StageRequest(TEXT, QUERY, 99)], Selection(), ())}


def test_scores_are_those_of_one_shard(stores):
    shards, whole = stores
    expected = engine_scores(whole)
    found = even_scores(shards, QUERY, [*expected], 3 * A_SHARD)
    assert found == pytest.approx(expected, rel=2e-3)
    by_shard = {page: score for store in shards.stores for page, score in engine_scores(store).items()}
    assert max(abs(by_shard[page] / score - 1) for page, score in expected.items()) > 0.5  # so much was wrong


@pytest.mark.parametrize("a_shard", [20_000, 1_000_000])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.6])
def test_shards_are_told_apart_however_large_they_are(a_shard, share):
    rng = np.random.default_rng(a_shard)
    sizes = rng.poisson(a_shard, size=6)
    counts = np.maximum(rng.binomial(sizes, share), 1)
    weights = rng.uniform(0.3, 2.2, size=(5, 6)).astype(np.float32)
    engine = weights * np.log1p((sizes - counts + 0.5) / (counts + 0.5)).astype(np.float32)
    pages, with_term = sizes.sum(), counts.sum()
    found = shard_words._worth((engine / weights).ravel().astype(np.float64), int(pages), 6)
    assert found == pytest.approx(np.log1p((pages - with_term + 0.5) / (with_term + 0.5)), abs=0.01)


def test_pages_without_words_of_the_query_have_no_score(stores):
    shards, _ = stores
    nothing, unknown = page_id(0, 20), page_id(2, 19)
    assert even_scores(shards, QUERY, [nothing, unknown], 3 * A_SHARD) == {}
    none = SparseVector(np.zeros(0, np.uint32), np.zeros(0, np.float32))
    assert even_scores(shards, none, [page_id(0, 0)], 3 * A_SHARD) == {}
