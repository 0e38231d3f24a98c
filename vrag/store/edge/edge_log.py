"""The engine's log: what was deleted stays in it until its files are full, so they are filled and thrown away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import qdrant_edge as qe

from vrag.errors import StoreError
from vrag.runtime.drafts import draft_file
from vrag.store.edge.edge_requests import EDGE, NOBODY_ID
from vrag.store.interface import Selection
from vrag.store.translating import filter_of

_CONFIG, _LOG = "edge_config.json", "wal"
_PARTS = ("open-", "closed-")  # files of the log
_FILE_BYTES = 32 << 20  # of a file of the log, as the engine makes them
_SMALL = {"segment_capacity": 64 << 10, "segment_queue_len": 0, "retain_closed": 1}
_MOST = 8  # files that are filled at most: the engine keeps the last closed one, one open and one waiting
RENEWING_BYTES = 3 * _FILE_BYTES  # on the disk at once


def shape_log(folder: Path, small: bool) -> None:
    """Let the engine begin small files of its log from now on, or files of its usual size.

    Args:
        folder: Of the shard, which must not be open.
        small: Whether a change fills a file.
    """
    file = folder / _CONFIG
    config = json.loads(file.read_text(encoding="utf-8"))
    config.pop("wal_options", None)
    with draft_file(file) as written:
        written.write(json.dumps({**config, "wal_options": _SMALL} if small else config).encode())


def renew_log(shard: qe.EdgeShard, folder: Path) -> None:
    """Fill the log with what changes nothing, until no file is left that holds what was deleted.

    Args:
        shard: Open, with a log of small files, and everything in it merged.
        folder: Of the shard.

    Raises:
        StoreError: The engine keeps them.
    """
    if not _replaced(shard, folder, _FILE_BYTES + (1 << 20)):
        raise StoreError("The log of the index keeps what was deleted.", "Close the index and run vrag compact again.")
    _replaced(shard, folder, _SMALL["segment_capacity"])  # the files that were filled, too


def _replaced(shard: qe.EdgeShard, folder: Path, size: int) -> bool:
    """Whether changes of this size have made the engine drop every file of its log that is there now."""
    old = [file for file in (folder / _LOG).iterdir() if file.name.startswith(_PARTS)]
    nobody: Any = cast("qe.Filter", filter_of(Selection(ids=frozenset([NOBODY_ID])), EDGE))
    for _ in range(_MOST):
        shard.update(qe.UpdateOperation.set_payload_by_filter(nobody, {"filler": "0" * size}))
        shard.flush()
        if not any(file.exists() for file in old):
            return True
    return False
