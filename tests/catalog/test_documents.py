"""Names, paths and ids of documents."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.catalog.documents import KEYS, Document, Documents, page_id, shortest_name
from vrag.catalog.kinds import PAGE
from vrag.errors import StoreError, UsageError
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Record, VectorField


@pytest.fixture
def store(tmp_path):
    store = EdgeStore.create(tmp_path / "shard", [VectorField("full", "multi", 4)], KEYS)
    yield store
    store.close()


@pytest.mark.parametrize("damage", [{"paths": 7}, {"pages": "many"}, {"paths": None}])
def test_a_damaged_record_is_a_sentence(store, damage):
    documents = Documents(store)
    record = Document("1", ("/x/a/report.pdf",), 2).to_record()
    store.upsert([Record(record.id, {**record.payload, **damage})])
    for read in (lambda: documents.get("1"), documents.all):
        with pytest.raises(StoreError, match=r"index's record of a document is damaged: \S"):
            read()


@pytest.fixture
def documents(store):
    documents = Documents(store)
    documents.put(Document("1", ("/x/a/report.pdf",), 2, complete=True))
    documents.put(Document("2", ("/x/b/report.pdf",), 1))
    documents.put(Document("3", ("/x/b/other.pdf", "/x/copy.pdf"), 1))
    return documents


def test_documents_come_back(documents):
    assert documents.get("1") == Document("1", ("/x/a/report.pdf",), 2, complete=True)
    assert documents.get("9") is None
    assert [document.doc_id for document in documents.all()] == ["1", "3", "2"]


def test_equal_file_names_are_told_apart_by_the_shortest_path(documents):
    assert documents.label("1") == ("a/report.pdf", "/x/a/report.pdf")
    assert documents.label("2") == ("b/report.pdf", "/x/b/report.pdf")
    assert documents.label("3") == ("other.pdf", "/x/b/other.pdf")


def test_a_name_follows_what_else_is_there(documents):
    documents.unlink(documents.get("2"), "/x/b/report.pdf")
    assert documents.label("1")[0] == "report.pdf"


def rename(documents):
    documents.put(replace(documents.get("1"), paths=("/x/new.pdf",)))


def meanwhile(task):
    """Run it to its end in another thread."""
    thread = threading.Thread(target=task)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("request_name", ["fetch", "scroll"])
def test_a_name_read_before_a_renaming_is_not_kept(documents, store, monkeypatch, request_name):
    plain, renamed = getattr(store, request_name), []

    def then_renamed(*arguments, **more):
        found = plain(*arguments, **more)
        found = found if isinstance(found, dict) else list(found)
        if not renamed:
            renamed.append(True)
            meanwhile(lambda: rename(documents))
        return found

    monkeypatch.setattr(store, request_name, then_renamed)
    assert documents.label("1")[1] == "/x/a/report.pdf"
    assert documents.label("1") == ("new.pdf", "/x/new.pdf")


@pytest.mark.parametrize("change", ["put", "remove"])
def test_a_name_read_just_before_a_write_is_not_kept(documents, store, monkeypatch, change):
    name = {"put": "upsert", "remove": "delete"}[change]
    write = getattr(store, name)

    def read_first(*arguments):
        meanwhile(lambda: documents.labels(["1", "2"]))
        write(*arguments)

    monkeypatch.setattr(store, name, read_first)
    rename(documents) if change == "put" else documents.remove([documents.get("1")])
    assert documents.label("2")[0] == "report.pdf"


def test_a_search_whose_names_are_forgotten_meanwhile_gets_them_all(documents, store, monkeypatch):
    documents.label("1")
    fetch = store.fetch

    def then_forgotten(*arguments):
        found = fetch(*arguments)
        meanwhile(lambda: documents.put(Document("4", ("/x/four.pdf",), 1)))
        return found

    monkeypatch.setattr(store, "fetch", then_forgotten)
    assert {doc_id: name for doc_id, (name, _) in documents.labels(["1", "3"]).items()} == {
        "1": "a/report.pdf",
        "3": "other.pdf",
    }


def test_names_of_many_documents_take_two_requests(documents, store, monkeypatch):
    asked = []
    for name in ("fetch", "scroll"):
        plain = getattr(store, name)
        monkeypatch.setattr(store, name, lambda *a, plain=plain, name=name, **k: asked.append(name) or plain(*a, **k))
    labels = documents.labels(["1", "2", "3"])
    assert [name for name, _ in labels.values()] == ["a/report.pdf", "b/report.pdf", "other.pdf"]
    assert asked == ["fetch", "scroll"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("report.pdf", {"1", "2"}),
        ("a/report.pdf", {"1"}),
        ("/x/b/report.pdf", {"2"}),
        ("copy.pdf", {"3"}),
    ],
)
def test_documents_are_found_by_the_end_of_a_path(documents, name, found):
    assert {document.doc_id for document in documents.find(name)} == found


@pytest.mark.parametrize("name", ["", "port.pdf", "c/report.pdf", "repord.pdf"])
def test_an_unknown_document_is_an_error(documents, name):
    with pytest.raises(UsageError, match="No document called"):
        documents.find(name)


def test_a_near_miss_is_suggested(documents):
    with pytest.raises(UsageError) as caught:
        documents.find("repord.pdf")
    assert "report.pdf" in caught.value.hint


def test_a_copy_keeps_a_document_alive(documents):
    documents.unlink(documents.get("3"), "/x/b/other.pdf")
    assert documents.get("3").paths == ("/x/copy.pdf",)


def test_the_last_path_takes_the_pages_along(documents, store):
    page = Record(page_id("1", 1, "f"), {"kind": PAGE, "doc_id": "1"}, {"full": np.ones((1, 4), np.float32)})
    store.upsert([page])
    assert documents.page_count() == 1
    documents.unlink(documents.get("1"), "/x/a/report.pdf")
    assert documents.page_count() == 0
    assert documents.get("1") is None


def test_ids_depend_on_content_page_and_model():
    ids = {page_id("a", 1, "m"), page_id("a", 2, "m"), page_id("b", 1, "m"), page_id("a", 1, "n")}
    assert len(ids) == 4
    assert page_id("a", 1, "m") in ids


parts = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)


@given(parts, st.lists(parts, max_size=4))
def test_the_shortest_name_is_unique_and_no_shorter_one_is(path, others):
    path, others = "/" + "/".join(path), ["/" + "/".join(other) for other in others]
    name = shortest_name(path, others)
    if path not in others:
        assert not any(f"{other}".endswith(f"/{name.lstrip('/')}") for other in others) or name == path
    assert path.endswith(name)


def test_a_document_that_has_gone_has_no_name_and_is_told(documents):
    documents.labels(["1", "2"])
    documents.remove([documents.get("1")])
    assert documents.labels(["1", "2"]) == {"2": ("report.pdf", "/x/b/report.pdf")}
    with pytest.raises(UsageError, match="not in the index any more"):
        documents.label("1")
