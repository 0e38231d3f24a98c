"""Bits that travel with the points of a server: the ranking of an embedded index, over real sockets, in few bytes."""

import threading
from contextlib import closing, contextmanager
from dataclasses import replace

import numpy as np
import pytest

from tests.store.backend import Backend
from tests.store.grpc_server import grpc_server
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag.bits.beside import BitsStore
from vrag.bits.cache.cache import BitCache
from vrag.bits.cache.contents import CacheLayout
from vrag.catalog.contexts import context_id
from vrag.catalog.documents import KEYS, page_id
from vrag.catalog.page_bits import PageBits
from vrag.errors import StoreError
from vrag.pipeline.pipeline import load_pipeline
from vrag.pooling.poolings import normalise
from vrag.search import bit_source
from vrag.search.bit_source import PointBits
from vrag.search.context import Contexts, ContextsInEngine
from vrag.search.plan import Limits
from vrag.search.ranking import rank_pages
from vrag.search.rescoring import Rescorer
from vrag.search.running import Runner
from vrag.search.watching import watch
from vrag.store.interface import BITS, BITS_SUM, Condition, Record, Selection, StageRequest
from vrag.store.server.address import Server
from vrag.store.server.connect import connect
from vrag.store.server.server import ServerStore

pytestmark = LOCAL_MODE
DIM, DOCS, PAGES = 384, 15, 18  # more pages than any look keeps
PIPELINE = load_pipeline("builtin")
FIELDS = PIPELINE.schema(DIM)
OF_PAGES = PageBits.of(PIPELINE, DIM, None)
ALL = Selection((Condition("kind", ("page",)),))
WORDS = [f"topic{i}" for i in range(9)]


def corpus():
    rng = np.random.default_rng(5)
    topics = normalise(rng.normal(size=(9, DIM)))
    for number in range(DOCS):
        doc_id = f"{number:064x}"
        said = normalise(topics[[number % 9]] + rng.normal(size=(1, DIM), scale=0.02))
        yield Record(context_id(doc_id), {"kind": "context", "doc_id": doc_id}, {"context": said})
        for page in range(1, PAGES + 1):
            rows = topics[rng.integers(0, 9, size=rng.integers(3, 13))]
            full = normalise(rows + rng.normal(size=rows.shape, scale=0.08))
            pooled = normalise(np.stack([part.mean(axis=0) for part in np.array_split(full, 3)]))
            vectors = {"full": full, "runs": pooled, "global": normalise(full.mean(axis=0))}
            terms = {"text": PIPELINE.text.document([WORDS[i] for i in rng.integers(0, 9, size=5)])}
            payload = {"kind": "page", "doc_id": doc_id, "page": page}
            yield Record(page_id(doc_id, page, "f"), payload, vectors, terms)


RECORDS = list(corpus())
PAGE = next(record for record in RECORDS if record.payload["kind"] == "page")
TOPICS = normalise(np.random.default_rng(5).normal(size=(9, DIM)))


def asked(seed):
    rng = np.random.default_rng(seed)
    rows = TOPICS[rng.integers(0, 9, size=4)]
    return normalise(rows + rng.normal(size=rows.shape, scale=0.05)), WORDS[seed % 9]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embedded")
    with closing(BitsStore.create(folder / "shard", FIELDS, KEYS)) as store:
        dims = {field.name: DIM for field in FIELDS if field.kind == "multi" and field.name != "context"}
        store.bits = BitCache(folder / "bits", CacheLayout(dims, levels=PIPELINE.bits, sparse=("text",)))
        store.upsert(RECORDS)
        yield store


@pytest.fixture(scope="module")
def whole():
    """A collection of everything, which no test changes: its store by the wire, and what its requests asked for."""
    with served() as (store, wanted, others):
        yield {"rest": others, "grpc": store}, wanted


