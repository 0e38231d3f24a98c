"""Pages embedded together, and one by one when the model fails on them: a page it refuses costs no other page."""

from __future__ import annotations

from collections.abc import Sequence

from vrag.embedders.protocol import Embedder, PageVectors
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
