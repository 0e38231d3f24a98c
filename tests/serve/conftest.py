"""A small index that a test may serve and change."""

import pytest

from tests.conftest import copy_index
from vrag.places.place import FolderPlace
from vrag.remote.remote_index import RemoteIndex
from vrag.serve.serving import serving


@pytest.fixture
def own(indexed, tmp_path):
    """A copy of the index of two documents."""
    return copy_index(indexed, tmp_path / "own")


@pytest.fixture
def served(own):
    with serving(FolderPlace(own)) as service:
        yield service


@pytest.fixture
def remote(served, own):
    return RemoteIndex.find(own)
