"""The second renderer: poppler's command-line tools, through pdf2image; rescues what PDFium cannot read."""

from __future__ import annotations

import html
import re
import subprocess
from pathlib import Path

import numpy as np
import pdf2image
from PIL import Image

from vrag.errors import PageError
from vrag.grid import FloatArray
from vrag.pages.page import Words
from vrag.pages.reader import DocumentInfo

TIMEOUT_S = 30
_NUMBER = r'="(-?[\d.]+)"'
_LINE_OR_WORD = re.compile(rf"<line |<word xMin{_NUMBER} yMin{_NUMBER} xMax{_NUMBER} yMax{_NUMBER}>(.*?)</word>")


class PopplerReader:
    """A PDF read by `pdfinfo`, `pdftotext` and `pdftoppm`, one process a question.

    These tools do not say where pictures are: `pictures` is always empty.
    """

    def __init__(self, path: Path) -> None:
        """Ask `pdfinfo` for the document.

        Raises:
            PDFInfoNotInstalledError: Poppler is not on the PATH.
            PDFPageCountError, PDFSyntaxError, PDFPopplerTimeoutError: Poppler cannot read the file.
        """
        self._path = path.absolute()  # never mistaken for an option
        self._info = pdf2image.pdfinfo_from_path(str(self._path), rawdates=True, timeout=TIMEOUT_S)

    def info(self) -> DocumentInfo:
        """Page count, title, author and date."""
        title, author, created = (str(self._info.get(key, "")).strip() for key in ("Title", "Author", "CreationDate"))
        return DocumentInfo(int(self._info["Pages"]), "pdf", "poppler", title, author, created)

    def missing(self) -> int:
        """None: poppler counts no more pages than the file has objects."""
        return 0

    def size(self, number: int) -> tuple[float, float]:
        """Width and height as displayed, in points."""
        facts = self._facts(number)
        width, _, height, *_ = facts[f"Page {number} size"].split()
        return (float(height), float(width)) if _is_turned(facts, number) else (float(width), float(height))

    def words(self, number: int) -> Words:
        """Words of the text layer, in poppler's reading order."""
        return parse_bbox_layout(self._pdftotext(number), self.size(number))

    def pictures(self, number: int) -> FloatArray:
        """No boxes [0, 4]: poppler's tools do not tell."""
        return np.zeros((0, 4), np.float32)

    def render(self, number: int, pixels: tuple[int, int]) -> Image.Image:
        """RGB picture of exactly `pixels` (width, height).

        Raises:
            PageError: `pdftoppm` gave no picture.
        """
        size = pixels[::-1] if _is_turned(self._facts(number), number) else pixels  # pdftoppm scales first, then turns
        pictures = pdf2image.convert_from_path(
            self._path, first_page=number, last_page=number, size=size, use_cropbox=True, timeout=TIMEOUT_S
        )
        if not pictures:
            raise PageError("poppler could not render the page.")
        picture = pictures[0].convert("RGB")
        return picture if picture.size == pixels else picture.resize(pixels)

    def close(self) -> None:
        """Nothing is kept open."""

    def _facts(self, number: int) -> dict[str, str]:
        """What `pdfinfo` says of a page, e.g. "Page 3 size"."""
        info = pdf2image.pdfinfo_from_path(str(self._path), first_page=number, last_page=number, timeout=TIMEOUT_S)
        return {" ".join(key.split()): str(value) for key, value in info.items()}

    def _pdftotext(self, number: int) -> str:
        page = ["-f", str(number), "-l", str(number)]
        command = ["pdftotext", *page, "-bbox-layout", "-cropbox", "-enc", "UTF-8", str(self._path), "-"]
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True)
        return done.stdout.decode("utf-8", "replace")


def _is_turned(facts: dict[str, str], number: int) -> bool:
    """Whether the page is displayed lying on its side."""
    return int(facts[f"Page {number} rot"]) % 180 != 0


def parse_bbox_layout(xhtml: str, size: tuple[float, float]) -> Words:
    """Words in the output of `pdftotext -bbox-layout` for one page of `size` points as displayed.

    Read with a pattern, not as XML: the output may hold control characters that XML forbids.
    """
    texts: list[str] = []
    boxes: list[tuple[float, ...]] = []
    lines: list[int] = []
    line = -1
    for match in _LINE_OR_WORD.finditer(xhtml):
        if match[5] is None:
            line += 1
            continue
        for text in html.unescape(match[5]).split():
            texts.append(text)
            boxes.append(tuple(map(float, match.group(1, 2, 3, 4))))
            lines.append(line)
    shares = np.array(boxes).reshape(-1, 4) / (*size, *size)
    return Words(tuple(texts), np.clip(shares, 0, 1).astype(np.float32), np.array(lines, np.int32))