@contextmanager
def served(records=RECORDS, bits=True):
    """A collection of the records behind a socket: its store over gRPC, what requests ask for, its store over REST."""
    backend, wanted = Backend(), []
    call = backend.call

    def watched(wire, what, collection, **arguments):
        wanted.append((what, arguments.get("with_vectors") or (), arguments.get("with_payload")))
        return call(wire, what, collection, **arguments)

    backend.call = watched
    with rest_server(backend) as url, grpc_server(backend) as port:
        over_grpc, over_rest = (connect(Server(url, grpc_port=one)) for one in (port, 0))
        with closing(ServerStore.create(over_grpc, "c", FIELDS, KEYS)) as store:
            if bits:
                store.derived = OF_PAGES.payload
            store.upsert(records)
            wanted.clear()
            with closing(ServerStore(over_rest, "c", FIELDS)) as other:
                yield store, wanted, other


@pytest.fixture
def changing():
    """A small collection that a test may change."""
    with served(RECORDS[: 2 * (PAGES + 1)]) as (store, wanted, _):
        yield store, wanted


def bits_of(store, are_written=True):
    return PointBits(store, OF_PAGES, are_written)


def runner_of(store, seed, bits):
    rows, word = asked(seed)
    contexts = Contexts(store) if bits is None else ContextsInEngine(store)
    rescorer = Rescorer(store, contexts, PIPELINE.regions, PIPELINE.head_rows, bits)

    def form(stage):
        return PIPELINE.query_form(stage, f"{word} valve", rows, None)

    return Runner(store, form, ALL, lambda: DOCS * PAGES, rescorer)


def search(store, seed=0, bits=None, k=10):
    """Ids, scores and starts of the best pages."""
    trail = rank_pages(runner_of(store, seed, bits), PIPELINE.cascade("best").plain, k).trail
    return [(point.id, point.score, trail.starts(1).get(point.id)) for point in trail.points[:k]]


def wholly(embedded, whole):
    """A new process at the server, and the embedded index: store, question, bits."""
    store = whole[0]["grpc"]
    return (store, 2, bits_of(store)), (embedded, 2, None)


def same(one, other):
    assert [(page, start) for page, _, start in one] == [(page, start) for page, _, start in other]
    assert [score for _, score, _ in one] == pytest.approx([score for _, score, _ in other], abs=2e-3)


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_hits_and_scores_are_those_of_an_embedded_index_and_no_vectors_are_read(embedded, whole, wire):
    wanted, store = whole[1], whole[0][wire]
    bits = bits_of(store)
    wanted.clear()
    for seed in range(8):
        same(search(store, seed, bits), search(embedded, seed))
    assert not any(vectors for _, vectors, _ in wanted)
    read = [payload for what, _, payload in wanted if what == "scroll"]
    assert all(isinstance(keys, list) for keys in read)
    assert sorted({tuple(keys) for keys in read}) == [("bits1", "bits"), ("bits2", "bits"), ("bits3", "bits")]
    wanted.clear()
    search(store, 0, bits)
    assert not any(what == "scroll" for what, _, _ in wanted)  # they are kept


def test_only_those_that_may_be_among_the_best_are_read_with_all_of_their_bits(whole):
    store = whole[0]["grpc"]
    bits = bits_of(store)
    search(store, 0, bits)
    pieces = sorted(len(known.pieces) for known in bits._kept.values())
    assert [pieces.count(n) for n in (1, 2, 3)] == [46, 112, 112]
    assert sum(map(bit_source._bytes, bits._kept.values())) == bits._bytes


def test_as_many_hits_as_are_wanted_have_the_scores_of_all_of_their_bits(embedded, whole):
    for k in (60, 200):
        found, expected = ({page: score for page, score, _ in search(*one, k=k)} for one in wholly(embedded, whole))
        assert found.keys() == expected.keys()
        assert [*found.values()] == pytest.approx([expected[page] for page in found], abs=2e-3)


def test_who_looks_at_every_candidate_sees_the_score_of_all_of_its_bits(embedded, whole):
    scores = []
    for store, seed, bits in wholly(embedded, whole):
        limits = Limits(10, lambda: DOCS * PAGES)
        watched = watch(runner_of(store, seed, bits), PIPELINE.cascade("best").plain, limits)
        scores.append({point.id: point.score for point in watched.trail.scored(1)})
    assert len(scores[0]) == DOCS * PAGES
    assert scores[0] == pytest.approx(scores[1], abs=2e-3)


