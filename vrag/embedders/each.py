"""Pages and queries embedded together, where the model can; a page it refuses costs no other page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from vrag.embedders.protocol import Embedder, PageVectors, QueryVectors
from vrag.pages.page import Page


def embed_each(embedder: Embedder, pages: Sequence[Page]) -> list[PageVectors | Exception]:
    """Vectors of each page, or what the model raised when it was given that page alone.

    Args:
        embedder: The model.
        pages: Any number.
    """
    if not pages:
        return []
    try:
        return [*embedder.embed_pages(pages)]
    except Exception as error:  # noqa: BLE001 - a model raises whatever its libraries do; it is told page by page
        if len(pages) == 1:
            return [error]
    return [one for page in pages for one in embed_each(embedder, [page])]


@runtime_checkable
class ManyQueries(Protocol):
    """What an embedder has that reads many queries in less time than one after the other."""

    def embed_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """As `Embedder.embed_query` of each, to the last bit."""
        ...


def embed_queries(embedder: Embedder, texts: Sequence[str]) -> list[QueryVectors]:
    """Vectors of each query, in order.

    Args:
        embedder: The model.
        texts: Each with something in it.

    Raises:
        UsageError: Nothing of one can be embedded.
    """
    if isinstance(embedder, ManyQueries) and len(texts) > 1:
        return embedder.embed_queries(texts)
    return [embedder.embed_query(text) for text in texts]
