"""Pictures of pages, and of places on them, as data for a page that needs no other file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from PIL import ImageDraw
from PIL.Image import Image

from vrag.errors import PageError
from vrag.evaluation.benchmarks.benchmark import PageRef
from vrag.grid import Box
from vrag.pages.drawing import PageDrawer
from vrag.pages.page import PageSpec
from vrag.runtime.data_url import data_url

SIDE = 800  # pixels of the longer side: words can be read when a page is shown large
_QUALITY = 50
_AROUND = 0.05  # of a page's height that is shown above and below a place
_FRAME = "#e07a1f"
Place = tuple[PageRef, tuple[Box, ...]]


def thumbnails(drawer: PageDrawer, folder: Path, pages: Iterable[PageRef]) -> Mapping[PageRef, str]:
    """JPEG pictures of pages of documents in `folder`, as `data:` addresses; what cannot be rendered is left out."""
    made = {}
    spec = PageSpec(words=False, max_side=SIDE)
    for page in sorted(set(pages)):  # one document after the other: only the last one stays open
        with suppress(PageError):
            made[page] = as_data(drawer.draw(folder / page.doc, page.page, spec))
    return made


def crops(drawer: PageDrawer, folder: Path, places: Iterable[Place], spec: PageSpec) -> Mapping[Place, str]:
    """The same of places on pages, over the page's whole width, their boxes framed.

    Args:
        drawer: Of the pages.
        folder: Of the documents.
        places: Page and boxes (shares of the page as the spec shows it).
        spec: How the pages were drawn when their words were read.
    """
    made = {}
    for page, boxes in sorted(set(places)):
        with suppress(PageError):
            picture = drawer.draw(folder / page.doc, page.page, replace(spec, image=True, words=False))
            made[page, boxes] = as_data(_cropped(picture, boxes))
    return made


def _cropped(picture: Image, boxes: tuple[Box, ...]) -> Image:
    pen = ImageDraw.Draw(picture)
    for x0, y0, x1, y1 in boxes:
        frame = (x0 * picture.width - 3, y0 * picture.height - 3, x1 * picture.width + 3, y1 * picture.height + 3)
        pen.rectangle(frame, outline=_FRAME, width=3)
    top = max(0.0, min(box[1] for box in boxes) - _AROUND) * picture.height
    bottom = min(1.0, max(box[3] for box in boxes) + _AROUND) * picture.height
    crop = picture.crop((0, int(top), picture.width, max(int(bottom), int(top) + 1)))
    crop.thumbnail((SIDE, SIDE))
    return crop


def as_data(picture: Image) -> str:
    """A picture as a `data:` address."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return data_url(file.getvalue())
