"""Copies between an embedded index and a server: the same vectors, resumable, verified."""

import shutil

import numpy as np
import pytest

from tests.conftest import ANIMALS, MACHINES, copy_index
from tests.pdfs import write_pdf
from tests.store.backend import Backend
from tests.store.flaky import flaky
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag import Index
from vrag.catalog.page_record import sum_of, with_sums
from vrag.errors import IndexMismatchError, StoreError, UsageError
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.metadata_files import given
from vrag.places.place import FolderPlace, ServerPlace
from vrag.store.interface import Record, Selection
from vrag.store.layout import ServerLayout
from vrag.store.server.address import Server
from vrag.store.server.server import ServerStore
from vrag.upkeep.copying import digest, is_page
from vrag.upkeep.transfer import transfer

pytestmark = LOCAL_MODE


class Seen:
    def __init__(self, stop_after=10**9):
        self.total, self.count, self.stop_after = 0, 0, stop_after

    def starting(self, records):
        self.total = records

    def done(self, records):
        self.count += records
        if self.count >= self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture
def backend():
    return Backend()


@pytest.fixture
def server(backend):
    with rest_server(backend) as url:
        yield lambda collection="c", at=url: ServerPlace(Server(at, grpc_port=0), collection)


@pytest.fixture
def here(indexed, tmp_path):
    return FolderPlace(copy_index(indexed, tmp_path / "here"))


def contents(place):
    """Every record of an index but the facts: payload and vectors."""
    pipeline_fields = ["full", "runs", "global"]
    with Index.open(place) as index:
        records = index.stored.store.scroll(Selection(), pipeline_fields)
        return {r.id: r for r in records if r.payload["kind"] != "index"}


def same(one, other):
    assert one.keys() == other.keys()
    for key, record in one.items():
        assert record.payload == other[key].payload
        assert record.vectors.keys() == other[key].vectors.keys()
        for name, array in record.vectors.items():
            np.testing.assert_array_equal(array, other[key].vectors[name])


def test_push_then_pull_is_the_same_index(here, server, tmp_path):
    seen = Seen()
    pushed = transfer(here, server(), seen)
    assert (pushed.pages, pushed.copied, pushed.unchanged, pushed.extra) == (5, 9, 0, 0)
    assert seen.total == 9
    pulled = transfer(server(), FolderPlace(tmp_path / "back"), Seen())
    assert pulled.checksum == pushed.checksum
    assert len(pulled.checksum) == 64
    same(contents(here), contents(FolderPlace(tmp_path / "back")))
    with Index.open(tmp_path / "back") as back, Index.open(here) as index:
        assert back.search("bees dance") == index.search("bees dance")


def test_metadata_is_indexed_at_the_target_as_it_was_at_the_source(tmp_path, server, backend):
    write_pdf(tmp_path / "a.pdf", ANIMALS)
    with Index.create(tmp_path / "i") as index:
        index.ingest([tmp_path / "a.pdf"], options=IngestOptions(given=given(["year=2024", "unit=north"])))
    transfer(FolderPlace(tmp_path / "i"), server(), Seen())
    assert {"meta.year", "meta.unit", "doc_id"} <= set(backend.indexed)
    with Index.open(server()) as index:
        assert index.search("bees", where="year>=2024", k=1)


def test_a_second_push_copies_nothing(here, server, backend):
    transfer(here, server(), Seen())
    before = backend.count_of("upsert")
    again = transfer(here, server(), Seen())
    assert (again.pages, again.copied, again.unchanged) == (5, 0, 9)
    assert backend.count_of("upsert") == before


def test_a_push_cut_off_goes_on(tmp_path, server):
    write_pdf(tmp_path / "long.pdf", [f"{ANIMALS[n % 3]}\n{n}" for n in range(50)])
    with Index.create(tmp_path / "i") as index:
        index.ingest([tmp_path / "long.pdf"])
    place = FolderPlace(tmp_path / "i")
    with pytest.raises(KeyboardInterrupt):
        transfer(place, server(), Seen(stop_after=8))
    with Index.open(server()) as partial:
        assert [document.complete for document in partial.documents.all()] == [False]
        assert partial.search("krill")
    rest = transfer(place, server(), Seen())
    assert rest.pages == 50
    assert 8 <= rest.unchanged <= 40  # one batch was done, and at most four more were begun
    same(contents(place), contents(server()))


def test_a_push_through_a_bad_network_is_whole(here, server):
    faults = [step for fault in ("500", "cut after", "truncated", "429", "cut") * 3 for step in (fault, "ok", "ok")]
    with flaky(server().server.url, faults) as bad:
        transfer(here, server(at=bad), Seen())
    same(contents(here), contents(server()))


