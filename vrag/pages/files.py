"""Documents in files and folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from vrag.errors import UsageError

PDF_SUFFIXES = frozenset({".pdf"})
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"})
_SUFFIXES = PDF_SUFFIXES | IMAGE_SUFFIXES
_WANTED = "PDF, PNG, JPEG, TIFF or WebP"
_BLOCK = 1 << 20


def find_files(
    paths: Iterable[Path],
    recursive: bool = True,
    unreadable: Callable[[OSError], None] | None = None,
    may_be_empty: bool = False,
) -> list[Path]:
    """The documents among files and in folders: absolute paths, sorted, each once.

    Hidden folders are passed over, and so are sub-folders that cannot be read.

    Args:
        paths: Files and folders.
        recursive: Whether folders are searched to the bottom.
        unreadable: Told of every folder that cannot be listed.
        may_be_empty: Whether folders without any document are welcome.

    Raises:
        UsageError: A path does not exist, a file is of another kind, or a folder holds no document.
    """
    found: set[Path] = set()
    for path in paths:
        absolute = Path(os.path.abspath(path))
        if absolute.is_dir():
            in_folder = _walk(absolute, recursive, unreadable)
            found.update(in_folder if may_be_empty else _some(in_folder, absolute, recursive))
        else:
            found.add(_named_file(absolute))
    return sorted(found)


def is_image(path: Path) -> bool:
    """Whether the file is an image by its suffix."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def file_digest(path: Path) -> str:
    """SHA-256 of the file's bytes, 64 hexadecimal digits.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def file_stamp(path: Path) -> str:
    """Size, time of change and inode of a file: equal stamps, equal content.

    Raises:
        OSError: It is gone, or may not be looked at.
    """
    facts = path.stat()
    return f"{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ino}"


def display_name(path: Path) -> str:
    """The file's name fit for messages, whatever bytes it is made of."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def where(path: Path, number: int | None) -> str:
    """How messages name a file or one of its pages."""
    name = display_name(path)
    return name if number is None else f"{name}, page {number}"


def _named_file(path: Path) -> Path:
    if not path.exists():
        raise UsageError(f"There is no file or folder {_shown(path)}.")
    if not _is_document(path):
        raise UsageError(f"{_shown(path)} is not a {_WANTED} file.")
    return path


def _some(documents: Iterable[Path], folder: Path, recursive: bool) -> list[Path]:
    """Documents of a folder that must have some."""
    found = list(documents)
    if found:
        return found
    if not recursive and next(_walk(folder, True), None):
        where = f"{_shown(folder)} itself, only in its sub-folders."
        raise UsageError(f"No {_WANTED} file in {where}", "Drop --no-recursive.")
    raise UsageError(f"No {_WANTED} file in {_shown(folder)}.")


def _walk(folder: Path, recursive: bool, unreadable: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    """Documents in a folder; `os.walk` passes over what it cannot list and follows no link to a folder."""
    for root, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        yield from (path for name in names if _is_document(path := Path(root, name)))


def _is_document(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and path.is_file()


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
