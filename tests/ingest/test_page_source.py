"""Pages come from their source with vectors or without: only those without are embedded."""

from concurrent.futures import Future

import numpy as np
import pytest

from tests.pdfs import write_pdf
from vrag.catalog.documents import Document
from vrag.embedders.protocol import PageVectors
from vrag.errors import PageError
from vrag.grid import WHOLE_PAGE, Grid
from vrag.ingest.embedding import PageEmbedding
from vrag.ingest.page_source import EmbeddedPage
from vrag.ingest.report import Silent
from vrag.ingest.sources import read_source, stamp_of
from vrag.ingest.worklist import PendingDocument
from vrag.pages.page import Page, PageSpec
from vrag.pages.workers import PageWorkers

NO_MEMORY = RuntimeError("no memory on the other machine")


def vectors(number):
    return PageVectors(np.full((1, 2), number, np.float32), Grid.free([WHOLE_PAGE]))


class Model:
    batch_size = 8

    def __init__(self):
        self.seen = []

    def embed_pages(self, pages):
        self.seen.extend(page.number for page in pages)
        return [vectors(page.number) for page in pages]


class Source:
    """Every second page comes with its vectors; one was refused by the model where it was read, one cannot be read."""

    in_flight = 4

    def __init__(self):
        self.asked = []
        self.waited_for = 0
        self.most = 0

    def load(self, path, number):
        self.asked.append(number)
        self.most = max(self.most, len(self.asked) - self.waited_for)
        return Answer(self, number)


class Answer(Future):
    def __init__(self, source, number):
        super().__init__()
        self.source = source
        page = Page(number, 1, 1)
        if number == 5:
            self.set_exception(PageError("cannot be read"))
        elif number == 6:
            self.set_result(EmbeddedPage(page, NO_MEMORY))
        else:
            self.set_result(page if number % 2 else EmbeddedPage(page, vectors(-number)))

    def result(self, timeout=None):
        self.source.waited_for += 1
        return super().result(timeout)


@pytest.fixture
def document(tmp_path):
    file = write_pdf(tmp_path / "a.pdf", ["any"])
    source = read_source(file, stamp_of(file))
    return PendingDocument(Document(source.doc_id, (str(file),), 20), source, tuple(range(1, 21)), ())


def test_pages_that_come_with_vectors_are_not_embedded_again(document):
    model, source = Model(), Source()
    batches = list(PageEmbedding(model, source, None, Silent()).batches([document]))
    tried = {one.number: one.found for batch in batches for one in batch.tried}
    assert list(tried) == source.asked == list(range(1, 21))
    assert model.seen == [number for number in tried if number % 2 and number != 5]
    assert tried[5].message == "cannot be read"
    assert tried[6].message == f"The model cannot embed it: {NO_MEMORY}"
    assert tried[6].__cause__ is NO_MEMORY
    for number in tried.keys() - {5, 6}:
        page, made = tried[number]
        assert (page.number, made.full[0, 0]) == (number, number if number % 2 else -number)


def test_no_more_pages_are_asked_for_than_the_source_wants(document):
    source = Source()
    for _ in PageEmbedding(Model(), source, None, Silent()).batches([document]):
        pass
    assert source.most <= source.in_flight + Model.batch_size  # those of a batch are waited for together


def test_vectors_made_elsewhere_are_checked_as_those_made_here(document):
    class Wrong(Source):
        def load(self, path, number):
            future = Future()
            rows = np.full((number, 2), np.nan if number == 1 else 1, np.float32)
            future.set_result(EmbeddedPage(Page(number, 1, 1), PageVectors(rows, Grid.free([WHOLE_PAGE] * number))))
            return future

    (batch, *_) = PageEmbedding(Model(), Wrong(), 6, Silent()).batches([document])
    assert "not finite" in batch.tried[0].found.message
    assert batch.tried[1].found[1].full.shape == (2, 2)
    assert "3 vectors of 2 numbers" in batch.tried[2].found.message


def test_workers_say_how_many_pages_to_ask_for():
    with PageWorkers(PageSpec(image=False), 1, in_flight=7) as workers:
        assert workers.in_flight == 7
