"""The index of two documents, as a retriever may be given it: open here, or held by a service."""

import threading

import pytest

from tests.conftest import copy_index
from vrag import Index
from vrag.places.place import FolderPlace
from vrag.remote.remote_index import RemoteIndex
from vrag.serve.serving import serving


@pytest.fixture(scope="module")
def copied(indexed, tmp_path_factory):
    return copy_index(indexed, tmp_path_factory.mktemp("copied") / "index")


@pytest.fixture(scope="module")
def index(copied):
    with Index.open(copied) as index:
        yield index


@pytest.fixture
def served(indexed, tmp_path):
    own = copy_index(indexed, tmp_path / "own")
    with serving(FolderPlace(own)):
        yield RemoteIndex.find(own)


class Changed:
    """An index of which one method is another."""

    def __init__(self, index, **methods):
        self._index = index
        self.__dict__.update(methods)

    def __getattr__(self, name):
        return getattr(self._index, name)


@pytest.fixture
def together(index):
    """The index, whose searches wait until two of them run at once."""
    both = threading.Barrier(2, timeout=30)

    def search(*arguments):
        both.wait()
        return index.search(*arguments)

    return Changed(index, search=search)
