"""A small index that a test may serve and change."""

import pytest

from tests.conftest import copy_index


@pytest.fixture
def own(indexed, tmp_path):
    """A copy of the index of two documents."""
    return copy_index(indexed, tmp_path / "own")
