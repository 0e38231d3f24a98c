"""Places: which one a command works on, and an index on a server through the library."""

import pytest

from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from tests.store.backend import Backend
from tests.store.flaky import flaky
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag import Index
from vrag.errors import IndexMismatchError, StoreError, UsageError
from vrag.places.facts import FORMAT, Facts
from vrag.places.place import FACTS_ID, FolderPlace, ServerPlace, as_place, choose_place
from vrag.store.server.address import Server

pytestmark = [*LOCAL_MODE, pytest.mark.usefixtures("environment")]
PASSING = ["500", "429", "cut", "cut after", "truncated", "503", "garbage"]


@pytest.fixture
def backend():
    return Backend()


@pytest.fixture
def url(backend):
    with rest_server(backend) as url:
        yield url


@pytest.fixture
def animals(tmp_path):
    return write_pdf(tmp_path / "animals.pdf", ANIMALS)


def test_the_order_in_which_places_are_looked_for(monkeypatch, tmp_path, indexed):
    with pytest.raises(UsageError, match="No index"):
        choose_place()
    assert choose_place(writing=True).folder == tmp_path / ".vrag"
    monkeypatch.setenv("QDRANT_URL", "http://a.example")
    chosen = choose_place()
    assert (chosen.server.url, chosen.collection, chosen.folder) == ("http://a.example:6333", "vrag", None)
    assert choose_place(collection="c").collection == "c"
    assert choose_place(url="http://b.example").server.url == "http://b.example:6333"
    assert choose_place(index=indexed).folder == indexed
    monkeypatch.setenv("VRAG_INDEX", str(indexed))
    assert choose_place().folder == indexed
    assert choose_place(url="http://b.example").folder is None


def test_a_folder_and_a_server_at_once_are_refused(indexed):
    with pytest.raises(UsageError, match="give one of them"):
        choose_place(indexed, "http://a.example")
    with pytest.raises(UsageError, match="--collection is a server's"):
        choose_place(indexed, collection="c")


def test_programs_write_places_as_folders_or_addresses(tmp_path):
    assert isinstance(as_place(tmp_path), FolderPlace)
    assert as_place("http://a.example", "c").name == "http://a.example:6333, collection c"
    place = ServerPlace(Server("http://a.example:6333", "s3cret"), "c")
    assert as_place(place) is place
    assert "s3cret" not in place.name


def test_facts_come_back_from_json():
    from vrag.embedders.protocol import Fingerprint

    facts = Facts("p", {"model": "m"}, Fingerprint({"model": "m"}), 7)
    assert Facts.from_json(facts.to_json(), "here") == facts
    for damaged in (None, [], {}, {"format": FORMAT}, {**facts.to_json(), "dim": "x"}):
        with pytest.raises(IndexMismatchError, match="here is damaged"):
            Facts.from_json(damaged, "here")
    for version, way_out in ((99, "Upgrade vrag"), (1, "ingest the files again into a new place")):
        with pytest.raises(IndexMismatchError, match=f"format {version}") as caught:
            Facts.from_json({"format": version}, "here")
        assert way_out in caught.value.hint


def test_an_index_on_a_server_is_opened_by_its_address_alone(url, animals, indexed):
    with Index.create(url, collection="c") as index:
        assert index.path is None
        assert index.ingest([animals]).added == 3
        assert index.ingest([animals]).unchanged == 3
        assert index.verify() == []
    with Index.open(url, collection="c") as again:
        hits = again.search("birds on the ice", k=1)
        assert (hits[0].doc, hits[0].page, again.page_count) == ("animals.pdf", 2, 3)
        assert again.vectors("animals.pdf", 1).shape[1] == again.embedder.dim
        assert "krill" in again.snippet("krill", hits[0])
        assert [d.pages for d in again.documents.all()] == [3]
    with pytest.raises(UsageError, match="There is an index at http"):
        Index.create(url, collection="c")
    with pytest.raises(UsageError, match="No index at .*collection other"):
        Index.open(url, collection="other")


def test_an_ingest_through_a_bad_network_loses_nothing_and_duplicates_nothing(url, animals, backend):
    with flaky(url, [step for fault in PASSING * 3 for step in (fault, "ok")]) as bad:
        place = ServerPlace(Server(bad, grpc_port=0, patience=60), "c")
        with Index.create(place) as index:
            report = index.ingest([animals])
            found = index.search("bees dance", k=5)
    assert (report.added, report.failed) == (3, [])
    assert found[0].page == 3
    with Index.open(url, collection="c") as whole:
        assert whole.page_count == 3
        assert len(whole.documents.all()) == 1
    points, _ = backend.client.scroll("c", limit=99)
    assert len(points) == 3 + 1 + 1 + 1  # pages, the document, its context, the facts


def test_a_collection_of_another_model_is_refused(url, backend):
    Index.create(url, collection="c").close()
    facts = backend.client.retrieve("c", [FACTS_ID])[0].payload["facts"]
    facts["fingerprint"]["model"] = "somebody/else"
    backend.client.set_payload("c", {"facts": facts}, points=[FACTS_ID])
    with pytest.raises(IndexMismatchError, match="somebody/else"):
        Index.open(url, collection="c")
    Index.open(url, collection="c", force=True).close()


def test_a_strangers_collection_is_left_alone(url, backend):
    from qdrant_client import models

    with Index.create(url, collection="c"):
        pass
    backend.client.delete("c", models.PointIdsList(points=[FACTS_ID]))
    Index.create(url, collection="c").close()  # unfinished and empty: finished now
    backend.client.delete("c", models.PointIdsList(points=[FACTS_ID]))
    backend.client.upsert("c", [models.PointStruct(id=1, vector={}, payload={"mine": True})])
    with pytest.raises(UsageError, match="holds points, and no vrag index"):
        Index.create(url, collection="c")
    backend.client.create_collection("d", vectors_config={})
    with pytest.raises(StoreError, match="other vectors"):
        Index.create(url, collection="d")


def test_the_key_is_nowhere_in_the_collection(animals):
    backend = Backend(api_key="s3cret")
    with rest_server(backend) as url:
        place = ServerPlace(Server(url, "s3cret", grpc_port=0), "c")
        with Index.create(place) as index:
            index.ingest([animals])
    points, _ = backend.client.scroll("c", limit=99, with_payload=True)
    assert "s3cret" not in repr(points)
    assert url not in repr(points)


@pytest.mark.parametrize(
    "cascade", ["best", "exact", "two-stage", "runs:50% > full", "full+0.5*text", "union(runs:9, text:9) > full"]
)
def test_a_reader_sees_as_much_as_one_that_opens_after_another_has_written(url, animals, cascade):
    Index.create(url, collection="c").close()
    with Index.open(url, collection="c") as reader, Index.open(url, collection="c") as writer:
        assert (reader.page_count, reader.search("bees dance", cascade=cascade)) == (0, [])
        writer.ingest([animals])
        with Index.open(url, collection="c") as fresh:
            assert len(fresh.search("bees dance", cascade=cascade)) == 3
            assert reader.search("bees dance", cascade=cascade) == fresh.search("bees dance", cascade=cascade)
        assert reader.page_count == 3
        chosen = reader.pipeline.cascade(cascade)
        assert len(reader.let_through("bees dance", chosen, len(chosen.steps) - 1)) == 3
