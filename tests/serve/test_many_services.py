"""Many services on one collection of a server: what one writes or removes the others answer with at once."""

import time
import uuid
from contextlib import ExitStack

import pytest

from tests.pdfs import write_pdf
from tests.serve.http.running import serving
from tests.store.test_conformance import LOCAL_MODE
from vrag.index import Index
from vrag.places.place import ServerPlace
from vrag.serve.service import Service
from vrag.store.server.connect import connect

pytestmark = LOCAL_MODE
A_SECOND = 1.0
PATIENCE_S = 60.0


@pytest.fixture
def two(any_server):
    """Two running services of one collection."""
    name = f"vrag-test-{uuid.uuid4()}"
    with ExitStack() as last:
        last.callback(lambda: connect(any_server).client.delete_collection(name))
        services = [Service(how(ServerPlace(any_server, name))) for how in (Index.create, Index.hold)]
        for service in services:
            last.callback(service.close)
        yield [last.enter_context(serving(service)) for service in services]


def ingest(service, *paths):
    job = service.service.ingest(paths, workers=1)
    until = time.monotonic() + PATIENCE_S
    while not job.status().has_ended:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert job.status().state == "done"


def names(service):
    return [document["doc"] for document in service.get("/v1/documents").json()["documents"]]


def found(service, text):
    hits = service.get("/v1/search", params={"q": text, "k": 5, "cascade": "two-stage"}).json()["hits"]
    return [(hit["doc"], hit["page"]) for hit in hits]


def test_what_one_ingests_the_other_answers_with(two, tmp_path):
    writing, other = two
    write_pdf(tmp_path / "a" / "penguins.pdf", ["Emperor penguins breed on the ice."])
    assert other.get("/v1/index").json()["pages"] == 0
    before = other.get("/v1/jobs").json()["contents"]
    ingest(writing, tmp_path)
    assert found(other, "penguins on ice") == [("penguins.pdf", 1)]
    facts = other.get("/v1/index").json()
    assert (facts["pages"], facts["documents"]) == (1, 1)
    assert facts["collection"] == writing.service.index.place.collection
    assert names(other) == ["penguins.pdf"]
    time.sleep(A_SECOND)
    assert other.get("/v1/jobs").json()["contents"] != before

    write_pdf(tmp_path / "b" / "penguins.pdf", ["Penguins dance."])
    ingest(other, tmp_path)
    time.sleep(A_SECOND)
    assert names(writing) == ["a/penguins.pdf", "b/penguins.pdf"]
    assert sorted(found(writing, "penguins")) == [("a/penguins.pdf", 1), ("b/penguins.pdf", 1)]


def test_what_one_deletes_is_gone_in_the_other(two, tmp_path):
    writing, other = two
    write_pdf(tmp_path / "bees.pdf", ["Honey bees dance."])
    write_pdf(tmp_path / "krill.pdf", ["Penguins feed on krill."])
    ingest(writing, tmp_path)
    assert found(other, "bees dance")[0] == ("bees.pdf", 1)
    row = next(one for one in other.get("/v1/documents").json()["documents"] if one["doc"] == "bees.pdf")
    assert other.delete(row["url"]).status_code in (200, 202, 204)
    until = time.monotonic() + PATIENCE_S
    while other.get(row["url"]).status_code != 404:
        assert time.monotonic() < until
    assert found(writing, "bees dance") == [("krill.pdf", 1)]
    assert names(writing) == ["krill.pdf"]
    assert writing.get("/v1/index").json()["pages"] == 1
    assert [writing.get(f"{row['url']}{what}").status_code for what in ("", "/pages/1", "/thumbnail")] == [404] * 3


def test_a_document_that_goes_while_it_is_searched_for_or_listed_is_left_out(two, tmp_path):
    writing, other = two
    write_pdf(tmp_path / "bees.pdf", ["Honey bees dance."])
    write_pdf(tmp_path / "krill.pdf", ["Bees and krill."])
    for ask in (lambda: [doc for doc, _ in found(other, "bees")], lambda: names(other)):
        ingest(writing, tmp_path)
        documents = other.service.index.documents
        labels = documents.labels

        def and_gone(doc_ids, labels=labels):
            index = writing.service.index
            index.remove([one for one in index.documents.all() if "bees" in one.paths[0]])
            return labels(doc_ids)

        documents.labels = and_gone
        try:
            time.sleep(0.5)  # what was known of names is not believed any more
            assert ask() == ["krill.pdf"]
        finally:
            documents.labels = labels
