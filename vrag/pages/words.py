"""Where a page's words come from: its text layer, its pixels, or both."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vrag.grid import FloatArray
from vrag.pages import ocr
from vrag.pages.merge import merge
from vrag.pages.page import PageSpec, TextSource, Words
from vrag.pages.reader import Reader, pixel_size
from vrag.pages.textlayer import readable

_OCR_DPI = 300  # more pixels than this show no more letters
_PICTURE_SHARE = 0.05  # of the page; smaller pictures are logos and rules
_FEW_WORDS = 5  # with less, the text may be drawn as curves
_BLANK_RANGE = 8  # of 255 levels: paper of one colour, give or take the noise of JPEG


def page_words(reader: Reader, number: int, size: tuple[float, float], spec: PageSpec) -> tuple[Words, TextSource]:
    """The words of a page of `size` points and where they come from, as the spec's OCR policy has it."""
    layer = readable(reader.words(number))
    if not _wants_ocr(reader, number, spec, layer):
        return layer, "layer" if len(layer) else "none"
    picture = reader.render(number, pixel_size(size, _OCR_DPI, spec.ocr_side))
    seen = Words() if _is_blank(picture) else ocr.read_words(picture)
    if not len(layer):
        return seen, "ocr" if len(seen) else "none"
    both = merge(layer, seen)
    return both, "layer+ocr" if len(both) > len(layer) else "layer"


def _wants_ocr(reader: Reader, number: int, spec: PageSpec, layer: Words) -> bool:
    if spec.ocr != "auto":
        return spec.ocr == "always"
    return len(layer) < _FEW_WORDS or coverage(reader.pictures(number)) >= _PICTURE_SHARE


def coverage(boxes: FloatArray, cells: int = 100) -> float:
    """Share of the page covered by boxes [k, 4], overlaps counted once, on a grid of cells x cells."""
    mask = np.zeros((cells, cells), bool)
    for x0, y0, x1, y1 in np.rint(boxes * cells).astype(int):
        mask[y0:y1, x0:x1] = True
    return float(mask.mean())


def _is_blank(picture: Image.Image) -> bool:
    low, high = np.array(picture.getextrema()).T
    return bool((high - low).max() <= _BLANK_RANGE)
