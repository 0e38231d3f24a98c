"""Metadata that is given to a document later."""

import pytest

from tests.conftest import copy_index
from vrag import Index
from vrag.catalog.giving import read_values
from vrag.errors import UsageError


@pytest.fixture
def index(indexed, tmp_path):
    with Index.open(copy_index(indexed, tmp_path / "index")) as index:
        yield index


def test_what_is_given_is_typed_found_and_survives_an_ingest(index, folder):
    (document,) = index.find_documents(["animals.pdf"])
    given = read_values({"Year": 2024, "tags": ["wild", 7], "checked": True, "due": "2024-03-01"}, "here")
    index.set_metadata(document, given)
    assert [d.doc_id for d in index.find_documents(where=["year >= 2020 and tags = wild and checked = true"])] == [
        document.doc_id
    ]
    assert {hit.doc for hit in index.search("anything", where="due = 2024-03")} == {"animals.pdf"}
    index.ingest([folder])
    (again,) = index.find_documents(["animals.pdf"])
    assert again.layers["given"] == {"year": 2024, "tags": ["wild", "7"], "checked": True, "due": "2024-03-01"}


def test_null_takes_away_what_was_given_and_no_more(index):
    (document,) = index.find_documents(["animals.pdf"])
    changed = index.set_metadata(document, {"year": 2024, "place": "zoo"})
    changed = index.set_metadata(changed, {"year": None, "never": None})
    assert changed.layers["given"] == {"place": "zoo"}
    assert index.find_documents(where=["place = zoo"])
    assert not index.search("leopard", where="year = 2024")
    assert index.set_metadata(changed, {"place": None}).layers == document.layers
    assert index.verify() == []


def test_a_title_that_is_given_is_what_the_document_says_of_itself(index):
    """Its context is made again: a query for the title finds every page of it first."""
    (document,) = index.find_documents(["animals.pdf"])
    assert "machines.pdf" in {hit.doc for hit in index.search("zeppelin captain", k=2)}
    index.set_metadata(document, {"title": "The zeppelin captain"})
    hits = index.search("zeppelin captain", k=2)
    assert {hit.doc for hit in hits} == {"animals.pdf"}
    assert set(hits[0].context_words) == {"zeppelin", "captain"}


def test_a_value_of_another_type_changes_nothing(index):
    animals, machines = index.find_documents(["animals.pdf", "machines.pdf"])
    index.set_metadata(animals, {"year": 2024})
    with pytest.raises(UsageError, match="year is a number in this index"):
        index.set_metadata(machines, {"year": "soon", "place": "zoo"})
    assert not index.documents.get(machines.doc_id).layers.get("given")


@pytest.mark.parametrize("row", [{"": 1}, {"..": 1}, {"a": {}}, {"a": float("nan")}, {"a": 10**400}])
def test_what_is_no_metadata_is_refused(row):
    with pytest.raises(UsageError, match="here: "):
        read_values(row, "here")
