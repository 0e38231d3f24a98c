"""A retriever for LlamaIndex, with the extra `[llamaindex]`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vrag.integrations.retrieval import IMAGE_TYPE, Retrieval, RetrievedPage, Text, check_index
from vrag.search.query_text import Words

try:
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import (
        ImageNode,
        NodeRelationship,
        NodeWithScore,
        QueryBundle,
        RelatedNodeInfo,
        TextNode,
    )
except ImportError as error:
    raise ImportError('This needs LlamaIndex. Get it with: pip install "vrag-toolkit[llamaindex]"') from error

if TYPE_CHECKING:
    from vrag.remote.any_index import AnyIndex

_TOLD = ("doc", "page")  # of the metadata, what a model is told


class VragNodeRetriever(BaseRetriever):
    """Pages of an index as LlamaIndex nodes, one a page; an `ImageNode` where pictures are wanted.

    Asynchronous calls search in a thread; an index may be asked by any number of threads at once.

    Args:
        index: An open index, from `vrag.Index.open`; closing it is left to who opened it.
        k: As of `vrag.integrations.retrieval.Retrieval`, as are those up to `image_width`.
        more: As of LlamaIndex's `BaseRetriever`, e.g. `callback_manager`.
    """

    def __init__(
        self,
        index: AnyIndex,
        k: int = 5,
        cascade: str | None = None,
        where: str | Sequence[str] = (),
        words: Words = "plain",
        min_relevance: float = 0.0,
        text: Text = "page",
        image_width: int | None = None,
        **more: Any,
    ) -> None:
        self._index: AnyIndex = check_index(index)
        self._retrieval = Retrieval(k, cascade, where, words, min_relevance, text, image_width)
        super().__init__(**more)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(page) for page in self._retrieval.run(self._index, query_bundle.query_str)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _node(page: RetrievedPage) -> NodeWithScore:
    untold = [key for key in page.metadata if key not in _TOLD]
    facts: dict[str, Any] = {
        "id_": page.hit.id,
        "text": page.text,
        "metadata": page.metadata,
        "excluded_llm_metadata_keys": untold,
        "excluded_embed_metadata_keys": untold,
        "relationships": {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=page.hit.doc_id)},
    }
    seen = {"image": page.image, "image_mimetype": IMAGE_TYPE}
    node = ImageNode(**facts, **seen) if page.image else TextNode(**facts)
    return NodeWithScore(node=node, score=page.hit.score)
