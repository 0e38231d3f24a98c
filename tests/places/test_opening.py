"""Opening an index: whatever goes wrong, nobody is locked out."""

import shutil

import pytest

from vrag import Index
from vrag.embedders.weights import FLOAT32
from vrag.errors import IndexExistsError, StoreError
from vrag.places import opening


@pytest.fixture
def copied(indexed, tmp_path):
    return shutil.copytree(indexed, tmp_path / "i", ignore=shutil.ignore_patterns("lock"))


@pytest.mark.parametrize("step", ["open_store", "keep_bits", "finish_interrupted"])
def test_an_opening_that_fails_leaves_the_index_to_others(copied, monkeypatch, step):
    def fail(*_):
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(opening, step, fail)
        with pytest.raises(StoreError, match="the disk is gone"):
            Index.open(copied)
    with Index.open(copied) as index:
        assert index.page_count == 5


def test_where_an_index_is_nothing_else_is_looked_at(copied):
    with pytest.raises(IndexExistsError, match="There is an index"):
        Index.create(copied, "no such pipeline")


def test_an_index_made_with_float32_goes_on_with_it(folder, tmp_path, cli, process):
    """Its vectors are of another precision than those of today: pages and questions are embedded as they were."""
    place, first, second = tmp_path / "i", folder / "animals.pdf", folder / "sub" / "machines.pdf"
    assert cli("ingest", first, "--index", place, "--dtype", "float32").code == 0
    with Index.open(place) as index:
        before = index.embedder.fingerprint()
        assert before.facts["weights"] == FLOAT32.digest
    assert cli("ingest", second, "--index", place).code == 0
    with Index.open(place) as index:
        assert index.embedder.fingerprint() == before
        assert index.page_count == 5
        assert index.search("page")
    without = process("search", "page", "--index", place, env={"VRAG_MINILM_FLOAT32": str(tmp_path)})
    assert without.code != 0
    assert "The float32 weights of the built-in model were not found." in without.err
    assert "Or ingest the files into a new place: weights of 8 bits come with vrag." in without.err
    missing = {"VRAG_MINILM_FLOAT32": str(tmp_path)}
    anew = process("ingest", first, "--index", tmp_path / "new", "--dtype", "float32", env=missing)
    assert anew.code != 0
    assert "Or leave out --dtype (VRAG_DTYPE): weights of 8 bits come with vrag." in anew.err
