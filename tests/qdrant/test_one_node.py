"""What a real server gives: the rankings of the embedded engine, whole copies, and a sentence for a mistake."""

import json
import uuid
from pathlib import Path

import pytest

from tests.qdrant.fixtures import environment, program
from tests.qdrant.nodes import one_node
from tests.soak.state import compare, hits
from vrag import Index
from vrag.places.place import FolderPlace, ServerPlace
from vrag.store.server.address import Server
from vrag.store.server.connect import connect
from vrag.upkeep.transfer import transfer

pytestmark = pytest.mark.qdrant
SAMPLES = Path(__file__).parents[2] / "eval" / "samples"
ASKED = [json.loads(line)["query"] for line in (SAMPLES / "questions.jsonl").read_text().splitlines()]


class Silent:
    """A copy that tells nothing."""

    def starting(self, records):
        pass

    def done(self, records):
        pass


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """An embedded index of the samples that need no OCR."""
    path = tmp_path_factory.mktemp("samples") / "index"
    with Index.create(path) as index:
        index.ingest([file for file in (SAMPLES / "pdfs").glob("*.pdf") if "scanned" not in file.name])
    return path


@pytest.fixture(scope="module")
def pushed(qdrant, samples):
    """What leads to a copy of it on the server, and its checksum."""
    name = f"vrag-test-{uuid.uuid4()}"
    report = transfer(FolderPlace(samples), ServerPlace(qdrant, name), Silent())
    yield lambda: ServerPlace(qdrant, name), report.checksum
    connect(qdrant).client.delete_collection(name)


@pytest.mark.parametrize("cascade", ["exact", "two-stage", "three-stage"])
def test_rankings_and_scores_are_those_of_the_embedded_engine(samples, pushed, cascade):
    with Index.open(samples) as embedded, Index.open(pushed[0]()) as served:
        for text in ASKED:
            assert compare(hits(served, text, cascade), hits(embedded, text, cascade)) == ""


def test_nothing_is_indexed_while_a_load_runs(pushed):
    place = pushed[0]()
    with Index.open(place) as served:
        with served.stored.store.loading():
            assert place.server_state().optimizer == "off"
        assert place.server_state().optimizer == "ok"


def test_the_default_cascade_ranks_as_it_does_embedded(samples, pushed):
    """It scores bits in both, with words that each engine weighs by itself: scores agree to four digits."""
    with Index.open(samples) as embedded, Index.open(pushed[0]()) as served:
        for text in ASKED:
            here, there = (dict(hits(index, text, None, 10)) for index in (embedded, served))
            assert list(there) == list(here), text
            assert list(there.values()) == pytest.approx(list(here.values()), rel=1e-4)


def test_what_is_pulled_is_what_was_pushed(samples, pushed, tmp_path):
    place, checksum = pushed
    assert transfer(FolderPlace(samples), place(), Silent()).copied == 0
    report = transfer(place(), FolderPlace(tmp_path / "pulled"), Silent())
    assert report.checksum == checksum
    with Index.open(tmp_path / "pulled") as pulled:
        assert pulled.verify() == []


def test_a_missing_collection_is_one_sentence(qdrant, cli):
    done = cli("search", "x", env=environment(qdrant, "nowhere"))
    assert (done.code, done.err.count("\n")) == (2, 2)
    assert f"No index at {qdrant.url}, collection nowhere." in done.err


def test_a_wrong_key_is_one_sentence(tmp_path, cli):
    with one_node(program(), tmp_path, {"QDRANT__SERVICE__API_KEY": "right"}) as node:
        for grpc_port in (node.grpc_port, 0):
            wrong = Server(node.url, "wr0ng", grpc_port=grpc_port)
            done = cli("search", "x", env=environment(wrong, "c"))
            assert done.code == 1
            assert "refused the key" in done.err
            assert "wr0ng" not in done.out + done.err
        right = Server(node.url, "right", grpc_port=node.grpc_port)
        assert "No index at" in cli("search", "x", env=environment(right, "c")).err
