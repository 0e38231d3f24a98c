"""Opening an index: whatever goes wrong, nobody is locked out."""

import shutil

import pytest

from vrag import Index
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
