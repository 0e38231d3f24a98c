"""A new shard takes the place of the old one: in steps that can be cut off anywhere and are then finished.

A draft is a folder inside the index with a shard of its own. It counts once it has an `index.json` too; from then on
`finish_swap` moves it into place, and whoever opens the index does so first. Before that, nobody looks at it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from vrag.settings import INDEX_FILE, SHARD

DRAFT = "repool"
_OLD = "old"


def finish_swap(folder: Path) -> None:
    """Put a finished draft in place of the index's shard and facts; does nothing when there is none.

    Args:
        folder: Of the index. Its shard must not be open.
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
    shutil.rmtree(draft)
