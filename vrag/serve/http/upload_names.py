"""What an upload is called, and what it is: a name is never a path, and a type is what the bytes say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePath

from vrag.printing.libreoffice import find_libreoffice
from vrag.printing.printables import PRINTED_SUFFIXES, TEXTS

HEAD = 1024  # bytes that tell what a file is
LONGEST_NAME = 120  # characters, the ending included
_LONGEST_BYTES = 200  # of it in UTF-8: file systems allow 255, and we add to it
_UNFIT = frozenset('<>:"/\\|?*')  # on some system or other
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # categories of what is not shown, or shows text in another order
_NAMELESS = "document"
_ENDINGS = {
    "pdf": (".pdf",),
    "png": (".png",),
    "jpeg": (".jpg", ".jpeg"),
    "tiff": (".tif", ".tiff"),
    "webp": (".webp",),
    "cbz": (".cbz",),
    **{suffix[1:]: (suffix,) for suffix in PRINTED_SUFFIXES},
}
_OFFICE_STARTS = (b"PK\x03\x04", b"{\\rtf", b"\xd0\xcf\x11\xe0")  # archives, RTF, and what is encrypted
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def kind_of_file(head: bytes) -> str | None:
    """What a file is by its first `HEAD` bytes: pdf, png, jpeg, tiff, webp; None for anything else."""
    if b"%PDF-" in head[:HEAD]:
        return "pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    return "webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def printed_endings() -> list[str]:
    """Endings of the files that this machine can print, such as `.docx`."""
    return sorted(PRINTED_SUFFIXES) if find_libreoffice() else []


def kind_of_printed(name: str, head: bytes) -> str | None:
    """What a file is that has to be printed, by its name as far as its first bytes agree: docx, eml, html, ...

    Args:
        name: As it was sent.
        head: Its first `HEAD` bytes.

    Returns:
        None for anything else, and where nothing can be printed.
    """
    ending = PurePath(name).suffix.lower()
    if ending not in printed_endings():
        return None
    agrees = head.startswith(_OFFICE_STARTS) if ending not in TEXTS else b"\0" not in head or head.startswith(_UTF_16)
    return ending[1:] if agrees else None


def kind_of_album(name: str, head: bytes) -> str | None:
    """Whether a file is an archive of pictures, by its name as far as its first bytes agree: cbz; None for others."""
    return "cbz" if PurePath(name).suffix.lower() == ".cbz" and head.startswith(b"PK\x03\x04") else None


def clean_name(name: str, kind: str) -> str:
    """The name under which an upload is kept: without folders and what is unfit, with an ending of its kind.

    Args:
        name: As the browser sent it.
        kind: From `kind_of_file`, `kind_of_album` or `kind_of_printed`.
    """
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    plain = _fit(last).strip(" ._") if last.strip(" ._") else ""
    stem, dot, ending = plain.rpartition(".")
    ending = f".{ending.lower()}" if dot else ""
    if ending not in _ENDINGS[kind]:
        stem, ending = plain, _ENDINGS[kind][0]
    stem = (stem.strip(" ._") or _NAMELESS)[: LONGEST_NAME - len(ending)]
    while len(stem.encode("utf-8", "replace")) > _LONGEST_BYTES:
        stem = stem[:-1]
    return f"{stem.strip(' .')}{ending}"


def _fit(name: str) -> str:
    """The name with a `_` for whatever no name should have."""
    marked = ("\0" if char in _UNFIT or unicodedata.category(char) in _UNSEEN else char for char in name)
    return re.sub("\0+", "_", "".join(marked))


def numbered(name: str) -> Iterator[str]:
    """The name, and others that tell files of one name apart: `report.pdf`, `report (2).pdf`, ..."""
    yield name
    path, number = Path(name), 1
    while True:
        number += 1
        yield f"{path.stem} ({number}){path.suffix}"