def test_what_another_writer_changes_is_never_scored_as_it_was(changing):
    store, _ = changing
    bits, rows = bits_of(store), asked(0)[0]
    before = search(store, 0, bits)
    worst = search(store, 0, bits, k=99)[-1][0]
    record = next(one for one in RECORDS if one.id == worst)
    answer = np.concatenate([rows, rows, record.vectors["full"][:2]])
    store.upsert([replace(record, vectors={**record.vectors, "full": answer})])
    after = search(store, 0, bits)
    assert (before[0][0] != worst, after[0][0]) == (True, worst)
    same(after, search(store, 0, bits_of(store)))
    store.delete(Selection(ids=frozenset([worst])))
    gone = search(store, 0, bits)
    assert worst not in [page for page, _, _ in gone]
    same(gone, search(store, 0, bits_of(store)))


def test_a_page_that_changes_between_two_looks_is_scored_as_it_is_then(monkeypatch, changing, caplog):
    store, _ = changing
    monkeypatch.setattr(PointBits, "looks", [bit_source.Look(1, 20), bit_source.Look(2, 15)])
    rows, record = asked(0)[0], next(one for one in RECORDS if one.id == search(store, 0, bits_of(store))[0][0])
    scroll, bits = store.scroll, bits_of(store)

    def then_changed(selection, vectors=(), keys=None):
        yield from scroll(selection, vectors, keys)
        if "bits1" in keys:
            store.upsert([replace(record, vectors={**record.vectors, "full": np.concatenate([rows, -rows])})])

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(store, "scroll", then_changed)
        found = search(store, 0, bits)
    assert found[0][0] == record.id
    same(found, search(store, 0, bits_of(store)))
    assert not caplog.records  # nothing is missing


def test_a_page_that_goes_between_two_looks_is_no_hit(monkeypatch, changing):
    store, _ = changing
    monkeypatch.setattr(PointBits, "looks", [bit_source.Look(1, 20), bit_source.Look(2, 15)])
    best, scroll = search(store, 0, bits_of(store))[0][0], store.scroll

    def then_gone(selection, vectors=(), keys=None):
        yield from scroll(selection, vectors, keys)
        if "bits1" in keys:
            store.delete(Selection(ids=frozenset([best])))

    monkeypatch.setattr(store, "scroll", then_gone)
    assert best not in [page for page, _, _ in search(store, 0, bits_of(store))]


def test_pages_without_bits_are_read_once_with_a_warning_that_says_what_to_do(changing, caplog):
    store, _ = changing
    with served(RECORDS[: 2 * (PAGES + 1)], bits=False) as (bare, wanted, _):
        bits = bits_of(bare)
        same(search(bare, 0, bits), search(store, 0, bits_of(store)))
        assert any(vectors == ["full"] for _, vectors, _ in wanted)
        assert [record.message for record in caplog.records] == [
            f"Searches read the vectors of pages whose bits the server lacks, {2 * PAGES} of them just now: "
            "vrag verify --repair adds them."
        ]
        wanted.clear()
        search(bare, 0, bits)
        assert not any(vectors for _, vectors, _ in wanted)


def test_an_index_whose_cascades_ask_for_no_bits_says_nothing(caplog):
    with served(RECORDS[: PAGES + 1], bits=False) as (store, _, _):
        search(store, 0, bits_of(store, are_written=False))
    assert not caplog.records


DAMAGED = {
    "no base64": ("bits1", "?" * 64),
    "half a number": ("bits1", "AAAA"),
    "nothing": ("bits1", ""),
    "other rows": ("bits2", "A" * 4 * 64),
    "other bits": ("bits3", lambda text: ("B" if text[0] == "A" else "A") + text[1:]),
    "another sum": ("bits", 7),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_bits_are_made_again_from_the_vectors(changing, caplog, damage):
    store, _ = changing
    expected = search(store, 0, bits_of(store))
    key, value = DAMAGED[damage]
    page = Selection(ids=frozenset([expected[0][0]]))
    if callable(value):
        (record,) = store.scroll(page, keys=(key,))
        value = value(record.payload[key])
    store.set_payload(page, {key: value})
    bits = bits_of(store)
    for _ in range(2):
        same(search(store, 0, bits), expected)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("key", "value"), [("bits1", 7), ("bits3", ["x"]), ("bits", -1), ("bits", "x")])
