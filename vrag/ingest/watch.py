"""Watching a folder: what has come, changed or gone is known once the folder has come to rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vrag.errors import PageError
from vrag.ingest.sources import stamp_of
from vrag.pages.files import find_files

Picture = dict[Path, str]


@dataclass(frozen=True, slots=True)
class Change:
    """What is different in a folder since it was indexed last.

    Args:
        files: All its documents now.
        changed: How many are new or changed.
        gone: How many are not there any more.
    """

    files: tuple[Path, ...]
    changed: int
    gone: int


def watch(folder: Path, wait: Callable[[], object]) -> Iterator[Change]:
    """Changes of a folder, one at a time, for ever; the first is everything that is there.

    The folder is looked at after every `wait`. A change is told when two looks in a row agree, so that
    files still being written are left alone. A folder that is not there, such as a disk that was
    unplugged, is waited for: its documents are not gone.

    Args:
        folder: What to watch.
        wait: Returns when it is time to look again; an exception of it ends the watching.
    """
    indexed: Picture = {}
    before: Picture | None = None
    told = False
    while True:
        now = _look(folder)
        if now is not None and now == before and (now != indexed or not told):
            changed = sum(indexed.get(path) != stamp for path, stamp in now.items())
            yield Change(tuple(now), changed, len(indexed.keys() - now.keys()))
            indexed, told = now, True
        before = now
        wait()


def _look(folder: Path) -> Picture | None:
    """Documents of the folder with their stamps; None when the folder is not there."""
    if not folder.is_dir():
        return None
    picture: Picture = {}
    for path in find_files([folder], may_be_empty=True):
        try:
            picture[path] = stamp_of(path)
        except PageError:  # gone between two looks
            continue
    return picture
