"""Pictures of pages, encoded once and kept while there is room."""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vrag.catalog.documents import Document
from vrag.errors import PageError
from vrag.index import Index

if TYPE_CHECKING:
    from PIL.Image import Image

Format = Literal["webp", "jpeg", "png"]
MOST_BYTES = 64 << 20  # of encoded pictures that are kept
LEAST_WIDTH, MOST_WIDTH = 64, 3000  # pixels
THUMBNAIL_WIDTH = 240
FAILED_S = 60.0  # for which a page that could not be drawn is not tried again
_MOST_FAILED = 1000
_OPTIONS: dict[Format, dict[str, Any]] = {
    "webp": {"quality": 86, "method": 2},
    "jpeg": {"quality": 86},
    "png": {"compress_level": 4},
}
Key = tuple[str, int, int, Format]


class Pictures:
    """Draws pages of one index, for any thread, one at a time: there is one process that draws.

    Args:
        index: Whose pages.
        most: Bytes that are kept.
    """

    def __init__(self, index: Index, most: int = MOST_BYTES) -> None:
        self._index = index
        self._most = most
        self._drawing = threading.Lock()
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._bytes = 0
        self._turns: dict[Key, tuple[threading.Lock, int]] = {}
        self._failed: dict[tuple[str, int], tuple[float, PageError]] = {}  # changed by whoever draws

    def get(self, file: Path, document: Document, page: int, width: int, kind: Format) -> bytes:
        """A page as an encoded picture.

        Args:
            file: With the document's bytes.
            document: Whose page.
            page: From 1.
            width: Pixels.
            kind: How it is encoded.

        Raises:
            PageError: It cannot be drawn.
        """
        key = (document.doc_id, page, width, kind)
        found = self.known(document, page, width, kind)
        if found is not None:
            return found
        with self._turn(key):
            found = self._known(key)  # who waited for his turn finds it drawn
            if found is None:
                with self._drawing:
                    picture = self._draw(file, document, page, width)
                found = encoded(picture, kind)  # while the next one is drawn
                self._keep(key, found)
        return found

    def known(self, document: Document, page: int, width: int, kind: Format) -> bytes | None:
        """The same where it is kept; else None."""
        return self._known((document.doc_id, page, width, kind))

    @contextmanager
    def _turn(self, key: Key) -> Iterator[None]:
        """One after the other for each picture; different ones do not wait for each other."""
        with self._lock:
            turn, waiting = self._turns.get(key, (threading.Lock(), 0))
            self._turns[key] = turn, waiting + 1
        try:
            with turn:
                yield
        finally:
            with self._lock:
                turn, waiting = self._turns.pop(key)
                if waiting > 1:
                    self._turns[key] = turn, waiting - 1

    def _draw(self, file: Path, document: Document, page: int, width: int) -> Image:
        """The page drawn; one that could not be drawn is not tried again at once, since it may have taken minutes."""
        place = (document.doc_id, page)
        failed_at, failure = self._failed.get(place, (0.0, None))
        if failure is not None and time.monotonic() - failed_at < FAILED_S:
            raise PageError(failure.message, failure.hint)
        try:
            return self._index.draw(file, document, page, width)
        except PageError as error:
            if len(self._failed) >= _MOST_FAILED:
                self._failed.clear()
            self._failed[place] = time.monotonic(), error
            raise

    def _known(self, key: Key) -> bytes | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: Key, data: bytes) -> None:
        with self._lock:
            self._bytes += len(data) - len(self._kept.pop(key, b""))
            self._kept[key] = data
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1])


def encoded(picture: Image, kind: Format) -> bytes:
    """A picture as a file of that format."""
    buffer = io.BytesIO()
    picture.save(buffer, kind.upper(), **_OPTIONS[kind])
    return buffer.getvalue()