def test_bits_that_are_no_text_are_refused_in_a_sentence(changing, key, value):
    store, _ = changing
    store.set_payload(Selection(ids=frozenset([PAGE.id])), {key: value})
    with pytest.raises(StoreError, match=f"sent a record whose {key} is"):
        list(store.scroll(Selection(ids=frozenset([PAGE.id])), keys=(*BITS, BITS_SUM)))


def test_two_threads_that_read_the_same_pages_at_once_both_get_all_and_they_count_once(monkeypatch, changing):
    store, _ = changing
    expected, bits, scroll = search(store, 0, bits_of(store)), bits_of(store), store.scroll
    both_ask, found = threading.Barrier(2), []

    def together(selection, vectors=(), keys=None):
        if "bits1" in keys:
            both_ask.wait(10)  # neither has what the other reads
        return scroll(selection, vectors, keys)

    monkeypatch.setattr(store, "scroll", together)
    threads = [threading.Thread(target=lambda: found.append(search(store, 0, bits))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 2
    for one in found:
        same(one, expected)
    assert bits._bytes == sum(map(bit_source._bytes, bits._kept.values())) > 0


def test_no_more_bits_are_kept_than_the_bound(monkeypatch, changing):
    store, _ = changing
    expected, bits = search(store, 0, bits_of(store)), bits_of(store)
    monkeypatch.setattr(bit_source, "MOST_BYTES", 10_000)
    for _ in range(2):
        same(search(store, 0, bits), expected)
        assert 0 < bits._bytes <= 10_000
        assert bits._bytes == sum(map(bit_source._bytes, bits._kept.values()))


def test_bits_come_only_when_asked_for_by_name(changing):
    store, _ = changing
    mine = {*BITS, BITS_SUM}
    page = Selection(ids=frozenset([PAGE.id]))
    assert store.fetch([PAGE.id])[PAGE.id].payload == PAGE.payload
    assert next(iter(store.scroll(page))).payload == PAGE.payload
    assert not mine & store.query([StageRequest("full", PAGE.vectors["full"][:1], 1)], page)[0].payload.keys()
    (found,) = store.scroll(page, keys=(*BITS, BITS_SUM))
    assert found.payload.keys() == mine
    assert found.payload == OF_PAGES.payload(PAGE)


def test_contexts_answer_in_the_engine_what_they_answer_here(changing):
    store, wanted = changing
    rows, docs = asked(3)[0], [f"{number:064x}" for number in (1, 0, 1, 99)]
    asking = ContextsInEngine(store)
    answered = asking.answers(rows, docs)
    assert answered == pytest.approx(Contexts(store).answers(rows, docs), abs=1e-3)
    assert np.isneginf(answered[:, 3]).all()
    wanted.clear()
    assert np.array_equal(asking.answers(rows, docs[:2]), answered[:, :2])
    assert not wanted  # the query has asked
    assert asking.answers(rows, []).shape == (4, 0)


def test_bits_of_one_plane_of_few_values_are_one_piece():
    few = PageBits.of(replace(PIPELINE, bits={}), 128, None)
    assert few.keys == ("bits1",)
    full = normalise(np.random.default_rng(0).normal(size=(5, 128))).astype(np.float32)
    record = Record(PAGE.id, {"kind": "arriving"}, {"full": full})
    pieces = few.more(few.payload(record), (), 1)
    assert np.array_equal(pieces[0], few.signs.block(full.astype(np.float16).astype(np.float32)))
    assert few.payload(replace(record, payload={"kind": "document"})) == {}
    assert PointBits(None, few, True).looks == []


def test_a_watched_query_scores_as_the_search_did(whole):
    wanted, store = whole[1], whole[0]["grpc"]
    bits = bits_of(store)
    found = search(store, 1, bits)
    wanted.clear()
    watched = watch(runner_of(store, 1, bits), PIPELINE.cascade("best").plain, Limits(10, lambda: DOCS * PAGES))
    points = watched.trail.points[:10]
    same([(point.id, point.score, watched.of_page(1, point.id).start) for point in points], found)
    assert not any(vectors for _, vectors, _ in wanted)
