"""Many queries at once are what they are one after the other."""

from unittest.mock import patch

import numpy as np
import pytest

from tests.conftest import ANIMALS, MACHINES, copy_index
from vrag import Index
from vrag.embedders.each import embed_queries
from vrag.errors import UsageError
from vrag.places.place import FolderPlace
from vrag.remote import remote_index
from vrag.remote.channel import Channel
from vrag.serve.serving import serving

QUERIES = [line for page in (*ANIMALS, *MACHINES) for line in page.split("\n")] + ["bees", "bees", "QX-4471 -pumps"]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"k": 2, "cascade": "exact"},
        {"k": 3, "cascade": "three-stage", "where": "doc=animals.pdf"},
        {"words": "typed"},
        {"words": "exact", "min_relevance": 0.3},
    ],
)
def test_they_find_the_same(index, how):
    assert index.search_many(QUERIES, **how) == [index.search(query, **how) for query in QUERIES]
    assert [hits.query for hits in index.search_many(QUERIES)] == QUERIES


def test_the_model_reads_them_together(index):
    with patch.object(type(index.embedder), "embed_query", side_effect=AssertionError("one by one")):
        assert len(index.search_many(QUERIES)) == len(QUERIES)


def test_a_model_that_reads_one_by_one_will_do(index):
    class OneByOne:
        embed_query = index.embedder.embed_query

    together, single = (embed_queries(embedder, QUERIES) for embedder in (index.embedder, OneByOne()))
    for mine, other in zip(together, single, strict=True):
        assert mine.tokens == other.tokens
        np.testing.assert_array_equal(mine.vectors, other.vectors)


def test_a_service_is_asked_once_for_many(indexed, tmp_path, monkeypatch):
    own = copy_index(indexed, tmp_path / "own")
    monkeypatch.setattr(remote_index, "MOST_QUERIES", 4)
    calls, real = [], Channel.call

    def watched(channel, name, *rest):
        calls.append(name)
        return real(channel, name, *rest)

    with serving(FolderPlace(own)), Index.open(own) as index:
        expected = [index.search(query, 2) for query in QUERIES]
        with patch.object(Channel, "call", watched):
            found = index.search_many(QUERIES, 2)
        assert found == expected
        assert calls == ["search_many"] * -(-len(QUERIES) // 4)
        assert found[0][0].text == index.page_text(found[0][0].doc, found[0][0].page)


def test_none_is_none(index):
    assert index.search_many([]) == []


@pytest.mark.parametrize(
    ("queries", "says"),
    [
        (["bees", ""], "Query 2: The query is empty"),
        (["bees", "ice", 3], "Query 3: A query is text, not int"),
        ("bees", "a list of texts, not one text"),
    ],
)
def test_what_cannot_be_asked_is_named(index, queries, says):
    with pytest.raises(UsageError, match=says):
        index.search_many(queries)


def test_a_served_index_names_what_cannot_be_asked_by_its_number_in_all(indexed, tmp_path, monkeypatch):
    own = copy_index(indexed, tmp_path / "own")
    monkeypatch.setattr(remote_index, "MOST_QUERIES", 2)
    with serving(FolderPlace(own)), Index.open(own) as index:
        for queries, says in ((["a", "b", "c", ""], "Query 4: "), ("bees", "a list of texts")):
            with pytest.raises(UsageError, match=says):
                index.search_many(queries)
