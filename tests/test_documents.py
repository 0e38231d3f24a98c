"""Names, paths and ids of documents."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.documents import KEYS, Document, Documents, page_id, shortest_name
from vrag.errors import UsageError
from vrag.payload import PAGE
from vrag.store.base import Record, VectorField
from vrag.store.edge import EdgeStore


@pytest.fixture
def store(tmp_path):
    store = EdgeStore.create(tmp_path / "shard", [VectorField("full", "multi", 4)], KEYS)
    yield store
    store.close()


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
    documents.unlink(documents.get("2"), Path("/x/b/report.pdf"))
    assert documents.label("1")[0] == "report.pdf"


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
    documents.unlink(documents.get("3"), Path("/x/b/other.pdf"))
    assert documents.get("3").paths == ("/x/copy.pdf",)


def test_the_last_path_takes_the_pages_along(documents, store):
    page = Record(page_id("1", 1, "f"), {"kind": PAGE, "doc_id": "1"}, {"full": np.ones((1, 4), np.float32)})
    store.upsert([page])
    assert documents.page_count() == 1
    documents.unlink(documents.get("1"), Path("/x/a/report.pdf"))
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
