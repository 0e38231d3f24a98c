"""CBZ files: archives of pictures, one a page, in the order in which people count their names.

Nothing is unpacked: a picture is read into memory when its page is wanted, and names say no more than the order.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path, PurePosixPath

from PIL import Image

from vrag.errors import EncryptedError, PageError
from vrag.grid import FloatArray
from vrag.pages.files import IMAGE_SUFFIXES
from vrag.pages.page import Words
from vrag.pages.pictures import PictureReader
from vrag.pages.reader import DocumentInfo

MOST_PARTS = 20_000  # files in an archive
MOST_UNPACKED = 256 << 20  # bytes of a picture
_ENCRYPTED = 0x1  # of a file's flags
_BESIDE = "__MACOSX"  # a folder of what is no picture, whatever its names say
_NUMBER = re.compile("([0-9]+)")


class AlbumReader:
    """An archive of pictures; of one with several frames the first one is the page.

    Args:
        path: Of the file.

    Raises:
        BadZipFile: It is no archive, or cut off.
        PageError: It has no picture, or too many files.
    """

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)
        self._pages = _pictures(self._archive)
        self._open: tuple[int, PictureReader] | None = None

    def info(self) -> DocumentInfo:
        """Page count: the pictures of the archive."""
        return DocumentInfo(len(self._pages), "image", "image")

    def missing(self) -> int:
        """None: what is counted is listed."""
        return 0

    def size(self, number: int) -> tuple[float, float]:
        """Width and height of a picture in points, upright."""
        return self._picture(number).size(1)

    def words(self, number: int) -> Words:
        """None: a picture has no text layer."""
        return Words()

    def pictures(self, number: int) -> FloatArray:
        """One picture that is the whole page, float32 [1, 4]."""
        return self._picture(number).pictures(1)

    def render(self, number: int, pixels: tuple[int, int]) -> Image.Image:
        """Upright RGB picture of exactly `pixels` (width, height)."""
        return self._picture(number).render(1, pixels)

    def close(self) -> None:
        """Release the file."""
        if self._open is not None:
            self._open[1].close()
        self._archive.close()

    def _picture(self, number: int) -> PictureReader:
        """A page's picture, of which the last one that was wanted stays open.

        Raises:
            EncryptedError: It needs a password.
            PageError: It is too large.
        """
        if self._open is None or self._open[0] != number:
            if self._open is not None:
                self._open[1].close()
            self._open = None
            self._open = number, PictureReader(io.BytesIO(self._data(self._pages[number - 1])))
        return self._open[1]

    def _data(self, part: zipfile.ZipInfo) -> bytes:
        if part.flag_bits & _ENCRYPTED:
            raise EncryptedError("the picture is encrypted.", "Make the archive anew without a password.")
        if part.file_size > MOST_UNPACKED:  # as it says; what is longer ends there, and its checksum is wrong
            raise PageError(
                f"the picture unpacks to {part.file_size:,} bytes, and {MOST_UNPACKED:,} are the most.",
                "Scale it down.",
            )
        return self._archive.read(part)


def _pictures(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The pictures by their names, hidden ones left out.

    Raises:
        PageError: There are none, or too many files.
    """
    parts = archive.infolist()
    if len(parts) > MOST_PARTS:
        raise PageError(
            f"it has {len(parts):,} files, and {MOST_PARTS:,} are the most.", "Make several archives of it."
        )
    found = [part for part in parts if _is_picture(part)]
    if not found:
        raise PageError("it has no picture that can be read: PNG, JPEG, TIFF or WebP.", "Archives in it stay closed.")
    return sorted(found, key=lambda part: natural_order(_name(part)))


def _is_picture(part: zipfile.ZipInfo) -> bool:
    place = PurePosixPath(_name(part))
    is_seen = not place.name.startswith(".") and _BESIDE not in place.parts
    return is_seen and not part.is_dir() and place.suffix.lower() in IMAGE_SUFFIXES


def _name(part: zipfile.ZipInfo) -> str:
    return part.filename.replace("\\", "/")  # as some programs of Windows part folders


def natural_order(name: str) -> list[tuple[int, str]]:
    """Sorts names as people count: page 2 stands before page 10.

    Args:
        name: Any text.
    """
    parts = [part.lstrip("0") if i % 2 else part for i, part in enumerate(_NUMBER.split(name.casefold()))]
    return [(len(part) if i % 2 else 0, part) for i, part in enumerate(parts)]
