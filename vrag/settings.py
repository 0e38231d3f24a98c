"""Where things are: the index found upward from the working directory, pipelines shipped with the package, caches."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from vrag.errors import UsageError

INDEX_NAME = ".vrag"
INDEX_ENV = "VRAG_INDEX"
TOKEN_ENV = "VRAG_TOKEN"  # of a service
PASSWORD_ENV, PASSWORDS_ENV = "VRAG_PASSWORD", "VRAG_PASSWORDS"
INDEX_FILE = "index.json"
INDEX_FILES = (INDEX_FILE,)  # what belongs to an index beside its shard; the rest of its folder can be made again
_BLOCK = 512  # bytes of a block of `st_blocks`, whatever the file system's own block is
CACHE = "cache"  # folder of what can be made again from the shard
SHARD = "shard"  # folder of the embedded engine, beside that file


def find_index(explicit: Path | None = None) -> Path:
    """The index folder: `explicit`, else `VRAG_INDEX`, else the nearest `.vrag` upward.

    Raises:
        UsageError: There is no index at the place named, or none upward.
    """
    chosen = explicit or _from_environment()
    if chosen is not None:
        if not is_index(chosen):
            raise UsageError(f"No index at {chosen}.", f"Make one with: vrag ingest FOLDER --index {chosen}")
        return chosen
    for folder in (Path.cwd(), *Path.cwd().parents):
        if is_index(folder / INDEX_NAME):
            return folder / INDEX_NAME
    raise UsageError(
        f"No index {INDEX_NAME}/ in {Path.cwd()} or above.",
        "Make one with: vrag ingest FOLDER, or name one: --index DIR",
    )


def index_for_writing(explicit: Path | None = None) -> Path:
    """The folder an ingest writes to: as `find_index`, else a new `.vrag` in the working directory."""
    chosen = explicit or _from_environment()
    if chosen is not None:
        return chosen
    try:
        return find_index()
    except UsageError:
        return Path.cwd() / INDEX_NAME


def is_index(folder: Path) -> bool:
    """Whether `folder` holds an index."""
    return (folder / INDEX_FILE).is_file()


def passwords(given: Sequence[str] = ()) -> tuple[str, ...]:
    """Passwords for encrypted PDFs: those given, `VRAG_PASSWORD`, and `VRAG_PASSWORDS` (one a line)."""
    one, several = os.environ.get(PASSWORD_ENV, ""), os.environ.get(PASSWORDS_ENV, "").splitlines()
    return tuple(dict.fromkeys(password for password in (*given, one, *several) if password))


def folder_bytes(folder: Path) -> int:
    """Bytes that all files in a folder and below take on the disk; files that vanish meanwhile count nothing.

    Counted are blocks, where the system tells them: the engine makes sparse files of 32 MB and fills them later.
    """
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(os.path.join(root, name))
                total += found.st_blocks * _BLOCK if hasattr(found, "st_blocks") else found.st_size
    return total


def data_dir(name: str) -> Path:
    """Folder of data files shipped with vrag (`pipelines`): inside the wheel, or beside `vrag/` in a checkout."""
    package = Path(__file__).parent
    packaged = package / "data" / name
    return packaged if packaged.is_dir() else package.parent / name


def _from_environment() -> Path | None:
    value = os.environ.get(INDEX_ENV)
    return Path(value) if value else None
