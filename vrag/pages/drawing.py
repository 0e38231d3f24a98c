"""Pages drawn or read one at a time, when somebody wants them: by a process of its own, as bounded as an ingest's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vrag.errors import PageError, UsageError
from vrag.pages.files import where
from vrag.pages.page import Page, PageSpec
from vrag.pages.reader import POINTS_PER_INCH

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.pages.workers import PageWorkers

MOST_SIDE = 4_400  # pixels of a page that is drawn to be looked at
_USUAL_WIDTH = 595.0  # points of a page that says nothing of its own


class PageDrawer:
    """Draws and reads pages in a process that starts with the first one and stays until it is closed; for any thread.

    Args:
        memory_bytes: Address space that the process may take, where the system can limit it; None as for an ingest.
        timeout_s: Seconds a page may take before the process is replaced; None as for an ingest.
    """

    def __init__(self, memory_bytes: int | None = None, timeout_s: float | None = None) -> None:
        self._memory_bytes = memory_bytes
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._workers: PageWorkers | None = None

    def draw(self, path: Path, number: int, spec: PageSpec) -> Image:
        """RGB picture of page `number` (1-based), the same that an ingest's workers give.

        Raises:
            PageError: It cannot be drawn within the limits, or the drawer was closed meanwhile.
        """
        with _told(path, number, "drawn"):
            return self._started(spec).draw(path, number, spec).result()

    def read(self, path: Path, number: int, spec: PageSpec) -> Page:
        """Page `number` (1-based) with what the spec asks for, the same that an ingest's workers give.

        Raises:
            PageError: It cannot be read within the limits, or the drawer was closed meanwhile.
        """
        with _told(path, number, "read"):
            return self._started(spec).read(path, number, spec).result()

    def _started(self, spec: PageSpec) -> PageWorkers:
        from vrag.pages.workers import MEMORY_BYTES, TIMEOUT_S, PageWorkers  # loads what reads PDFs, unlike a search

        with self._lock:
            if self._workers is None:
                self._workers = PageWorkers(spec, 1, self._timeout_s or TIMEOUT_S, self._memory_bytes or MEMORY_BYTES)
            return self._workers

    def close(self) -> None:
        """End the process, whatever it is doing; the next picture would start another one."""
        with self._lock:
            workers, self._workers = self._workers, None
        if workers is not None:
            workers.stop()


@contextmanager
def _told(path: Path, number: int, done: str) -> Iterator[None]:
    """Say that the index was closed before a page was drawn or read."""
    try:
        yield
    except CancelledError as error:
        raise PageError(f"{where(path, number)}: the index was closed before it was {done}.") from error


def check_width(width: int | None) -> None:
    """Refuse a width in pixels that no page is drawn with; None is the width that the embedder saw.

    Raises:
        UsageError: It is out of range.
    """
    if width is not None and not (isinstance(width, int) and 1 <= width <= MOST_SIDE):
        raise UsageError(f"A page is drawn 1 to {MOST_SIDE:,} pixels wide, not {width!r}.")


def as_read(spec: PageSpec, renderer: str | None) -> PageSpec:
    """The spec that draws with the renderer that read the page; a picture was read by neither."""
    first: dict[str | None, Literal["pdfium", "poppler"]] = {"pdfium": "pdfium", "poppler": "poppler"}
    return replace(spec, renderer=first.get(renderer, spec.renderer))


def to_look_at(spec: PageSpec, points: float | None, width: int) -> PageSpec:
    """The spec that draws a page with its margins.

    Args:
        spec: For everything else.
        points: Width of the page in points; None where nobody knows.
        width: Of the picture in pixels; less where the page is so long that the other side would have too many.
    """
    return replace(spec, crop=None, dpi=width * POINTS_PER_INCH / (points or _USUAL_WIDTH), max_side=MOST_SIDE)
