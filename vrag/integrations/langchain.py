"""A retriever for LangChain, with the extra `[langchain]`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field, field_validator

from vrag.integrations.retrieval import IMAGE_TYPE, Retrieval, RetrievedPage, Text, check_index
from vrag.runtime.pathtext import shown
from vrag.search.query_text import Words

try:
    from langchain_core.documents import Document
    from langchain_core.messages.content import ContentBlock, create_image_block, create_text_block
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables.config import run_in_executor
except ImportError as error:
    raise ImportError('This needs LangChain. Get it with: pip install "vrag-toolkit[langchain]"') from error

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun


class VragRetriever(BaseRetriever):
    """Pages of an index as LangChain documents, one a page.

    Every field but `index` may be named again in a call: `retriever.invoke("query", k=3)`. Asynchronous calls search
    in a thread; an index may be asked by any number of threads at once.

    Args:
        index: An open index, from `vrag.Index.open`; closing it is left to who opened it.
        k: As of `vrag.integrations.retrieval.Retrieval`, as are the others.
    """

    model_config = ConfigDict(extra="forbid")

    index: Any = Field(exclude=True, repr=False)
    k: int = 5
    cascade: str | None = None
    where: str | Sequence[str] = ()
    words: Words = "plain"
    min_relevance: float = 0.0
    text: Text = "page"
    image_width: int | None = None

    _is_open = field_validator("index")(check_index)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **changed: Any
    ) -> list[Document]:
        settings = {field.name: getattr(self, field.name) for field in fields(Retrieval)}
        return [_document(page) for page in Retrieval(**{**settings, **changed}).run(self.index, query)]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **changed: Any
    ) -> list[Document]:
        named = {"run_manager": run_manager.get_sync(), **changed}
        found: list[Document] = await run_in_executor(None, self._get_relevant_documents, query, **named)
        return found


def page_blocks(documents: Sequence[Document]) -> list[ContentBlock]:
    """Pages as content of a message to a model that sees: of each its name and text, and its picture if it has one.

    Args:
        documents: From a `VragRetriever`.
    """
    return [block for document in documents for block in _blocks(document)]


def _blocks(document: Document) -> Iterator[ContentBlock]:
    place = f"{json.dumps(shown(document.metadata['doc']), ensure_ascii=False)}, page {document.metadata['page']}"
    yield create_text_block(f"{place}:\n{document.page_content}")
    if image := document.metadata.get("image"):
        yield create_image_block(base64=image.partition(",")[2], mime_type=IMAGE_TYPE)


def _document(page: RetrievedPage) -> Document:
    image = {"image": f"data:{IMAGE_TYPE};base64,{page.image}"} if page.image else {}
    metadata = {**page.metadata, "source": page.hit.path, **image}  # its examples cite by that key
    return Document(id=page.hit.id, page_content=page.text, metadata=metadata)
