"""What every document reader offers: one open document, asked page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from vrag.grid import FloatArray
from vrag.pages.page import Renderer, Words

if TYPE_CHECKING:
    from PIL.Image import Image

POINTS_PER_INCH = 72


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What is known of a document before its pages are read.

    Args:
        pages: Number of pages, at least 1.
        kind: "pdf" or "image" (a multi-page TIFF has pages too).
        renderer: What opened the document.
        title: Title from the document's own metadata; empty when it has none.
        author: Its author, from there too.
        created: Its date of creation, as PDF writes it: `D:YYYYMMDD...`.
        notes: Sentences worth telling: which renderer had to be rescued, and why.
    """

    pages: int
    kind: Literal["pdf", "image"]
    renderer: Renderer
    title: str = ""
    author: str = ""
    created: str = ""
    notes: tuple[str, ...] = ()


class Reader(Protocol):
    """An open document; page numbers are 1-based and valid.

    Every method may raise what its library raises: `vrag.pages.faults` makes `PageError`s of it.
    """

    def info(self) -> DocumentInfo:
        """Page count and metadata."""
        ...

    def missing(self) -> int:
        """Pages that are counted and not there, as far as a look at each tells."""
        ...

    def size(self, number: int) -> tuple[float, float]:
        """Width and height as displayed, in points."""
        ...

    def words(self, number: int) -> Words:
        """Words of the text layer, in the order the document has them."""
        ...

    def pictures(self, number: int) -> FloatArray:
        """Boxes of the pictures placed on the page, float32 [k, 4], shares of the page."""
        ...

    def render(self, number: int, pixels: tuple[int, int]) -> Image:
        """The page as displayed: an RGB picture of exactly `pixels` (width, height)."""
        ...

    def close(self) -> None:
        """Release the file; the reader is of no use afterwards."""
        ...


def pixel_size(size: tuple[float, float], dpi: float, max_side: int) -> tuple[int, int]:
    """Pixels (width, height) of a page of `size` points at `dpi`, its longest side at most `max_side`.

    Neither side is ever less than one pixel.
    """
    width, height = size
    scale = min(dpi / POINTS_PER_INCH, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
