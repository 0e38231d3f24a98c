"""A collection that others change too, in a browser: which it is, and what they have done to it."""

import pytest
from playwright.sync_api import expect

from tests.pdfs import write_pdf
from tests.serve.web.conftest import keep, serving
from tests.store.backend import Backend
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag.index import Index
from vrag.places.place import ServerPlace
from vrag.store.server.address import Server

pytestmark = LOCAL_MODE


@pytest.fixture
def others():
    """An index on a server, opened by somebody else than the service."""
    with rest_server(Backend()) as url, Index.create(ServerPlace(Server(url, grpc_port=0), "reports")) as index:
        yield index


@pytest.fixture
def shared(others):
    """The address of a service of the same collection."""
    with serving(ServerPlace(others.place.server, "reports")) as address:
        yield address


def test_the_page_says_which_collection_it_shows_and_follows_what_others_do(others, shared, browse, tmp_path):
    page = browse(shared).page
    page.goto("/")
    expect(page.get_by_text("Nothing is indexed yet in the collection reports.")).to_be_visible()
    page.goto("/documents")
    expect(page.get_by_text("No documents yet")).to_be_visible()
    others.ingest([write_pdf(tmp_path / "bees.pdf", ["Honey bees dance."])], workers=1)
    expect(page.locator(".document")).to_have_attribute("data-doc", "bees.pdf")
    expect(page.get_by_text("1 document, 1 page in the collection reports")).to_be_visible()
    keep(page, "collection")
    others.remove(others.documents.all())
    expect(page.locator(".document")).to_have_count(0)
