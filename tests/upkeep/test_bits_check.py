"""Bits that travel with a server's pages: copies make them and leave them out, verify knows them, repair makes them."""

import pytest

from tests.store.backend import Backend
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from tests.upkeep.test_transfer import Seen
from vrag import Index
from vrag.places.place import FolderPlace, ServerPlace
from vrag.store.interface import BITS, BITS_SUM, Condition, Selection
from vrag.store.server.address import Server
from vrag.upkeep.transfer import transfer

pytestmark = LOCAL_MODE
PAGES = Selection((Condition("kind", ("page",)),))
KEYS = {*BITS, BITS_SUM}


@pytest.fixture
def place(indexed):
    with rest_server(Backend()) as url:
        place = ServerPlace(Server(url, grpc_port=0), "c")
        transfer(FolderPlace(indexed), place, Seen())
        yield place


def pages(index):
    return list(index.stored.store.scroll(PAGES, keys=tuple(KEYS)))


def test_a_push_makes_them_and_a_pull_leaves_them_out(place, tmp_path):
    with Index.open(place) as index:
        assert [record.payload.keys() for record in pages(index)] == [KEYS] * 5
        assert not any(index.verify())
    assert transfer(place, FolderPlace(tmp_path / "back"), Seen()).copied
    with Index.open(tmp_path / "back") as index:
        assert [record.payload for record in pages(index)] == [{}] * 5


def of_an_earlier_version(store, record):
    store.derived = lambda _: {}
    store.upsert([record])


def torn(store, record):
    store.set_payload(Selection(ids=frozenset([record.id])), {"bits2": "AAAA"})


def anothers(store, record):
    other = next(one for one in store.scroll(PAGES, keys=tuple(KEYS)) if one.id != record.id)
    store.set_payload(Selection(ids=frozenset([record.id])), other.payload)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (of_an_earlier_version, "its bits, by which a server's pages are searched, are missing"),
        (torn, "its bits are not those of its vectors"),
        (anothers, "its bits are not those of its vectors"),
    ],
)
def test_verify_names_bits_that_are_not_those_of_the_vectors_and_repair_makes_them_again(place, damage, says):
    with Index.open(place) as index:
        record = index.documents.page_record("animals.pdf", 2)
        names = [field.name for field in index.pipeline.schema(index.embedder.dim)]
        damage(index.stored.store, index.stored.store.fetch([record.id], names)[record.id])
    with Index.open(place) as index:
        before = {page.id: page.payload for page in pages(index)}
        (problem,) = index.verify(repair=True)
        assert (problem.page, problem.problem) == (2, says)
        assert not any(index.verify())
        after = {page.id: page.payload for page in pages(index)}
        assert {page for page in after if after[page] != before[page]} == {record.id}


def test_a_collection_whose_pipeline_asks_for_no_bits_has_none(indexed, folder):
    with rest_server(Backend()) as url:
        place = ServerPlace(Server(url, grpc_port=0), "plain")
        with Index.create(place, pipeline="plain") as index:
            index.ingest([folder / "sub"])
            assert [record.payload for record in pages(index)] == [{}] * 2
            assert not any(index.verify())


def test_an_ingest_makes_them(folder):
    with rest_server(Backend()) as url, Index.create(ServerPlace(Server(url, grpc_port=0), "new")) as index:
        index.ingest([folder / "sub"])
        assert [record.payload.keys() for record in pages(index)] == [KEYS] * 2
        assert index.search("hydraulic pumps")[0].page == 2
