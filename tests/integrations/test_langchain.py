"""Pages in LangChain: in a real chain with its fake chat model, and what its standard tests for retrievers ask for."""

import asyncio
from base64 import b64decode
from io import BytesIO

import pytest
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField, RunnableLambda, RunnablePassthrough
from PIL import Image
from pydantic import ValidationError

from tests.conftest import ANIMALS
from vrag.errors import UsageError
from vrag.integrations.langchain import VragRetriever, page_blocks

QUERY = "Where do honey bees find nectar?"


@pytest.fixture
def retriever(index):
    return VragRetriever(index=index, k=2)


class Asked(FakeListChatModel):
    """The framework's fake model, which keeps what it was asked."""

    seen: list = []  # noqa: RUF012 - a field, as pydantic has them

    def _call(self, messages, *arguments, **named):
        self.seen.append(messages)
        return super()._call(messages, *arguments, **named)


def chain(retriever, model):
    prompt = ChatPromptTemplate.from_template("{pages}\n\nQuestion: {question}")
    pages = retriever | (lambda documents: "\n\n".join(document.page_content for document in documents))
    return {"pages": pages, "question": RunnablePassthrough()} | prompt | model | StrOutputParser()


def test_a_document_is_a_page(retriever, index):
    first, second = retriever.invoke(QUERY)
    assert (first.page_content, first.metadata["doc"], first.metadata["page"]) == (ANIMALS[2], "animals.pdf", 3)
    assert first.metadata["source"] == first.metadata["path"]
    assert first.metadata["score"] >= second.metadata["score"]
    assert first.id == index.search(QUERY, 1)[0].id
    assert "image" not in first.metadata


def test_in_a_chain_the_model_is_asked_with_the_words_of_the_pages(retriever):
    model = Asked(responses=["Where bees dance."], seen=[])
    assert chain(retriever, model).invoke(QUERY) == "Where bees dance."
    ((message,),) = model.seen
    assert ANIMALS[2] in message.content
    assert message.content.endswith(f"Question: {QUERY}")


def test_asynchronous_chains_search_at_the_same_time(together):
    answer = chain(VragRetriever(index=together, k=1), Asked(responses=["Yes."], seen=[]))

    async def both():
        return await asyncio.gather(answer.ainvoke("bees"), answer.ainvoke("penguins"))

    assert asyncio.run(both()) == ["Yes.", "Yes."]


def test_two_asynchronous_searches_find_each_their_own(together):
    retriever = VragRetriever(index=together)

    async def both():
        return await asyncio.gather(retriever.ainvoke(QUERY, k=1), retriever.ainvoke("oil filter", k=1))

    (bees,), (oil,) = asyncio.run(both())
    assert (bees.metadata["page"], oil.metadata["doc"]) == (3, "machines.pdf")


def test_a_model_that_sees_is_shown_pages(index):
    model = Asked(responses=["I see."], seen=[])
    shown = RunnableLambda(lambda documents: [HumanMessage(content_blocks=page_blocks(documents))])
    (VragRetriever(index=index, k=1, image_width=300) | shown | model).invoke(QUERY)
    text, image = model.seen[0][0].content_blocks
    assert text["text"] == f'"animals.pdf", page 3:\n{ANIMALS[2]}'
    assert (image["type"], image["mime_type"]) == ("image", "image/jpeg")
    picture = Image.open(BytesIO(b64decode(image["base64"])))
    assert (picture.format, picture.width) == ("JPEG", 300)


def test_a_picture_is_a_data_url_in_the_metadata(index):
    (document,) = VragRetriever(index=index, k=1, image_width=200).invoke(QUERY)
    kind, _, data = document.metadata["image"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert Image.open(BytesIO(b64decode(data))).width == 200


def test_a_call_may_change_every_setting(retriever):
    only = {"k": 5, "where": "doc=machines.pdf", "cascade": "exact", "text": "snippet"}
    found = retriever.invoke(QUERY, **only)
    assert {document.metadata["doc"] for document in found} == {"machines.pdf"}
    assert [document.page_content for document in found] == [document.metadata["snippet"] for document in found]
    assert len(retriever.invoke(QUERY)) == 2  # it is as it was


def test_a_setting_that_there_is_not_is_no_silence(index, retriever):
    with pytest.raises(TypeError, match="top_k"):
        retriever.invoke(QUERY, top_k=3)
    with pytest.raises(ValidationError, match="min_relevence"):
        VragRetriever(index=index, min_relevence=0.3)


def test_settings_can_be_named_in_the_configuration_of_a_chain(retriever):
    configured = retriever.configurable_fields(k=ConfigurableField("k"))
    assert len(configured.with_config(configurable={"k": 1}).invoke(QUERY)) == 1


def test_its_settings_can_be_written_down_and_read_again(retriever, index):
    settings = retriever.model_dump()
    assert settings["k"] == 2
    assert "index" not in settings
    assert VragRetriever(index=index, **settings).invoke(QUERY) == retriever.invoke(QUERY)


def test_errors_are_sentences(index, retriever):
    with pytest.raises(UsageError, match="wants an open index"):
        VragRetriever(index="my-index")
    with pytest.raises(UsageError, match="cascade"):
        retriever.invoke(QUERY, cascade="nope")


@pytest.mark.parametrize("k", [1, 3])
def test_k_of_the_constructor_and_of_a_call_is_kept(index, retriever, k):
    """As `langchain_tests.integration_tests.RetrieversIntegrationTests` has it."""
    for found in (
        VragRetriever(index=index, k=k).invoke(QUERY),
        retriever.invoke(QUERY, None, k=k),
        asyncio.run(retriever.ainvoke(QUERY, None, k=k)),
    ):
        assert len(found) == k
        assert all(isinstance(document, Document) for document in found)
