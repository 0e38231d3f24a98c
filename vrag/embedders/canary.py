"""What a model makes of one fixed page and query: tells models apart that call themselves the same.

Devices and number formats differ in the last digits, so that the numbers are compared with a tolerance
(`Fingerprint.differences`). On a CPU a page of a large model takes many seconds, therefore what was found is kept
in the user's cache, under everything it depends on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import platformdirs

from vrag.embedders.protocol import PageVectors
from vrag.grid import FloatArray
from vrag.pages.page import Page
from vrag.runtime.drafts import draft_file

QUERY = "survey results of the western region"
_NUMBERS = 12  # of the page's mean, and of the query's


class Seeing(Protocol):
    """A model that a canary can be shown to."""

    def embed_pages(self, pages: Sequence[Page]) -> list[PageVectors]:
        """Vectors of pages with pictures."""
        ...

    def token_rows(self, text: str) -> FloatArray:
        """The rows of all of a text's tokens, float32 [m, d]."""
        ...


def canary_numbers(model: Seeing, folders: Iterable[Path], facts: Mapping[str, Any]) -> str:
    """The first numbers of the mean vectors of the canary's page and query, as text with two decimals.

    Args:
        model: Asked when nothing is kept.
        folders: With the model's files: other sizes or times of theirs are another model.
        facts: What else the numbers depend on: class, device, number format, processor, versions.
    """
    file = platformdirs.user_cache_path("vrag") / "canary" / _cache_key(folders, facts)
    with suppress(OSError):
        return file.read_text(encoding="ascii")
    text = _numbers(model)
    with suppress(OSError):  # without a writable cache it is computed at each start
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft_file(file) as draft:
            draft.write(text.encode("ascii"))
    return text


def digest(facts: Any) -> str:
    """Hash of settings: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def canary_page() -> Page:
    """A picture of slopes and bars, 160 x 120 pixels: the same bytes on every machine."""
    from PIL import Image

    y, x = np.mgrid[0:120, 0:160]
    bars = np.where((x // 20 + y // 15) % 2 == 0, 200, 40)
    pixels = np.stack([bars, x, 2 * y], axis=2).astype(np.uint8)
    return Page(1, 160.0, 120.0, image=Image.fromarray(pixels))


def _numbers(model: Seeing) -> str:
    page, query = model.embed_pages([canary_page()])[0].full, model.token_rows(QUERY)
    means = np.concatenate([rows.mean(axis=0)[:_NUMBERS] for rows in (page, query)])
    return " ".join(f"{number:.2f}" for number in means)


def _cache_key(folders: Iterable[Path], facts: Mapping[str, Any]) -> str:
    files = sorted(_identity(file) for folder in set(folders) for file in folder.iterdir() if file.is_file())
    return hashlib.sha256(json.dumps({**facts, "files": files}, sort_keys=True).encode()).hexdigest()[:32]


def _identity(file: Path) -> str:
    stat = file.stat()
    return f"{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
