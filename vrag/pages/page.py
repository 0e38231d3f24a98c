"""A page: its words, its picture, and how both were obtained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from vrag.grid import WHOLE_PAGE, Box, FloatArray, Grid
from vrag.pages.crop import CropRules

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image

Renderer = Literal["pdfium", "poppler", "image"]
TextSource = Literal["layer", "ocr", "layer+ocr", "none"]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a page in reading order, as columns.

    Args:
        texts: n words without white space.
        boxes: float32 [n, 4], shares of the page as in `Grid`.
        lines: int32 [n], number of the line each word stands on, never decreasing.
    """

    texts: tuple[str, ...] = ()
    boxes: FloatArray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    lines: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))

    def __len__(self) -> int:
        return len(self.texts)

    def text_lines(self) -> list[str]:
        """The text of each line that has words, in order."""
        lines: dict[int, list[str]] = {}
        for text, line in zip(self.texts, self.lines.tolist(), strict=True):
            lines.setdefault(line, []).append(text)
        return [" ".join(line) for line in lines.values()]

    def grid(self) -> Grid:
        """The words' boxes as a grid of free boxes."""
        return Grid.free(self.boxes)


@dataclass(frozen=True, slots=True)
class PageSpec:
    """What an embedder needs of a page; nothing else is computed.

    Args:
        image: Whether the page must be rendered and kept in `Page.image`.
        words: Whether the words are needed (text layer, else OCR).
        dpi: Resolution of the rendering, dots an inch.
        max_side: Longest side of the rendering in pixels, whatever `dpi` says.
        ocr: "auto" reads pixels where the text layer is missing, unusable, or large
            pictures cover the page; "always" and "never" as they say.
        ocr_side: Longest side in pixels of the picture given to OCR.
        renderer: The renderer tried first; the other one rescues what it cannot do.
        crop: How empty margins are cut off the picture; None keeps them.
        ocr_language: Which recognition model reads pixels; empty for the one inside rapidocr's wheel.
        passwords: Tried on encrypted PDFs; never shown, never stored.
    """

    image: bool = True
    words: bool = True
    dpi: float = 144
    max_side: int = 2048
    ocr: Literal["auto", "always", "never"] = "auto"
    ocr_side: int = 1200
    renderer: Literal["pdfium", "poppler"] = "pdfium"
    crop: CropRules | None = None
    ocr_language: str = ""
    passwords: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document.

    Args:
        number: 1-based.
        width: Width as displayed (rotation applied), in points (1/72 inch).
        height: Height as displayed, in points.
        words: Words in reading order; empty when none were asked for or found.
        text_source: Where the words come from.
        renderer: What opened the page.
        image: RGB picture of the page, present when `PageSpec.image` asked for it.
        crop: The part of the page that the picture shows; words keep their places on the whole page.
        blank: Whether nothing is printed on it.
        notes: Sentences worth telling: a renderer that had to be rescued, damage that was passed over.
        seconds: By stage (`vrag.runtime.timing`), what it cost the process that read it.
    """

    number: int
    width: float
    height: float
    words: Words = field(default_factory=Words)
    text_source: TextSource = "none"
    renderer: Renderer = "pdfium"
    image: Image | None = None
    crop: Box = WHOLE_PAGE
    blank: bool = False
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
