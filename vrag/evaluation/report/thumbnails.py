"""Small pictures of pages, as data for a page that needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from vrag.errors import PageError
from vrag.evaluation.benchmark import PageRef
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec

SIDE = 260  # pixels of the longer side: twice what is shown, for sharp screens
_QUALITY = 60


def thumbnails(folder: Path, pages: Iterable[PageRef]) -> Mapping[PageRef, str]:
    """JPEG pictures of pages of documents in `folder`, as `data:` addresses; what cannot be rendered is left out."""
    made = {}
    with PageLoader(PageSpec(words=False, max_side=SIDE)) as loader:
        for page in sorted(set(pages)):  # one document after the other: only the last one stays open
            try:
                picture = loader.render(folder / page.doc, page.page)
            except PageError:
                continue
            file = io.BytesIO()
            picture.save(file, "JPEG", quality=_QUALITY, optimize=True)
            made[page] = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    return made
