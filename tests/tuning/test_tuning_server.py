"""Tuning an index on a server reads no vectors of all pages: regions and contexts are scored by bits there too."""

import pytest

from tests.store.backend import Backend
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from tests.upkeep.test_transfer import Seen
from vrag import Index
from vrag.places.place import FolderPlace, ServerPlace
from vrag.store.server.address import Server
from vrag.tuning.candidates import propose, reference_of
from vrag.tuning.queries import TuningQuery
from vrag.tuning.tune import tune
from vrag.upkeep.transfer import transfer

pytestmark = LOCAL_MODE


@pytest.fixture
def index(indexed):
    with rest_server(Backend()) as url:
        place = ServerPlace(Server(url, grpc_port=0), "c")
        transfer(FolderPlace(indexed), place, Seen())
        with Index.open(place) as index:
            yield index


def test_no_vectors_of_all_pages_are_read(index, monkeypatch):
    assert str(reference_of(index)).startswith("full@bits@regions+context")
    names = {cascade.name for cascade in propose(index)}
    assert ("best" in names, "best-exact" in names) == (True, False)
    read, store = [], index.stored.store
    fetch = store.fetch

    def watched(ids, vectors=()):
        wanted = list(ids)
        read.extend([len(wanted)] if "full" in vectors else [])
        return fetch(wanted, vectors)

    monkeypatch.setattr(store, "fetch", watched)
    tuning = tune(index, propose(index), [TuningQuery("krill and penguins")])
    assert tuning.reference == str(reference_of(index))
    assert len(tuning.rows) > 1
    assert set(read) <= {1}  # of a sample, for the size of their vectors
