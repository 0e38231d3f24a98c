"""Where each visual token lies on the page, from what the processor did with it.

Every family stretches the page to its own size without borders, so that equal shares of the processor's picture
are equal shares of the page. Whatever does not add up is refused: a wrong map is worse than none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.errors import ModelError
from vrag.grid import WHOLE_PAGE, Grid, Tile

_PLACE = re.compile(r"<row_(\d+)_col_(\d+)>|<global-img>")
Place = tuple[int, int] | None
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def square_grid(pixels: tuple[int, int], patch: int, tokens: int) -> Grid:
    """One tile: the picture's patches, averaged in squares when there are fewer tokens than patches.

    Args:
        pixels: Height and width of the processor's picture.
        patch: Side of a patch of the vision tower, in pixels.
        tokens: Visual tokens of the page.

    Raises:
        ModelError: The tokens do not fill the picture.
    """
    rows, cols = pixels[0] // patch, pixels[1] // patch
    merge = math.isqrt(rows * cols // tokens) if tokens else 0
    if not merge or rows % merge or cols % merge:
        raise _mismatch(tokens, f"{rows} x {cols} patches")
    return _one_tile(rows // merge, cols // merge, tokens)


def dynamic_grid(frames: int, rows: int, cols: int, merge: int, tokens: int) -> Grid:
    """One tile of rows x cols patches (`image_grid_thw`), merged in squares of `merge` x `merge`.

    Raises:
        ModelError: The tokens do not fill the grid, or there is more than one frame.
    """
    if frames != 1 or rows % merge or cols % merge:
        raise _mismatch(tokens, f"{frames} x {rows} x {cols} patches merged by {merge}")
    return _one_tile(rows // merge, cols // merge, tokens)


def tiled_grid(places: Sequence[Place], tile_tokens: Sequence[int]) -> Grid:
    """Tiles in rows and columns, and the whole page in a global tile.

    Args:
        places: Row and column (from 1) of each tile in the order of its tokens; None for the global tile.
        tile_tokens: Visual tokens of each of them: square numbers.

    Raises:
        ModelError: A place is missing or twice there, or a tile is not square.
    """
    local = [place for place in places if place is not None]
    rows, cols = max((row for row, _ in local), default=0), max((col for _, col in local), default=0)
    expected = {(row, col) for row in range(1, rows + 1) for col in range(1, cols + 1)}
    if len(local) != len(expected) or set(local) != expected or len(places) - len(local) > 1 or not places:
        raise _mismatch(sum(tile_tokens), f"tiles {list(places)}")
    return Grid.patches([_tile(place, rows, cols, n) for place, n in zip(places, tile_tokens, strict=True)])


def marked_grid(ids: IntArray, mask: BoolArray, decode: Callable[[Any], str]) -> Grid:
    """The tiles that the prompt names before each run of visual tokens.

    Args:
        ids: int64 [length], the tokens of a page.
        mask: bool [length], which of them are visual.
        decode: Tokens as text, special tokens included.

    Raises:
        ModelError: A run has no mark, or the tiles do not fill a page.
    """
    starts = np.flatnonzero(mask & ~np.roll(mask, 1))
    stops = np.flatnonzero(mask & ~np.roll(mask, -1)) + 1
    edges = [0, *stops[:-1].tolist()]
    markers = [decode(ids[a:b]) for a, b in zip(edges, starts.tolist(), strict=True)]
    return tiled_grid(tile_places(markers), [int(b - a) for a, b in zip(starts, stops, strict=True)])


def tile_places(markers: Sequence[str]) -> list[Place]:
    """The place that the prompt's text before each run of visual tokens names.

    Args:
        markers: The text before each run; the last mark in it counts.

    Raises:
        ModelError: A run has no mark.
    """
    places: list[Place] = []
    for text in markers:
        marks = list(_PLACE.finditer(text))
        if not marks:
            raise ModelError(f"A tile of the page has no place: the text before it is {text[-60:]!r}.")
        row, col = marks[-1].groups()
        places.append((int(row), int(col)) if row else None)
    return places


def whole_page() -> Grid:
    """The grid of a model that has one vector a page."""
    return Grid.patches([Tile(1, 1, WHOLE_PAGE, is_global=False)])


def _one_tile(rows: int, cols: int, tokens: int) -> Grid:
    if rows * cols != tokens:
        raise _mismatch(tokens, f"{rows} x {cols} cells")
    return Grid.patches([Tile(rows, cols)])


def _tile(place: Place, rows: int, cols: int, tokens: int) -> Tile:
    side = math.isqrt(tokens)
    if side * side != tokens or not side:
        raise _mismatch(tokens, "a square tile")
    if place is None:
        return Tile(side, side, WHOLE_PAGE, is_global=True)
    row, col = place
    return Tile(side, side, ((col - 1) / cols, (row - 1) / rows, col / cols, row / rows))


def _mismatch(tokens: int, found: str) -> ModelError:
    return ModelError(
        f"The page has {tokens} visual tokens, which do not fit {found}: their places are unknown.",
        "This checkpoint's processor is set up in a way that vrag does not know; nothing was stored of the page.",
    )
