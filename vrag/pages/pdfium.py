"""The first renderer: PDFium, inside its wheel."""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image

from vrag.errors import EncryptedError, PageError
from vrag.grid import FloatArray
from vrag.pages.page import Words
from vrag.pages.reader import DocumentInfo
from vrag.pages.textlayer import group_words

MAX_DEPTH = 8  # forms within forms; a recursive document would never end
_FORM_TYPES = (raw.FORMTYPE_ACRO_FORM, raw.FORMTYPE_XFA_FOREGROUND)
_REPAIR = "Set its crop box anew, or print the file to a new PDF."
_DOUBLE = ctypes.sizeof(ctypes.c_double)

logging.getLogger("pypdfium2").addHandler(logging.NullHandler())  # its warnings are not for people who search


class PdfiumReader:
    """A PDF opened by PDFium; the page asked for last stays loaded.

    PDFium is not thread-safe: all its calls in a process wait for one lock.
    """

    _lock = threading.RLock()

    def __init__(self, path: Path, passwords: Sequence[str] = ()) -> None:
        """Open the document, with the first of the passwords that fits when it needs one.

        Raises:
            PdfiumError: PDFium cannot; its `err_code` says why.
            EncryptedError: It needs a password, and none of those given fits.
        """
        self._number = 0
        self._page: pdfium.PdfPage | None = None
        with self._lock:
            self._pdf = _opened(path, passwords)
            if self._pdf.get_formtype() in _FORM_TYPES:
                self._pdf.init_forms()  # or what people filled in is not drawn

    def info(self) -> DocumentInfo:
        """Page count, title, author and date."""
        with self._lock:
            keys = ("Title", "Author", "CreationDate")
            title, author, created = (self._pdf.get_metadata_value(key).strip() for key in keys)
            return DocumentInfo(len(self._pdf), "pdf", "pdfium", title, author, created)

    def missing(self) -> int:
        """Pages that the document counts and PDFium does not find; their content is not read."""
        with self._lock:
            size, look = raw.FS_SIZEF(), raw.FPDF_GetPageSizeByIndexF
            return sum(not look(self._pdf, index, size) for index in range(len(self._pdf)))

    def size(self, number: int) -> tuple[float, float]:
        """Width and height as displayed, in points.

        Raises:
            PageError: Nothing of the page is displayed.
        """
        with self._loaded(number) as page:
            width, height = page.get_width(), page.get_height()
        if not (width and height):
            raise PageError("the page has no area: its crop box lies outside of it.", _REPAIR)
        return width, height

    def words(self, number: int) -> Words:
        """Words of the text layer, in content order."""
        with self._loaded(number) as page:
            textpage = page.get_textpage()
            chars, boxes = _characters(textpage)
            textpage.close()
            return group_words(chars, _to_shares(boxes, page))

    def pictures(self, number: int) -> FloatArray:
        """Boxes of the image objects, also those inside forms; float32 [k, 4], clipped to the page."""
        with self._loaded(number) as page:
            counter, getter = raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject
            boxes = list(_image_boxes(page, counter, getter, pdfium.PdfMatrix(), MAX_DEPTH))
            return np.clip(_to_shares(np.array(boxes).reshape(-1, 4), page), 0, 1)

    def render(self, number: int, pixels: tuple[int, int]) -> Image.Image:
        """RGB picture of exactly `pixels` (width, height), annotations and form fields drawn."""
        with self._loaded(number) as page:
            bitmap = pdfium.PdfBitmap.new_native(*pixels, format=raw.FPDFBitmap_BGR, rev_byteorder=True)
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, *pixels)
            view = (0, 0, *pixels, 0, raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER)
            raw.FPDF_RenderPageBitmap(bitmap, page, *view)
            if page.formenv:
                raw.FPDF_FFLDraw(page.formenv, bitmap, page, *view)
            picture = Image.frombytes("RGB", pixels, bytes(bitmap.buffer))
            bitmap.close()
            return picture

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._pdf.close()  # and its page with it

    @contextmanager
    def _loaded(self, number: int) -> Iterator[pdfium.PdfPage]:
        with self._lock:
            if number != self._number:
                if self._page is not None:
                    self._page.close()
                self._page, self._number = None, 0  # should loading fail
                self._page, self._number = self._pdf[number - 1], number
            yield self._page


def _opened(path: Path, passwords: Sequence[str]) -> pdfium.PdfDocument:
    for password in (None, *passwords):
        try:
            return pdfium.PdfDocument(path, password=password)
        except pdfium.PdfiumError as error:
            if error.err_code != raw.FPDF_ERR_PASSWORD or not passwords:
                raise
    raise EncryptedError(
        "the PDF is encrypted, and none of the passwords given opens it.",
        "Give it with --password, or in the environment as VRAG_PASSWORD.",
    )


def _characters(textpage: pdfium.PdfTextPage) -> tuple[list[str], npt.NDArray[np.float64]]:
    """All characters and their boxes [n, 4] in page space (left, right, bottom, top).

    Called for every character of every page, `FPDFText_GetCharBox` writes straight into the array:
    passing addresses takes a third of the time of passing ctypes objects.
    """
    count, handle = textpage.count_chars(), textpage.raw
    boxes = np.zeros((count, 4))
    get_box = _address_based(raw.FPDFText_GetCharBox, 4)
    page, address = ctypes.cast(handle, ctypes.c_void_p), boxes.ctypes.data
    for i in range(count):
        box = address + 4 * i * _DOUBLE
        get_box(page, i, box, box + _DOUBLE, box + 2 * _DOUBLE, box + 3 * _DOUBLE)
    get_unicode = raw.FPDFText_GetUnicode
    return [chr(get_unicode(handle, i)) for i in range(count)], boxes


def _address_based(function: Any, pointers: int) -> Any:
    """A function of (handle, index, pointers...) that takes the pointers as plain addresses."""
    prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, *[ctypes.c_void_p] * pointers)
    return prototype(ctypes.cast(function, ctypes.c_void_p).value or 0)


def _image_boxes(
    parent: Any, counter: Any, getter: Any, placed: pdfium.PdfMatrix, depth: int
) -> Iterator[tuple[float, float, float, float]]:
    """Boxes in page space (left, right, bottom, top) of the images of a page or form placed by a matrix."""
    for i in range(counter(parent)):
        item = getter(parent, i)
        kind = raw.FPDFPageObj_GetType(item)
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = _matrix(item).multiply(placed).on_rect(0, 0, 1, 1)  # images fill a unit square
            yield left, right, bottom, top
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth > 0:
            inner = _matrix(item).multiply(placed)
            yield from _image_boxes(item, raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject, inner, depth - 1)


def _matrix(item: Any) -> pdfium.PdfMatrix:
    """Where a page object is placed within its page or form."""
    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(item, matrix)
    return pdfium.PdfMatrix.from_raw(matrix)


def _to_shares(boxes: npt.NDArray[np.float64], page: pdfium.PdfPage) -> FloatArray:
    """Boxes in page space [n, 4] (left, right, bottom, top) as shares of the page as displayed.

    The crop box is where displaying begins; rotation is clockwise.
    """
    left, bottom, right, top = page.get_bbox()
    x = (boxes[:, :2] - left) / ((right - left) or 1)  # a page may have no area, see `size`
    y = (top - boxes[:, 2:]) / ((top - bottom) or 1)
    turned = {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}
    x, y = turned[page.get_rotation()]
    return np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], axis=1).astype(np.float32)
