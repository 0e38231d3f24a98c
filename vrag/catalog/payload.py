"""What the store keeps of a page besides its vectors, and back again.

Words are kept as text, because the engine indexes it for exact words and phrases. Boxes are compressed, in steps of
1/65535 of the page.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from vrag.catalog.kinds import PAGE, reading
from vrag.grid import WHOLE_PAGE, FloatArray, Grid, Tile
from vrag.pages.page import Page, TextSource, Words
from vrag.store.interface import Payload

MOST_ROWS = 1 << 20  # of a page's grid
_STEPS = 65535
_SOURCES: dict[str, TextSource] = {source: source for source in get_args(TextSource)}


def page_payload(page: Page, grid: Grid, doc_id: str, kind: str = PAGE) -> Payload:
    """Payload of a page's record."""
    payload: Payload = {
        "kind": kind,
        "doc_id": doc_id,
        "page": page.number,
        "width": round(page.width, 3),
        "height": round(page.height, 3),
        "source": page.text_source,
        "renderer": page.renderer,
        "text": " ".join(page.words.texts),
        "boxes": _pack_boxes(page.words.boxes),
        "lines": _pack(page.words.lines.astype(np.uint16).tobytes()),
    }
    if grid.tiles:
        payload["tiles"] = [[t.rows, t.cols, *t.box, t.is_global] for t in grid.tiles]
    elif not np.array_equal(grid.boxes, page.words.grid().boxes):
        payload["grid"] = _pack_boxes(grid.boxes)
    if page.crop != WHOLE_PAGE:
        payload["crop"] = list(page.crop)
    if page.blank:
        payload["blank"] = True
    if page.notes:
        payload["notes"] = list(page.notes)
    return payload


def page_place(payload: Payload) -> tuple[str, int]:
    """Document id and number of a page's record.

    Raises:
        StoreError: The record is damaged.
    """
    with reading("a page"):
        return str(payload["doc_id"]), int(payload["page"])


def page_words(payload: Payload) -> Words:
    """The words of a page's record.

    Raises:
        StoreError: The record is damaged.
    """
    with reading("a page"):
        texts = tuple(payload["text"].split(" ")) if payload["text"] else ()
        lines = np.frombuffer(_unpack(payload["lines"], 2 * MOST_ROWS), np.uint16).astype(np.int32)
        boxes = _unpack_boxes(payload["boxes"])
        if not len(texts) == len(lines) == len(boxes):
            raise ValueError("it has another number of boxes than of words")
        return Words(texts, boxes, lines)


def page_source(payload: Payload) -> TextSource:
    """Where the words of a page's record come from.

    Raises:
        StoreError: The record is damaged.
    """
    with reading("a page"):
        return _SOURCES[payload["source"]]


def page_grid(payload: Payload) -> Grid:
    """The grid of a page's `full` multivector.

    Raises:
        StoreError: The record is damaged.
    """
    if tiles := page_tiles(payload):
        return Grid.patches(tiles)
    with reading("a page"):
        return Grid.free(_unpack_boxes(payload["grid"] if "grid" in payload else payload["boxes"]))


def page_tiles(payload: Payload) -> list[Tile]:
    """The tiles of that grid; none when its rows are words.

    Raises:
        StoreError: The record is damaged.
    """
    if not payload.get("tiles"):  # said first: a search asks for hundreds of pages of words
        return []
    with reading("a page"):
        tiles = [_tile(row) for row in payload["tiles"]]
        rows = sum(tile.rows * tile.cols for tile in tiles)
        if rows > MOST_ROWS or any(tile.rows < 1 or tile.cols < 1 for tile in tiles):
            raise ValueError(f"tiles of {rows} patches")
        return tiles


def _tile(row: list[Any]) -> Tile:
    rows, cols, x0, y0, x1, y1, is_global = row
    return Tile(int(rows), int(cols), (x0, y0, x1, y1), bool(is_global))


def _pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode("ascii")


def _unpack(text: str, most: int) -> bytes:
    """What `_pack` packed, and no more than `most` bytes of it: a few may be packed that unfold to gigabytes."""
    packed = zlib.decompressobj()
    data = packed.decompress(base64.b64decode(text), most + 1)
    if len(data) > most or not packed.eof:
        raise ValueError(f"not {most} bytes or fewer are packed")
    return data


def _pack_boxes(boxes: FloatArray) -> str:
    steps: npt.NDArray[np.uint16] = np.rint(np.clip(boxes, 0, 1) * _STEPS).astype(np.uint16)
    return _pack(steps.tobytes())


def _unpack_boxes(text: str) -> FloatArray:
    steps = np.frombuffer(_unpack(text, 8 * MOST_ROWS), np.uint16).reshape(-1, 4)
    boxes: FloatArray = (steps / np.float32(_STEPS)).astype(np.float32)
    return boxes
