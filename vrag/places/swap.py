"""A new shard takes the place of the old one: in steps that can be cut off anywhere and are then finished.

A draft is a folder inside the index with a shard of its own. It counts once it has an `index.json` too; from then on
`finish_swap` moves it into place. Whoever opens the index finishes first what a crash has interrupted
(`finish_interrupted_swap`). Before that, nobody looks at a draft.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from vrag.runtime.lock import IndexLock
from vrag.settings import INDEX_FILE, SHARD

DRAFT = "repool"
_OLD = "old"


def finish_interrupted_swap(folder: Path, wait: float = 0.0) -> None:
    """Finish what a crash has interrupted, with the index locked: two at once would move each other's files.

    Args:
        folder: Of the index, not locked by this process.
        wait: Seconds to wait for whoever has it open.

    Raises:
        BusyError: Another process is at it.
    """
    draft = folder / DRAFT
    if not ((draft / INDEX_FILE).is_file() or (draft / _OLD).is_dir()):
        return
    lock = IndexLock(folder, wait).acquire()
    try:
        finish_swap(folder)
    finally:
        lock.release()


def finish_swap(folder: Path) -> None:
    """Put a finished draft in place of the index's shard and facts; does nothing when there is none.

    Args:
        folder: Of the index, locked. Its shard must not be open.
    """
    draft, shard = folder / DRAFT, folder / SHARD
    if not (draft / INDEX_FILE).is_file():
        if (draft / _OLD).is_dir():  # all done but the cleaning up
            shutil.rmtree(draft)
        return
    if (draft / SHARD).is_dir():
        if shard.is_dir():
            shard.rename(draft / _OLD)
        (draft / SHARD).rename(shard)
    (draft / INDEX_FILE).replace(folder / INDEX_FILE)
    shutil.rmtree(draft, ignore_errors=True)  # what is left of it goes when the index is opened next