def test_a_record_that_changed_is_written_again(here, server, backend):
    transfer(here, server(), Seen())
    page = next(record for record in contents(here).values() if record.payload["kind"] == "page")
    backend.client.set_payload("c", {"words": "changed"}, points=[page.id])
    again = transfer(here, server(), Seen())
    assert (again.copied, again.unchanged) == (1, 8)
    same(contents(here), contents(server()))


def by_bits(place):
    with Index.open(place) as index:
        return [(hit.page, hit.score) for hit in index.search("snow leopard", cascade="full@bits")]


def test_a_copy_that_is_cut_off_leaves_no_bits_of_what_it_has_replaced(here, tmp_path):
    copy = FolderPlace(tmp_path / "copy")
    transfer(here, copy, Seen())
    assert by_bits(copy)[0][0] == 1
    with Index.open(here) as index:
        (animals,) = index.stored.documents.find("animals.pdf")
    pages = {
        r.payload["page"]: r for r in contents(here).values() if is_page(r) and r.payload["doc_id"] == animals.doc_id
    }
    with Index.open(here) as index:
        index.stored.store.upsert([with_sums(Record(pages[1].id, pages[1].payload, pages[3].vectors))])
    with pytest.raises(KeyboardInterrupt):
        transfer(here, copy, Seen(stop_after=9))
    found = by_bits(copy)
    shutil.rmtree(copy.folder / "cache")
    assert found == by_bits(copy)
    assert found[0][0] != 1


def test_what_is_more_at_the_target_is_left_and_told(here, server, tmp_path):
    transfer(here, server(), Seen())
    write_pdf(tmp_path / "more.pdf", [MACHINES[0] + " more"])
    with Index.open(server()) as index:
        index.ingest([tmp_path / "more.pdf"])
    assert transfer(here, server(), Seen()).extra == 1


def test_what_is_read_back_must_be_what_was_written(here, server, monkeypatch):
    upsert = ServerStore.upsert

    def spoil(self, records):
        upsert(self, [Record(r.id, r.payload, {k: v * 0.5 for k, v in r.vectors.items()}) for r in records])

    monkeypatch.setattr(ServerStore, "upsert", spoil)
    with pytest.raises(StoreError, match="not what was written"):
        transfer(here, server(), Seen())


def test_another_index_at_the_target_is_refused(here, server, tmp_path):
    Index.create(server(), pipeline="cluster").close()
    with pytest.raises(IndexMismatchError, match="made with pipeline cluster, not builtin"):
        transfer(here, server(), Seen())
    with pytest.raises(UsageError, match="No index"):
        transfer(server("none"), FolderPlace(tmp_path / "x"), Seen())


def test_the_layout_of_a_new_collection_can_be_chosen(here, server, tmp_path):
    transfer(here, server(), Seen(), ServerLayout(shards=6, replication=2, quantization="scalar"))
    with Index.open(server()) as index:
        assert index.pipeline.server.shards == 6
    assert transfer(here, server(), Seen()).copied == 0
    transfer(server(), FolderPlace(tmp_path / "back"), Seen())


def test_the_digest_sees_id_names_and_numbers():
    base = {"full": np.ones((2, 4), np.float32), "g": np.ones(4, np.float32)}
    names = ("full", "g", "text")

    def of(record_id, vectors, payload=None):
        record = Record(record_id, payload or {}, vectors)
        return digest(record.id, {name: sum_of(record, name) for name in names})

    digests = {
        of("a", base),
        of("b", base),
        of("a", {"full": base["full"]}),
        of("a", {**base, "g": np.ones(4, np.float32) * 1.01}),
    }
    assert len(digests) == 4
    assert of("a", base, {"x": 1}) in digests
    assert of("a", {**base, "g": np.ones(4, np.float32) * 1.00001}) in digests


def test_push_and_pull_through_the_command_line(cli, here, server, tmp_path):
    url = server().server.url
    done = cli("push", "--index", here.folder, "--url", url, "--collection", "c", "--json")
    assert done.code == 0, done.err
    assert (done.json["pages"], done.json["copied"], done.json["target"]) == (5, 9, f"{url}, collection c")
    back = cli("pull", "--index", "back", "--url", url, "--collection", "c")
    assert back.code == 0
    assert done.json["checksum"][:16] in back.out
    assert cli("search", "krill", "--index", "back", "--json").json["hits"][0]["page"] == 2
    assert cli("pull", "--index", "back2").code == 2
