"""Files of the engine are lost: an index says so before it answers, and gets back what it can."""

import shutil

import pytest

from tests.conftest import copy_index
from tests.store.test_manifest import lose_most
from vrag import Index
from vrag.errors import StoreError
from vrag.places.place import FolderPlace
from vrag.settings import SHARD
from vrag.store.edge.manifest import read_manifest
from vrag.upkeep.repool import repool, repool_into
from vrag.upkeep.snapshot import create_snapshot, restore_snapshot
from vrag.upkeep.transfer import transfer

SAYS = "0 of the 2 documents and 0 of the 5 pages that were stored are there"


@pytest.fixture
def copy(indexed, tmp_path):
    return copy_index(indexed, tmp_path / "i")


def test_what_is_lost_is_said_and_comes_back(cli, copy, folder):
    lose_most(copy / SHARD)
    done = cli("search", "krill", "--index", copy, "--json")
    assert (done.code, SAYS in done.json["error"], "--force" in done.json["hint"]) == (1, True, True)
    with Index.open(copy, force=True) as index:
        assert (index.search("krill"), SAYS in index.lost) == ([], True)
    found = cli("verify", "--index", copy, "--json")
    assert (found.code, [SAYS in row["problem"] for row in found.json["problems"]]) == (1, [True])
    with pytest.raises(StoreError, match=SAYS):
        create_snapshot(copy, copy.with_name("s"))
    back = cli("ingest", folder, "--index", copy, "--workers", 1)
    assert back.code == 0
    assert SAYS in " ".join(back.err.split())
    with Index.open(copy) as index:
        assert (index.verify(), index.page_count) == ([], 5)


def test_what_cannot_come_back_is_accepted_once_it_was_named(copy):
    lose_most(copy / SHARD)
    with Index.open(copy, incomplete=True) as index:
        assert [problem.problem[:10] for problem in index.verify(repair=True)] == ["0 of the 2"]
        assert index.verify() == []
    Index.open(copy).close()


class Silent:
    def starting(self, records): ...

    def done(self, records): ...


def test_copies_promise_what_they_hold(copy, tmp_path):
    promised = read_manifest(copy / SHARD)
    assert (promised.documents, promised.pages) == (2, 5)
    create_snapshot(copy, tmp_path / "s.tar.gz")
    restore_snapshot(tmp_path / "s.tar.gz", tmp_path / "restored")
    transfer(FolderPlace(copy), FolderPlace(tmp_path / "pulled"), Silent())
    repool_into(FolderPlace(copy), FolderPlace(tmp_path / "repooled"), "plain")
    for name in ("restored", "pulled", "repooled"):
        assert read_manifest(tmp_path / name / SHARD) == promised
    repool(copy, "plain")
    assert read_manifest(copy / SHARD) == promised


def everything_in(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_index_that_takes_the_place_of_an_open_one_is_left_as_it_is(copy, indexed):
    """Somebody brings back a copy: what the other one has in memory must not be written into that."""
    index = Index.hold(copy)
    index.search("krill", 1)
    index.remove(index.find_documents(["machines.pdf"]))
    assert index.is_in_place()
    shutil.rmtree(copy)
    copy_index(indexed, copy)
    before = everything_in(copy)
    assert not index.is_in_place()
    with pytest.raises(StoreError, match="removed or moved while it was open"):
        index.remove(index.find_documents(["animals.pdf"]))
    with pytest.raises(StoreError, match="removed or moved while it was open"):
        index.close()
    assert everything_in(copy) == before
    with Index.hold(copy) as again:
        assert (again.page_count, again.verify()) == (5, [])
