"""Prints that are kept: a file is printed once, whoever wants its pages, and again only when its copy had to go."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from vrag.errors import PageError
from vrag.printing.printer import print_file
from vrag.runtime.drafts import scratch_folder
from vrag.runtime.file_facts import file_digest

FOLDER_ENV = "VRAG_PRINTED"
MOST_SOURCE = 512 << 20  # bytes of a file that is printed
MOST_KEPT = 2 << 30  # bytes of all prints that are kept
_IN_USE_S = 900.0  # for which a print is not removed: somebody may be about to open it
_FORM = "1"  # of prints: another one when the same file would be printed otherwise


def printed(path: Path) -> Path:
    """The PDF that a file was printed to, now or before.

    Raises:
        PageError: It cannot be printed.
        OSError: It cannot be read, or the copy not be written.
    """
    folder = prints_folder()
    known = _place(folder, path, path.suffix.lower())
    if _is_there(known):
        return known
    if (size := path.stat().st_size) > MOST_SOURCE:
        raise PageError(f"it has {size:,} bytes, and {MOST_SOURCE:,} are the most to be printed.", "Save it as a PDF.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with scratch_folder(folder / "printing") as work:
        copy = work / f"document{path.suffix.lower()}"
        shutil.copyfile(path, copy)
        made = _place(folder, copy, copy.suffix)  # of what is printed: the file itself may change meanwhile
        os.replace(print_file(copy, work), made)
    make_room(folder)
    return made


def prints_folder() -> Path:
    """Where prints are kept: `VRAG_PRINTED`, else in the user's cache."""
    chosen = os.environ.get(FOLDER_ENV)
    if chosen:
        return Path(chosen).absolute()
    import platformdirs

    return platformdirs.user_cache_path("vrag") / "printed"


def make_room(folder: Path, most: int = MOST_KEPT) -> None:
    """Remove the prints that were wanted longest ago until the others have at most so many bytes."""
    prints = []
    for file in folder.glob("*.pdf"):
        with contextlib.suppress(OSError):
            facts = file.stat()
            prints.append((facts.st_mtime, facts.st_size, file))
    total = sum(size for _, size, _ in prints)
    for wanted, size, file in sorted(prints):
        if total <= most or wanted > time.time() - _IN_USE_S:
            return
        with contextlib.suppress(OSError):
            file.unlink()
            total -= size


def _place(folder: Path, file: Path, suffix: str) -> Path:
    return folder / f"{file_digest(file)}{suffix}.{_FORM}.pdf"


def _is_there(file: Path) -> bool:
    """Whether a print is kept; it is from now on one that was wanted."""
    try:
        os.utime(file)
    except OSError:
        return False
    return True
