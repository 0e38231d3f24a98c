"""An EPUB as one plain web page: its chapters in reading order, with the pictures that are in it.

Nothing is unpacked onto the disk: names in a book are looked up in the book alone.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from vrag.errors import EncryptedError, PageError
from vrag.printing.containers import NO_ARCHIVE, SOURCE_HINT
from vrag.printing.plain_page import cleaned, decoded, plain_page
from vrag.runtime.data_url import data_url

MOST_WORDS = 16 << 20  # bytes of all chapters together
MOST_PICTURES = 32 << 20  # bytes of all pictures together; the others are left out
_CONTAINER, _LOCKS = "META-INF/container.xml", "META-INF/encryption.xml"
_STARTS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))
_PAGE_END = '<p style="page-break-before:always"></p>'


def of_book(path: Path) -> bytes:
    """The page of an EPUB whose size was checked (`vrag.printing.containers`).

    Raises:
        EncryptedError: It is locked to a program or device.
        PageError: It is damaged, has no chapter, or too much text.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Book(archive).page()
    except NO_ARCHIVE as error:
        raise PageError("the file is damaged or cut off.", SOURCE_HINT) from error


class _Book:
    """An open EPUB.

    Args:
        archive: With few enough files.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = set(archive.namelist())
        self._room = MOST_PICTURES
        place = _Listed.of(self._text(_CONTAINER)).package
        if place not in self._names:
            raise PageError("it is an archive, but no EPUB: it does not say where its chapters are.", SOURCE_HINT)
        self._listed, self._folder = _Listed.of(self._text(place)), posixpath.dirname(place)

    def page(self) -> bytes:
        """Its chapters as one web page."""
        names = [_within(self._folder, href) for href in self._listed.chapters()]
        chapters = [name for name in names if name in self._names]
        if not chapters:
            raise PageError("it has no chapter.", SOURCE_HINT)
        if set(chapters) & set(_Listed.of(self._text(_LOCKS)).locked):
            raise EncryptedError("the book is locked to a program or device (DRM).", "Get a copy without a lock.")
        if sum(self._archive.getinfo(name).file_size for name in chapters) > MOST_WORDS:
            raise PageError(f"its text has more than {MOST_WORDS:,} bytes.", "Save the part that matters as a PDF.")
        body = _PAGE_END.join(self._chapter(name) for name in chapters)
        return plain_page(body, self._listed.said["title"], self._listed.said["creator"])

    def _chapter(self, name: str) -> str:
        folder = posixpath.dirname(name)
        return cleaned(self._text(name), lambda source: self._picture(_within(folder, source)))[0]

    def _picture(self, name: str) -> str:
        """A picture as a `data:` address; empty where it is none, or there is no room."""
        if name not in self._names or self._archive.getinfo(name).file_size > self._room:
            return ""
        data = self._archive.read(name)
        kind = next((kind for start, kind in _STARTS if data.startswith(start)), "")
        self._room -= len(data)
        return data_url(data, kind) if kind else ""

    def _text(self, name: str) -> str:
        """What a file says; nothing where it is not there or too long."""
        is_there = name in self._names and self._archive.getinfo(name).file_size <= MOST_WORDS
        return decoded(self._archive.read(name)) if is_there else ""


class _Listed(HTMLParser):
    """What the files of a book say of it; read as HTML, in which no name stands for more than a character."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.package = ""
        self.locked: list[str] = []
        self.said = {"title": "", "creator": ""}
        self._files: dict[str, str] = {}
        self._order: list[str] = []
        self._open = ""

    @classmethod
    def of(cls, text: str) -> _Listed:
        """What a file lists."""
        listed = cls()
        listed.feed(text)
        listed.close()
        return listed

    def chapters(self) -> list[str]:
        """Where the chapters are, in reading order."""
        return [self._files[name] for name in dict.fromkeys(self._order) if name in self._files]

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """A file, a chapter, a lock, or the beginning of a title."""
        given = {name: value or "" for name, value in attrs}
        kind = self._open = tag.rpartition(":")[2]
        if kind == "rootfile":
            self.package = self.package or given.get("full-path", "")
        elif kind == "item":
            self._files[given.get("id", "")] = given.get("href", "")
        elif kind == "itemref":
            self._order.append(given.get("idref", ""))
        elif kind == "cipherreference":
            self.locked.append(unquote(given.get("uri", "")))

    def handle_endtag(self, tag: str) -> None:
        """The end of one."""
        self._open = ""

    def handle_data(self, data: str) -> None:
        """The words of a title or an author."""
        if self._open in self.said and not self.said[self._open]:
            self.said[self._open] = " ".join(data.split())


def _within(folder: str, address: str) -> str:
    """The name of what a file in a folder of the book calls by an address."""
    return posixpath.normpath(posixpath.join(folder, unquote(address.partition("#")[0])))
