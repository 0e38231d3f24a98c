"""Pages that come as pictures: written once, called by their content, so that they are files like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vrag.evaluation.benchmarks.benchmark import PageRef
from vrag.evaluation.benchmarks.rows import Row
from vrag.runtime.drafts import draft_file

PICTURES = "pages"
IMAGE = "image"
# The first bytes of the picture formats that vrag reads as files (WebP: RIFF....WEBP).
_MAGIC: Mapping[bytes, str] = {b"\x89PNG\r\n": ".png", b"\xff\xd8\xff": ".jpg", b"II*\x00": ".tif", b"MM\x00*": ".tif"}


class PictureFolder:
    """A folder of pages, each called by the SHA-256 of its bytes.

    Args:
        root: Made when the first picture is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, row: Row) -> PageRef:
        """Write the picture of a row and say where it is; the same picture has the same place.

        Raises:
            VragError: The row has no picture.
        """
        name = self.write(_bytes_of(row), row)
        return PageRef(name, 1)

    def write(self, data: bytes, row: Row) -> str:
        """Name of the file with these bytes, below the root."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.root / digest[:2] / f"{digest}{_suffix(data, row)}"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            with draft_file(path) as file:
                file.write(data)
        return path.relative_to(self.root).as_posix()


def _bytes_of(row: Row) -> bytes:
    """The picture as it is stored: in the table, or in a file that the table names."""
    stored: Any = row.fields.get(IMAGE)
    if isinstance(stored, bytes):
        return stored
    if isinstance(stored, dict):
        if stored.get("bytes"):
            return bytes(stored["bytes"])
        if stored.get("path") and Path(stored["path"]).is_file():
            return Path(stored["path"]).read_bytes()
    raise row.error(f"{IMAGE!r} holds no picture")


def _suffix(data: bytes, row: Row) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    for magic, suffix in _MAGIC.items():
        if data.startswith(magic):
            return suffix
    raise row.error(f"{IMAGE!r} is no PNG, JPEG, TIFF or WebP picture")
