"""What was read of pages is read once, as long as nobody writes pages, and never shown after that."""

import threading
from dataclasses import replace

import pytest

from tests.bits.test_cache import FIELDS, KEYS, new_cache
from tests.bits.test_cache import page as bare_page
from tests.search.pages import lines
from vrag.bits.beside import BitsStore, view_of
from vrag.catalog.payload import page_payload
from vrag.pages.page import Page
from vrag.search import known_pages
from vrag.search.known_pages import KnownPages, PagesOfView, ReadPage
from vrag.store.edge.edge import EdgeStore

PLACE = ("doc_id", "page", "tiles")


def page(number, text):
    bare, words = bare_page(number), lines(*text.splitlines())
    return replace(bare, payload=page_payload(Page(number, 612, 792, words), words.grid(), "a"))


ONE, TWO, OTHER = page(1, "Ice floats."), page(2, "A table\nof numbers"), page(1, "Steam rises.")


@pytest.fixture
def store(tmp_path):
    store = BitsStore.create(tmp_path / "shard", FIELDS, KEYS)
    store.bits = new_cache(tmp_path)
    store.upsert([ONE, TWO])
    yield store
    store.close()


@pytest.fixture
def reads(monkeypatch):
    """Ids of every read of the store."""
    seen, scroll, fetch = [], EdgeStore.scroll, EdgeStore.fetch

    def scrolling(self, selection, *rest, **named):
        seen.append(selection.ids)
        return scroll(self, selection, *rest, **named)

    def fetching(self, ids, *rest):
        seen.append(frozenset(ids))
        return fetch(self, ids, *rest)

    monkeypatch.setattr(EdgeStore, "scroll", scrolling)
    monkeypatch.setattr(EdgeStore, "fetch", fetching)
    return seen


def everything(pages, ids=(ONE.id, TWO.id)):
    read = pages.pages(ids)
    assert all(isinstance(one, ReadPage) for one in read.values())
    return pages.places(ids, PLACE), pages.plain_texts(ids), {i: one.words.texts for i, one in read.items()}


def test_pages_are_read_once_until_one_is_written(store, reads):
    known = KnownPages(store)
    first = everything(known.of(view_of(store)))
    assert first[0][TWO.id] == {"doc_id": "a", "page": 2}
    assert first[1:] == (
        {ONE.id: " ice float ", TWO.id: " a table of number "},
        {ONE.id: ("Ice", "floats."), TWO.id: ("A", "table", "of", "numbers")},
    )
    reads.clear()
    assert everything(known.of(view_of(store))) == first
    assert reads == []
    store.upsert([OTHER])
    after = everything(known.of(view_of(store)))
    assert after[1][ONE.id] == " steam rise "
    assert after[2][ONE.id] == ("Steam", "rises.")


def test_a_page_that_was_removed_is_known_no_more(store):
    known = KnownPages(store)
    everything(known.of(view_of(store)))
    store.delete(known_pages.Selection(ids=frozenset([ONE.id])))
    assert [set(found) for found in everything(known.of(view_of(store)))] == [{TWO.id}] * 3


def test_where_nothing_tells_of_changes_every_query_reads_anew(store, reads):
    known = KnownPages(store)
    everything(known.of(None))
    count = len(reads)
    everything(known.of(None))
    assert len(reads) == 2 * count


def test_what_a_thread_reads_before_a_change_is_not_shown_behind_it(store, monkeypatch):
    """One reads a page, is held up, the page is written and looked at by another; then the first one goes on."""
    known, old = KnownPages(store), view_of(store)
    has_read, may_go_on, told = threading.Event(), threading.Event(), []
    records = PagesOfView._records

    def slow(self, ids, keys):
        found = records(self, ids, keys)
        if threading.current_thread() is first:
            has_read.set()
            assert may_go_on.wait(10)
        return found

    def look():
        told.append(known.of(old).plain_texts([ONE.id]))

    monkeypatch.setattr(PagesOfView, "_records", slow)
    first = threading.Thread(target=look)
    first.start()
    assert has_read.wait(10)
    store.upsert([OTHER])
    new = view_of(store)
    assert known.of(new).plain_texts([ONE.id]) == {ONE.id: " steam rise "}
    may_go_on.set()
    first.join()
    assert told == [{ONE.id: " ice float "}]
    assert known.of(new).plain_texts([ONE.id]) == {ONE.id: " steam rise "}


def test_many_threads_read_one_view_alike(store):
    known, view, start = KnownPages(store), view_of(store), threading.Barrier(8)
    told = []

    def look(ids):
        start.wait(10)
        told.append([set(found) == set(ids) for found in everything(known.of(view), ids)])

    wanted = [[ONE.id], [TWO.id, ONE.id], [ONE.id, TWO.id], [TWO.id]] * 2
    threads = [threading.Thread(target=look, args=(ids,)) for ids in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [[True] * 3] * 8


def test_a_page_that_is_too_large_is_read_and_not_kept(store, reads, monkeypatch):
    monkeypatch.setattr(known_pages, "MOST_BYTES", 10)
    pages = PagesOfView(store)
    assert set(pages.pages([ONE.id])) == {ONE.id}
    reads.clear()
    assert set(pages.pages([ONE.id])) == {ONE.id}
    assert len(reads) == 1
