"""An index at several addresses: what is one cluster, and an ingest whose node dies."""

import json
import threading
from dataclasses import replace

import pytest

from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from tests.store.backend import Backend
from tests.store.dying import GatedBackend, relayed
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag import Index
from vrag.errors import StoreError
from vrag.places.place import FACTS_ID, address_of, as_place, choose_place

pytestmark = [*LOCAL_MODE, pytest.mark.usefixtures("environment")]


@pytest.fixture
def animals(tmp_path):
    return write_pdf(tmp_path / "animals.pdf", ANIMALS)


def test_several_addresses_are_a_qdrant_cluster_and_no_service():
    for place in (as_place("http://a,http://b"), as_place(["http://a", "b"]), choose_place(url=["http://a,b"])):
        assert place.name == "http://a:6333,http://b:6333, collection vrag"
        assert address_of(place, None) == ""
    assert address_of(as_place(["http://a"]), None) == "http://a:6333"


def test_an_ingest_goes_on_at_the_other_node_when_its_own_dies(animals, caplog):
    backend = GatedBackend("upsert", after=True)
    with rest_server(backend) as one, rest_server(backend) as two, relayed(one, two) as relays:
        backend.what = ""
        with Index.create([relay.url for relay in relays], collection="c") as index:
            backend.what = "upsert"
            killer = threading.Thread(target=_kill_when_reached, args=(relays[0], backend))
            killer.start()
            report = index.ingest([animals])
            killer.join(30)
            assert (report.pages, index.verify()) == (3, [])
        assert caplog.text.count("is asked instead") == 1
        with Index.open(two, collection="c") as index:
            assert index.search("bees dance")[0].page == 3


def _kill_when_reached(relay, backend):
    assert backend.reached.wait(30)
    relay.kill()
    backend.go.set()


def test_a_server_with_another_index_is_no_node_of_this_cluster(animals):
    mine, theirs = Backend(), Backend()
    with rest_server(mine) as one, rest_server(theirs) as two, relayed(one) as [relay]:
        for url in (one, two):
            Index.create(url, collection="c").close()
        place = as_place(f"{relay.url},{two}", "c")
        place.server = replace(place.server, timeout=2, patience=2)
        with Index.hold(place) as index:
            relay.kill()
            before = theirs.client.count("c").count
            with pytest.raises(StoreError, match="not reachable, and the one at .* has another index"):
                index.ingest([animals])
            assert theirs.client.count("c").count == before


def test_what_an_index_is_known_by_stays_when_its_facts_change():
    backend = Backend()

    def payload():
        return backend.client.retrieve("c", [FACTS_ID])[0].payload

    with rest_server(backend) as url:
        with Index.create(url, collection="c") as index:
            before = payload()
            facts = index.place.facts()
            index.place.write_facts(facts)
        assert payload() == before
        assert len(before["made"]) == 32
        assert json.dumps(facts.to_json()) == json.dumps(before["facts"])


def test_an_index_of_before_is_known_by_being_there(animals):
    backend = Backend()
    with rest_server(backend) as one, rest_server(backend) as two, relayed(one) as [relay]:
        with Index.create(one, collection="c") as index:
            index.ingest([animals])
        backend.client.delete_payload("c", ["made"], [FACTS_ID])
        with Index.open([relay.url, two], collection="c") as index:
            relay.kill()
            assert index.search("bees dance")[0].page == 3
