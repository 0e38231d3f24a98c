"""Reading, embedding and writing overlap; a page is there when it is told to be, and a document once it is whole."""

import threading

import pytest

from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from vrag import Index
from vrag.errors import StoreError
from vrag.ingest.report import Silent
from vrag.ingest.writer import OneBehind

PATIENCE = 20  # seconds before a test that hangs fails


@pytest.fixture
def index(tmp_path):
    with Index.create(tmp_path / "index", "plain") as index:  # without document contexts, which are embedded at the end
        yield index


def documents(folder, *pages):
    """A folder of documents with these numbers of pages."""
    for number, count in enumerate(pages):
        write_pdf(folder / f"{number}.pdf", [f"{ANIMALS[page % 3]} {number} {page}" for page in range(count)])
    return folder


def sizes_of(index):
    """Sizes of the batches that the model is given from now on."""
    sizes, embed = [], index.embedder.embed_pages
    index.embedder.embed_pages = lambda pages: sizes.append(len(pages)) or embed(pages)
    return sizes


@pytest.mark.parametrize(("size", "expected"), [(1, [8, 8, 5]), (3, [9, 9, 3]), (8, [8, 8, 5]), (20, [20, 1])])
def test_batches_follow_the_model_across_documents(index, tmp_path, size, expected):
    index.embedder.batch_size = size
    sizes = sizes_of(index)
    assert index.ingest([documents(tmp_path / "d", 10, 1, 9, 1)]).added == 21
    assert sizes == expected


def test_results_do_not_depend_on_the_batch(tmp_path):
    folder, found = documents(tmp_path / "d", 10, 2), []
    for size in (1, 5, 12):
        with Index.create(tmp_path / str(size)) as index:
            index.embedder.batch_size = size
            index.ingest([folder])
            found.append([index.vectors("0.pdf", page).tobytes() for page in range(1, 11)])
    assert found[0] == found[1] == found[2]


def test_a_batch_is_written_while_the_next_one_is_embedded(index, tmp_path):
    second, overlapped = threading.Event(), []
    embed, upsert = index.embedder.embed_pages, index.stored.store.upsert
    calls = []

    def embed_pages(pages):
        calls.append(len(pages))
        if len(calls) == 2:
            second.set()
        return embed(pages)

    def slow_upsert(records):
        if not overlapped and any("full" in record.vectors for record in records):
            overlapped.append(second.wait(PATIENCE))  # the next forward pass begins before this write ends
        return upsert(records)

    index.embedder.embed_pages, index.stored.store.upsert = embed_pages, slow_upsert
    assert index.ingest([documents(tmp_path / "d", 12)]).added == 12
    assert overlapped == [True]


def test_pages_are_told_once_they_are_stored_and_documents_are_whole_after_their_last(index, tmp_path):
    stored, put = [], index.documents.put
    upsert = index.stored.store.upsert

    def counting(records):
        upsert(records)
        stored.extend(record.payload["page"] for record in records if "full" in record.vectors)

    class Watching(Silent):
        told = 0

        def page(self, ok):
            self.told += ok
            assert self.told <= len(stored)

    def complete(document):
        if document.complete:
            assert len(index.stored.store.fetch(ids_of(index, document))) == document.pages
        put(document)

    index.stored.store.upsert, index.documents.put = counting, complete
    watching = Watching()
    assert index.ingest([documents(tmp_path / "d", 11, 3, 9)], progress=watching).added == 23
    assert watching.told == len(stored) == 23
    assert all(document.complete for document in index.documents.all())


def ids_of(index, document):
    from vrag.catalog.documents import page_id

    return [page_id(document.doc_id, page, index.stored.model_key) for page in range(1, document.pages + 1)]


def test_an_error_of_the_store_ends_the_run_and_keeps_what_was_written(index, tmp_path):
    upsert, failing = index.stored.store.upsert, []

    def full(records):
        if any("full" in record.vectors for record in records):
            failing.append(1)
            if len(failing) == 2:
                raise StoreError("The disk is full.")
        upsert(records)

    folder = documents(tmp_path / "d", 30)
    index.stored.store.upsert = full
    with pytest.raises(StoreError, match="disk is full"):
        index.ingest([folder])
    index.stored.store.upsert = upsert
    assert index.page_count == 8
    report = index.ingest([folder])
    assert (report.added, report.unchanged) == (22, 8)


def test_a_document_that_changes_while_it_is_read_costs_no_other_of_its_batch(index, tmp_path):
    folder = documents(tmp_path / "d", 3, 20, 2)
    embed = index.embedder.embed_pages

    def touching(pages):
        write_pdf(folder / "1.pdf", ["something else"])
        return embed(pages)

    index.embedder.embed_pages = touching
    report = index.ingest([folder])
    assert [failure.path for failure in report.failed] == [str(folder / "1.pdf")]
    whole = {index.documents.label(d.doc_id)[0] for d in index.documents.all() if d.complete}
    assert whole == {"0.pdf", "2.pdf"}


def test_one_behind_keeps_order_and_lets_one_wait():
    release, seen = threading.Event(), []

    def work(number):
        release.wait(PATIENCE)
        seen.append(number)

    with OneBehind(work) as behind:
        behind.put(1)  # returns at once
        assert seen == []
        release.set()
        for number in range(2, 9):
            behind.put(number)
            assert len(seen) >= number - 1  # all before it are done
    assert seen == list(range(1, 9))


def test_one_behind_raises_at_the_next_value_or_at_the_end():
    def work(number):
        if number == 1:
            raise ValueError("one")

    behind = OneBehind(work)
    with pytest.raises(ValueError, match="one"), behind:
        behind.put(1)
    with OneBehind(lambda number: None if number else work(1)) as behind:
        behind.put(0)
        with pytest.raises(ValueError, match="one"):
            behind.put(2)


def test_one_behind_finishes_what_is_under_way_after_an_interruption():
    started, seen = threading.Event(), []

    def work(number):
        started.set()
        threading.Event().wait(0.05)
        seen.append(number)

    def interrupted():
        with OneBehind(work) as behind:
            behind.put(1)
            started.wait(PATIENCE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert seen == [1]
