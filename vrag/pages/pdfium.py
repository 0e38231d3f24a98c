"""The first renderer: PDFium, inside its wheel."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image

from vrag.grid import FloatArray
from vrag.pages.page import Words
from vrag.pages.reader import DocumentInfo
from vrag.pages.textlayer import group_words

_MAX_FORM_DEPTH = 8  # forms within forms; a recursive document would never end
_MAX_OBJECTS = 100_000  # of a page looked at for pictures; maps have millions of lines


class PdfiumReader:
    """A PDF opened by PDFium.

    PDFium is not thread-safe: all its calls in a process wait for one lock.
    """

    _lock = threading.RLock()

    def __init__(self, path: Path) -> None:
        """Open the document.

        Raises:
            PdfiumError: PDFium cannot; its `err_code` says why.
        """
        with self._lock:
            self._pdf = pdfium.PdfDocument(path)
            if self._pdf.get_formtype() in (raw.FORMTYPE_ACRO_FORM, raw.FORMTYPE_XFA_FOREGROUND):
                self._pdf.init_forms()  # or what people filled in is not drawn

    def info(self) -> DocumentInfo:
        """Page count and title."""
        with self._lock:
            return DocumentInfo(len(self._pdf), "pdf", "pdfium", self._pdf.get_metadata_value("Title").strip())

    def size(self, number: int) -> tuple[float, float]:
        """Width and height as displayed, in points."""
        with self._page(number) as page:
            return page.get_width(), page.get_height()

    def words(self, number: int) -> Words:
        """Words of the text layer, in content order."""
        with self._page(number) as page:
            textpage = page.get_textpage()
            chars, boxes = _characters(textpage)
            textpage.close()
            return group_words(chars, _to_shares(boxes, page))

    def pictures(self, number: int) -> FloatArray:
        """Boxes of the image objects, also those inside forms; float32 [k, 4], clipped to the page."""
        with self._page(number) as page:
            boxes = np.array(list(_image_boxes(page)), np.float64).reshape(-1, 4)
            return np.clip(_to_shares(boxes, page), 0, 1)

    def render(self, number: int, pixels: tuple[int, int]) -> Image.Image:
        """RGB picture of exactly `pixels` (width, height), annotations and form fields drawn."""
        with self._page(number) as page:
            bitmap = pdfium.PdfBitmap.new_native(*pixels, format=raw.FPDFBitmap_BGR, rev_byteorder=True)
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, *pixels)
            view = (0, 0, *pixels, 0, raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER)
            raw.FPDF_RenderPageBitmap(bitmap, page, *view)
            if page.formenv:
                raw.FPDF_FFLDraw(page.formenv, bitmap, page, *view)
            picture = Image.frombytes("RGB", pixels, bitmap.buffer)
            bitmap.close()
            return picture

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._pdf.close()

    @contextmanager
    def _page(self, number: int) -> Iterator[pdfium.PdfPage]:
        with self._lock:
            page = self._pdf[number - 1]
            try:
                yield page
            finally:
                page.close()


def _characters(textpage: pdfium.PdfTextPage) -> tuple[list[str], npt.NDArray[np.float64]]:
    """All characters and their boxes [n, 4] in page space (left, bottom, right, top).

    Called thousands of times a page: raw calls on shared buffers cost a quarter of the helpers'.
    """
    count, handle = textpage.count_chars(), textpage.raw
    boxes = np.zeros((count, 4))
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    pointers = tuple(map(ctypes.byref, (left, right, bottom, top)))
    get_unicode, get_box = raw.FPDFText_GetUnicode, raw.FPDFText_GetCharBox
    codes = [get_unicode(handle, i) for i in range(count)]
    for i in range(count):
        if get_box(handle, i, *pointers):
            boxes[i] = left.value, bottom.value, right.value, top.value
    return list(map(chr, codes)), boxes


def _image_boxes(page: pdfium.PdfPage) -> Iterator[tuple[float, float, float, float]]:
    """Boxes of image objects in page space."""
    for count, item in enumerate(page.get_objects(max_depth=_MAX_FORM_DEPTH)):
        if count >= _MAX_OBJECTS:
            return
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            yield _placed_box(item)


def _placed_box(item: pdfium.PdfObject) -> tuple[float, float, float, float]:
    """An object's box in page space, through the matrices of the forms around it."""
    matrix = item.get_matrix()
    container = item.container
    while container is not None:
        matrix = matrix.multiply(container.get_matrix())
        container = container.container
    box: tuple[float, float, float, float] = matrix.on_rect(0, 0, 1, 1)  # an image fills its unit square
    return box


def _to_shares(boxes: npt.NDArray[np.float64], page: pdfium.PdfPage) -> FloatArray:
    """Boxes in page space [n, 4] as shares of the page as displayed: crop box and rotation applied."""
    left, bottom, right, top = page.get_bbox()
    x = (boxes[:, [0, 2]] - left) / (right - left)
    y = (top - boxes[:, [1, 3]]) / (top - bottom)
    turned = {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}
    x, y = turned[page.get_rotation()]
    return np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], axis=1).astype(np.float32)
