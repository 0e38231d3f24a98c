"""One service for all tests that only read, and one of its own for each that writes."""

import pytest

from tests.conftest import copy_index
from tests.serve.http.running import service_of, serving


@pytest.fixture(scope="session")
def reader(indexed, tmp_path_factory):
    """A running service; tests must not change its index."""
    with (
        service_of(copy_index(indexed, tmp_path_factory.mktemp("reader") / "index")) as service,
        serving(service) as running,
    ):
        yield running


@pytest.fixture
def writer(indexed, tmp_path):
    """A running service that may be changed."""
    with service_of(copy_index(indexed, tmp_path / "index")) as service, serving(service) as running:
        yield running


@pytest.fixture(scope="session")
def animals(reader):
    """The row of animals.pdf."""
    return reader.get("/v1/documents", params={"q": "animals"}).json()["documents"][0]
