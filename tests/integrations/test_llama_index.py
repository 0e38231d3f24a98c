"""Pages in LlamaIndex: as nodes of a real query engine with its mock model."""

import asyncio

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import ImageNode
from PIL import Image

from tests.conftest import ANIMALS
from vrag.errors import UsageError
from vrag.integrations.llama_index import VragNodeRetriever

QUERY = "Where do honey bees find nectar?"


def engine(retriever):
    """Of the framework, whose mock model repeats what it was asked."""
    return RetrieverQueryEngine.from_args(retriever, llm=MockLLM())


def test_a_node_is_a_page(index):
    first, second = VragNodeRetriever(index, k=2).retrieve(QUERY)
    hit = index.search(QUERY, 1)[0]
    assert (first.text, first.metadata["doc"], first.metadata["page"]) == (ANIMALS[2], "animals.pdf", 3)
    assert (first.node_id, first.node.ref_doc_id) == (hit.id, hit.doc_id)
    assert first.score == hit.score >= second.score
    assert not isinstance(first.node, ImageNode)


def test_a_query_engine_asks_its_model_with_the_page_and_its_place_alone(index):
    answer = engine(VragNodeRetriever(index, k=1)).query(QUERY)
    assert "doc: animals.pdf\npage: 3" in str(answer)
    assert ANIMALS[2] in str(answer)
    assert "stages" not in str(answer)
    (node,) = answer.source_nodes
    assert node.metadata["path"].endswith("animals.pdf")


def test_asynchronous_queries_search_at_the_same_time(together):
    asked = engine(VragNodeRetriever(together, k=1))

    async def both():
        return await asyncio.gather(asked.aquery(QUERY), asked.aquery("oil filter"))

    bees, oil = asyncio.run(both())
    assert ANIMALS[2] in str(bees)
    assert "machines.pdf" in str(oil)


def test_with_a_width_it_is_an_image_node_with_the_words_beside(index):
    (found,) = VragNodeRetriever(index, k=1, image_width=300).retrieve(QUERY)
    assert isinstance(found.node, ImageNode)
    assert (found.text, found.node.image_mimetype) == (ANIMALS[2], "image/jpeg")
    assert Image.open(found.node.resolve_image()).width == 300


def test_nodes_can_be_written_down_and_read_again(index):
    for width in (None, 200):
        for found in VragNodeRetriever(index, k=2, image_width=width).retrieve(QUERY):
            assert type(found.node).from_json(found.node.to_json()) == found.node


def test_what_a_search_can_be_told_is_passed_on(index):
    told = {"cascade": "exact", "where": ["doc=machines.pdf", "page=1"], "text": "snippet"}
    (found,) = VragNodeRetriever(index, k=9, **told).retrieve("oil filter")
    assert (found.metadata["doc"], found.metadata["page"]) == ("machines.pdf", 1)
    assert found.text == found.metadata["snippet"]


def test_the_folder_of_an_index_is_no_index():
    with pytest.raises(UsageError, match="wants an open index"):
        VragNodeRetriever("my-index")
