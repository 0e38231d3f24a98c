"""From a file to its pages: one renderer reads, the other one rescues what it cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from PIL.Image import Image

from vrag.errors import PageError
from vrag.grid import WHOLE_PAGE, Box
from vrag.pages.albums import AlbumReader
from vrag.pages.claims import check_claim
from vrag.pages.crop import crop, is_blank
from vrag.pages.faults import page_errors
from vrag.pages.files import is_album, is_image
from vrag.pages.page import Page, PageSpec, Renderer, Words
from vrag.pages.pdfium import PdfiumReader
from vrag.pages.pictures import PictureReader
from vrag.pages.poppler import PopplerReader
from vrag.pages.reader import DocumentInfo, Reader, pixel_size
from vrag.pages.words import page_words
from vrag.printing.printables import is_printed
from vrag.printing.printed import printed
from vrag.runtime.file_facts import file_stamp
from vrag.runtime.timing import timed, watching

T = TypeVar("T")

_GLANCE_DPI = 36  # enough to see whether anything is printed


def _open_reader(renderer: Renderer, path: Path, passwords: Sequence[str]) -> Reader:
    """Passwords go to PDFium only: poppler's tools would show them in the list of processes."""
    if renderer == "pdfium":
        return PdfiumReader(path, passwords)
    if renderer == "poppler":
        return PopplerReader(path)
    return AlbumReader(path) if is_album(path) else PictureReader(path)


class PageLoader:
    """Reads documents page by page and keeps the last one open, as long as its file stays the same.

    Every method raises `PageError` for what no renderer can read.

    Args:
        spec: What is needed of a page.
    """

    def __init__(self, spec: PageSpec) -> None:
        self.spec = spec
        self._file: tuple[Path, str] | None = None  # what is open, with the stamp it had
        self._pdf = Path()  # what readers open: the file itself, or its print
        self._open: dict[Renderer, Reader] = {}

    def __enter__(self) -> PageLoader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def inspect(self, path: Path) -> DocumentInfo:
        """Page count and metadata of a document."""
        info, notes = self._rescued(path, None, lambda reader: reader.info())
        with page_errors(path):
            check_claim(self._open[info.renderer], self._pdf.stat().st_size)
        created = "" if is_printed(path) else info.created  # a print is of today
        return replace(info, notes=notes, created=created)

    def load(self, path: Path, number: int) -> Page:
        """Page `number` (1-based), with what the spec asks for and no more."""
        with watching() as watch:
            page, notes = self._rescued(path, number, lambda reader: _read(reader, number, self.spec))
        return replace(page, notes=notes, seconds=watch.seconds())

    def render(self, path: Path, number: int) -> Image:
        """The picture of the page, just as `load` gives it when the spec asks for one."""
        return self._rescued(path, number, lambda reader: _cropped(_whole(reader, number, self.spec), self.spec)[0])[0]

    def close(self) -> None:
        """Close what is open."""
        for reader in self._open.values():
            reader.close()
        self._open.clear()
        self._file = None

    def _rescued(self, path: Path, number: int | None, ask: Callable[[Reader], T]) -> tuple[T, tuple[str, ...]]:
        """The answer of the first renderer that has one, and notes on those that had not."""
        with page_errors(path, number):
            self._turn_to(path)
        failures: list[PageError] = []
        for renderer in _renderers(path, self.spec):
            try:
                with page_errors(path, number):
                    answer = ask(self._reader(renderer, number))
            except PageError as error:
                failures.append(error)
            else:
                return answer, tuple(f"{renderer} stepped in: {failure.message}" for failure in failures)
        raise failures[0]

    def _turn_to(self, path: Path) -> None:
        """Close what is open of another file; one that has to be printed is."""
        file = (path, file_stamp(path))  # before it is opened: a file replaced in between is opened once more
        if file != self._file:
            self.close()
            self._pdf = printed(path) if is_printed(path) else path
            self._file = file

    def _reader(self, renderer: Renderer, number: int | None) -> Reader:
        """The open reader of a document that has page `number`."""
        if renderer not in self._open:
            self._open[renderer] = _open_reader(renderer, self._pdf, self.spec.passwords)
        reader = self._open[renderer]
        pages = reader.info().pages
        if number is not None and not 1 <= number <= pages:
            raise PageError(f"there is no such page, the document has {pages}.")
        return reader


def _renderers(path: Path, spec: PageSpec) -> tuple[Renderer, ...]:
    if is_image(path) or is_album(path):
        return ("image",)
    return ("poppler", "pdfium") if spec.renderer == "poppler" else ("pdfium", "poppler")


def _read(reader: Reader, number: int, spec: PageSpec) -> Page:
    size = reader.size(number)
    with timed("read"):
        words, source = page_words(reader, number, size, spec) if spec.words else (Words(), "none")
    page = Page(number, *size, words, source, reader.info().renderer)
    if spec.image:
        whole = _whole(reader, number, spec)
        image, box = _cropped(whole, spec)
        return replace(page, image=image, crop=box, blank=not len(words) and is_blank(whole))
    if not len(words):
        return replace(page, blank=is_blank(_whole(reader, number, replace(spec, dpi=_GLANCE_DPI))))
    return page


def _whole(reader: Reader, number: int, spec: PageSpec) -> Image:
    with timed("render"):
        return reader.render(number, pixel_size(reader.size(number), spec.dpi, spec.max_side))


def _cropped(picture: Image, spec: PageSpec) -> tuple[Image, Box]:
    if spec.crop is None:
        return picture, WHOLE_PAGE
    with timed("crop"):
        return crop(picture, spec.crop)
