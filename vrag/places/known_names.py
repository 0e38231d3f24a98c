"""What the documents of an index in a folder are called, in a file beside the shard, so that a shell can complete them.

It is read while others have the index open, and never waited for; whoever changes the documents writes it anew.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from vrag.settings import CACHE

if TYPE_CHECKING:
    from vrag.catalog.documents import Document

NAMES_FILE = "names.json"
MOST = 20_000  # documents, beyond which naming all of them after every change takes too long


def write_names(folder: Path, documents: Sequence[Document]) -> None:
    """Write what documents are called; where that cannot be written, nobody misses more than completion.

    Args:
        folder: Of the index.
        documents: All of it.
    """
    from vrag.runtime.drafts import draft_file

    file = folder / CACHE / NAMES_FILE
    known = json.dumps(_names(documents) if len(documents) <= MOST else []).encode()
    with contextlib.suppress(OSError):
        if not file.is_file() or file.read_bytes() != known:
            file.parent.mkdir(exist_ok=True)
            with draft_file(file) as draft:
                draft.write(known)


def read_names(folder: Path) -> list[str]:
    """What the documents of the index in a folder were called last; none where nobody has written it."""
    try:
        found = json.loads((folder / CACHE / NAMES_FILE).read_bytes())
    except (OSError, ValueError):
        return []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _names(documents: Sequence[Document]) -> list[str]:
    """As `Documents.labels` has them."""
    from vrag.catalog.documents import CURRENT, name_among

    owned = [(path, document.doc_id) for document in documents for path in document.paths]
    rivals: dict[str, list[tuple[str, str]]] = {}
    for path, owner in owned:
        rivals.setdefault(PurePath(path).name, []).append((path, owner))
    return sorted(
        name_among(path, document.doc_id, rivals[PurePath(path).name])
        for document in documents
        if document.state == CURRENT
        for path in document.paths[:1]
    )
