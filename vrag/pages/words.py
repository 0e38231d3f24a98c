"""Where a page's words come from: its text layer, its pixels, or both."""

from __future__ import annotations

import numpy as np

from vrag.grid import WHOLE_PAGE, FloatArray
from vrag.pages import ocr
from vrag.pages.merge import merge
from vrag.pages.page import PageSpec, TextSource, Words
from vrag.pages.reader import Reader, pixel_size
from vrag.pages.textlayer import readable
from vrag.pages.unread import coverage, is_blank, on_page, unread_part
from vrag.runtime.timing import OCR, timed

_OCR_DPI = 300  # more pixels than this show no more letters
_PICTURE_SHARE = 0.05  # of the page; smaller pictures are logos and rules
_FEW_WORDS = 5  # with less, the text may be drawn as curves
_WHOLE = np.array([WHOLE_PAGE], np.float32)


def page_words(reader: Reader, number: int, size: tuple[float, float], spec: PageSpec) -> tuple[Words, TextSource]:
    """The words of a page of `size` points and where they come from, as the spec's OCR policy has it."""
    layer = readable(reader.words(number))
    regions = _regions_to_read(reader, number, spec, layer)
    if not len(regions):
        return layer, "layer" if len(layer) else "none"
    picture = reader.render(number, pixel_size(size, _OCR_DPI, spec.ocr_side))
    trusted = Words() if spec.ocr == "always" else layer
    part, box = unread_part(picture, trusted, regions)
    with timed(OCR):
        seen = Words() if is_blank(part) else on_page(ocr.read_words(part, spec.ocr_language), box)
    both = merge(layer, seen)
    return both, _source(len(layer), len(both))


def _regions_to_read(reader: Reader, number: int, spec: PageSpec, layer: Words) -> FloatArray:
    """Boxes of what has to be read from pixels: all, the pictures, or nothing [0, 4]."""
    nothing = _WHOLE[:0]
    if spec.ocr == "never":
        return nothing
    if spec.ocr == "always" or len(layer) < _FEW_WORDS:
        return _WHOLE
    pictures = reader.pictures(number)
    return pictures if coverage(pictures) >= _PICTURE_SHARE else nothing


def _source(layer: int, both: int) -> TextSource:
    """What to call the text of a page with `layer` words in its text layer, `both` in all."""
    if both > layer:
        return "layer+ocr" if layer else "ocr"
    return "layer" if layer else "none"
