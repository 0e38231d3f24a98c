"""Office files and books are archives of XML: refused before they are read when they are locked, cut off, or a bomb."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from vrag.errors import EncryptedError, PageError

MOST_UNPACKED = 1 << 30  # bytes
MOST_PARTS = 20_000  # files of the archive
_MARKS = ("[Content_Types].xml", "mimetype")  # one of them is in every Office file
_MANIFEST, _LOCKED = "META-INF/manifest.xml", b"encryption-data"
_MOST_MANIFEST = 1 << 20
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Word, Excel and PowerPoint of old, and what is encrypted today
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_RTF = b"{\\rtf"
# What Python says of an archive that is damaged, cut off, locked, or packed in a way that it does not know.
NO_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
SOURCE_HINT = "Get it again from its source."
_SAVE_HINT = "Open it in the program it was made with, and save a copy without a password."


def check_office(path: Path) -> None:
    """Refuse a file that is not what its name says, or that cannot or should not be opened.

    Raises:
        EncryptedError: It needs a password.
        PageError: It is something else, cut off, or unpacks to too much.
    """
    with path.open("rb") as file:
        head = file.read(len(_OLD))
    if not head:
        raise PageError("the file is empty (0 bytes).", SOURCE_HINT)
    if head == _OLD:
        _check_old(path)
    if path.suffix == ".rtf":
        if not head.startswith(_RTF):
            raise PageError("it is no RTF file, whatever its name says.", SOURCE_HINT)
    else:
        _check_archive(path, head)


def _check_old(path: Path) -> None:
    if _ENCRYPTED_STREAM in path.read_bytes():
        raise EncryptedError("the file is encrypted and needs a password.", _SAVE_HINT)
    raise PageError("it is a file of an older Office, whatever its name says.", "Save it in today's format.")


def _check_archive(path: Path, head: bytes) -> None:
    if not head.startswith(b"PK"):
        kind = "EPUB" if path.suffix == ".epub" else "Office"
        raise PageError(f"it is no {kind} file, whatever its name says.", SOURCE_HINT)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(archive)
    except (*NO_ARCHIVE, ValueError) as error:
        raise PageError("the file is damaged or cut off.", SOURCE_HINT) from error


def _check_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MOST_UNPACKED or len(parts) > MOST_PARTS:
        raise PageError(
            f"it unpacks to {unpacked:,} bytes in {len(parts):,} parts, which is too much.", "Save it as a PDF."
        )
    names = {part.filename: part for part in parts}
    if not any(mark in names for mark in _MARKS):
        raise PageError("it is an archive, but no Office file, whatever its name says.", SOURCE_HINT)
    if _MANIFEST in names:
        with archive.open(_MANIFEST) as manifest:
            if _LOCKED in manifest.read(_MOST_MANIFEST):
                raise EncryptedError("the file is encrypted and needs a password.", _SAVE_HINT)
