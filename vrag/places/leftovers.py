"""What a try at making an index leaves in its folder when it is cut off; anything else there is somebody's own."""

from __future__ import annotations

import re
from pathlib import Path

from vrag.places.known_names import NAMES_FILE
from vrag.runtime.drafts import is_draft
from vrag.runtime.lock import LOCK_FILE
from vrag.settings import CACHE, INDEX_FILE, SHARD
from vrag.store.edge.edge_rubbish import is_rubbish

_BITS = "bits"  # in the cache
_OLD_DRAFT = re.compile(rf"{re.escape(INDEX_FILE)}\.\d+")
_INSIDE = {  # what of a folder's content is ours
    SHARD: {"edge_config.json", "segments", "wal", "manifest.json", "manifest.json.draft"},
    CACHE: {_BITS, NAMES_FILE},
}


def bits_folder(folder: Path) -> Path:
    """Where an index in a folder keeps its bits."""
    return folder / CACHE / _BITS


def forget_bits(folder: Path) -> None:
    """Have the bits of an index in a folder made again by whoever needs them next.

    Raises:
        StoreError: They cannot be taken away.
    """
    from vrag.bits.cache.array_files import CacheFiles, not_emptied

    try:
        CacheFiles(bits_folder(folder)).forget()
    except OSError as error:
        raise not_emptied(error) from error


def find_stranger(folder: Path) -> str | None:
    """The first name in a folder that no index has put there; None when the folder is free, or there is none.

    Args:
        folder: Holds no index.
    """
    if not folder.is_dir():
        return None
    return next((entry.name for entry in sorted(folder.iterdir()) if not _is_ours(entry)), None)


def _is_ours(entry: Path) -> bool:
    if entry.is_dir():
        inside = {inner.name for inner in entry.iterdir() if not (is_draft(inner.name) or is_rubbish(inner.name))}
        return entry.name in _INSIDE and inside <= _INSIDE[entry.name]
    return entry.name == LOCK_FILE or is_draft(entry.name) or _OLD_DRAFT.fullmatch(entry.name) is not None
