"""What the engine leaves behind when it is killed, and never looks at again: segments half merged, and small drafts."""

from __future__ import annotations

import shutil
from pathlib import Path

_DRAFT = ".atomicwrite"  # how names of drafts begin: of its settings, and of where its log begins


def clear_rubbish(folder: Path) -> None:
    """Remove it: what was deleted since may stand in it.

    Args:
        folder: Of the shard, which this process has just opened: nobody else writes there, and nothing is merged.
    """
    drafts = [draft for place in (folder, folder / "wal") for draft in place.glob(f"{_DRAFT}*")]
    for left in (*drafts, *(folder / "temp_segments").glob("*")):
        shutil.rmtree(left, ignore_errors=True)


def is_rubbish(name: str) -> bool:
    """Whether only a draft of the engine has such a name."""
    return name.startswith(_DRAFT)
