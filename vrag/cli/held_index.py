"""An index that a command holds only as long as it needs it: while a language model writes, others get in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from vrag.cli import output

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.pages.page import Words
    from vrag.remote.any_index import AnyIndex
    from vrag.search.hit import Hit


class HeldIndex:
    """Pages of an index that is opened when they are needed, and again after it was let go of.

    Args:
        opened: Opens the index.
    """

    def __init__(self, opened: Callable[[], AnyIndex]) -> None:
        self._opened = opened
        self._index: AnyIndex | None = None
        self._warned = False

    @property
    def index(self) -> AnyIndex:
        """It, open; what was lost of it is said once."""
        if self._index is None:
            self._index = self._opened()
            if not self._warned:
                output.warn_of_loss(self._index.lost)
                self._warned = True
        return self._index

    def let_go(self) -> None:
        """Close it until it is needed again."""
        index, self._index = self._index, None
        if index is not None:
            index.close()

    def search(self, query: str, k: int = 10, cascade: str | None = None, where: str | Sequence[str] = ()) -> list[Hit]:
        """As `Index.search`."""
        return self.index.search(query, k, cascade, where)

    def page_words(self, doc: str, page: int) -> Words:
        """As `Index.page_words`."""
        return self.index.page_words(doc, page)

    def page_image(self, doc: str, page: int, *, width: int | None = None) -> Image:
        """As `Index.page_image`."""
        return self.index.page_image(doc, page, width=width)

    def __enter__(self) -> HeldIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.let_go()
