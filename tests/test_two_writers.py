"""Two processes that write to one collection of a server: here two indexes, interleaved on purpose."""

import pytest

from tests.pdfs import write_pdf
from tests.store.backend import Backend
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag import Index
from vrag.catalog.kinds import ARRIVING
from vrag.places.place import ServerPlace
from vrag.store.server.address import Server

pytestmark = LOCAL_MODE


@pytest.fixture
def place():
    with rest_server(Backend()) as url:
        yield lambda: ServerPlace(Server(url, grpc_port=0), "shared")


def test_a_replacement_that_another_process_has_finished_meanwhile_is_seen_whole(place, tmp_path):
    file = write_pdf(tmp_path / "a.pdf", ["the first edition"])
    with Index.create(place()) as one, Index.open(place()) as other:
        one.ingest([file], workers=1)
        write_pdf(file, ["a second edition of penguins", "and of krill"])
        upsert, came = other.stored.store.upsert, []

        def late(records):
            if not came and any(record.payload["kind"] == ARRIVING for record in records):
                came.extend(records)
                one.ingest([file], workers=1)
            upsert(records)

        other.stored.store.upsert = late
        other.ingest([file], workers=1)
        assert came
        for index in (one, other):
            assert sorted(hit.page for hit in index.search("edition of penguins and krill")) == [1, 2]
            assert index.verify() == []
