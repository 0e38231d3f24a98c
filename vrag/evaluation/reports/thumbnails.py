"""Pictures of pages, as data for a page that needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path

from PIL.Image import Image

from vrag.errors import PageError
from vrag.evaluation.benchmarks.benchmark import PageRef
from vrag.pages.drawing import PageDrawer
from vrag.pages.page import PageSpec

SIDE = 800  # pixels of the longer side: words can be read when a page is shown large
_QUALITY = 50


def thumbnails(folder: Path, pages: Iterable[PageRef]) -> Mapping[PageRef, str]:
    """JPEG pictures of pages of documents in `folder`, as `data:` addresses; what cannot be rendered is left out."""
    made = {}
    spec = PageSpec(words=False, max_side=SIDE)
    with closing(PageDrawer()) as drawer:
        for page in sorted(set(pages)):  # one document after the other: only the last one stays open
            with suppress(PageError):
                made[page] = _as_data(drawer.draw(folder / page.doc, page.page, spec))
    return made


def _as_data(picture: Image) -> str:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
