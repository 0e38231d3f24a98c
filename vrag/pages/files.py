"""Documents in files and folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from vrag.errors import UsageError
from vrag.printing.libreoffice import INSTALL, find_libreoffice
from vrag.printing.printables import PRINTED_SUFFIXES, is_printed
from vrag.runtime.units import counted

PDF_SUFFIXES = frozenset({".pdf"})
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"})
ALBUM_SUFFIXES = frozenset({".cbz"})
_SUFFIXES = PDF_SUFFIXES | IMAGE_SUFFIXES | ALBUM_SUFFIXES | PRINTED_SUFFIXES
_PRINTED = ", ".join(suffix[1:] for suffix in sorted(PRINTED_SUFFIXES))
_WANTED = "PDF, PNG, JPEG, TIFF, WebP or CBZ"
_OF_OFFICE = "~$"  # begins the names of files that tell who has a document open


def find_files(
    paths: Iterable[Path],
    recursive: bool = True,
    unreadable: Callable[[OSError], None] | None = None,
    may_be_empty: bool = False,
    left_out: Callable[[Path], object] | None = None,
) -> list[Path]:
    """The documents among files and in folders: absolute paths, sorted, each once.

    Hidden folders are passed over, and so are sub-folders that cannot be read; files that LibreOffice prints are
    documents where it is installed.

    Args:
        paths: Files and folders.
        recursive: Whether folders are searched to the bottom.
        unreadable: Told of every folder that cannot be listed.
        may_be_empty: Whether folders without any document are welcome.
        left_out: Told of every file in a folder that would be one if LibreOffice were installed.

    Raises:
        UsageError: A path does not exist, a file is of another kind, or a folder holds no document.
    """
    found: set[Path] = set()
    can_print = find_libreoffice() is not None
    for path in paths:
        absolute = Path(os.path.abspath(path))
        if absolute.is_dir():
            in_folder, unprinted = _parted(_walk(absolute, recursive, unreadable), can_print)
            if not in_folder and not may_be_empty:
                raise _none_in(absolute, recursive, unprinted)
            found.update(in_folder)
            if left_out:
                for file in unprinted:
                    left_out(file)
        else:
            found.add(_named_file(absolute, can_print))
    return sorted(found)


def is_image(path: Path) -> bool:
    """Whether the file is an image by its suffix."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_album(path: Path) -> bool:
    """Whether the file is an archive of pictures by its suffix."""
    return path.suffix.lower() in ALBUM_SUFFIXES


def display_name(path: Path) -> str:
    """The file's name fit for messages, whatever bytes it is made of."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def where(path: Path, number: int | None) -> str:
    """How messages name a file or one of its pages."""
    name = display_name(path)
    return name if number is None else f"{name}, page {number}"


def _named_file(path: Path, can_print: bool) -> Path:
    if not path.exists():
        raise UsageError(f"There is no file or folder {_shown(path)}.")
    if not _is_document(path):
        raise UsageError(f"{_shown(path)} is not a {_WANTED} file, nor one that LibreOffice prints: {_PRINTED}.")
    if is_printed(path) and not can_print:
        raise UsageError(f"{_shown(path)} is printed by LibreOffice, which is not installed.", INSTALL)
    return path


def _parted(documents: Iterable[Path], can_print: bool) -> tuple[list[Path], list[Path]]:
    """Documents that can be read, and those that cannot since they would have to be printed."""
    readable, unprinted = list[Path](), list[Path]()
    for path in documents:
        (readable if can_print or not is_printed(path) else unprinted).append(path)
    return readable, unprinted


def _none_in(folder: Path, recursive: bool, unprinted: Sequence[Path]) -> UsageError:
    """What is said of a folder that must have documents."""
    if unprinted:
        said = f"{_shown(folder)} has {counted(len(unprinted), 'file')} for LibreOffice to print, and no other."
        return UsageError(said, f"It is not installed. {INSTALL}")
    kinds = f"{_WANTED} file, nor one that LibreOffice prints"
    if not recursive and next(_walk(folder, True), None):
        return UsageError(f"No {kinds}, in {_shown(folder)} itself, only in its sub-folders.", "Drop --no-recursive.")
    return UsageError(f"No {kinds}, in {_shown(folder)}.", f"It prints {_PRINTED}.")


def _walk(folder: Path, recursive: bool, unreadable: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    """Documents in a folder; `os.walk` passes over what it cannot list and follows no link to a folder."""
    for root, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        yield from (path for name in names if _is_document(path := Path(root, name)))


def _is_document(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith(_OF_OFFICE) and path.is_file()


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
