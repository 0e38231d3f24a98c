"""Where the rows of a page's multivector lie on the page.

Pooling, regions and heat maps are written once against `Grid`, never against a model's name.
Boxes are shares of the page: x0, y0, x1, y1 in [0, 1], origin at the top left, x to the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]

WHOLE_PAGE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of the page cut into rows x cols equal patches, stored row by row."""

    rows: int
    cols: int
    box: Box = WHOLE_PAGE
    is_global: bool = False

    def __len__(self) -> int:
        return self.rows * self.cols

    def boxes(self) -> FloatArray:
        """Boxes of the patches in storage order, float32 [rows * cols, 4]."""
        x0, y0, x1, y1 = self.box
        xs = np.linspace(x0, x1, self.cols + 1)
        ys = np.linspace(y0, y1, self.rows + 1)
        row, col = np.divmod(np.arange(len(self)), self.cols)
        return np.stack([xs[col], ys[row], xs[col + 1], ys[row + 1]], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Grid:
    """Geometry of n multivector rows: patches of tiles, or free boxes in reading order.

    Args:
        boxes: float32 [n, 4], one box a row.
        tiles: The tiles whose patches the rows are, in order; empty for free boxes.
    """

    boxes: FloatArray
    tiles: tuple[Tile, ...] = ()

    def __post_init__(self) -> None:
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4:
            raise ValueError(f"boxes must be [n, 4], not {list(self.boxes.shape)}")
        if self.tiles and sum(map(len, self.tiles)) != len(self.boxes):
            raise ValueError(f"{len(self.boxes)} boxes do not fill {[(t.rows, t.cols) for t in self.tiles]}")

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def patches(cls, tiles: Sequence[Tile]) -> Grid:
        """Grid of all patches of `tiles`, tile after tile."""
        boxes = [tile.boxes() for tile in tiles]
        return cls(np.concatenate(boxes) if boxes else np.zeros((0, 4), np.float32), tuple(tiles))

    @classmethod
    def free(cls, boxes: npt.ArrayLike) -> Grid:
        """Grid of free boxes [n, 4] in reading order, clipped to the page."""
        array = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
        return cls(np.clip(array, 0.0, 1.0))

    @property
    def is_free(self) -> bool:
        """True when the rows are free boxes (words), False when they are patches of tiles."""
        return not self.tiles

    def within(self, box: Box) -> Grid:
        """This grid of a picture that shows the part `box` of the page, in coordinates of the page.

        What an embedder calls with `Page.crop`; the order and the number of rows stay.
        """
        if box == WHOLE_PAGE:
            return self
        if self.tiles:
            return Grid.patches([replace(tile, box=_placed(tile.box, box)) for tile in self.tiles])
        x0, y0, x1, y1 = box
        scale = np.array([x1 - x0, y1 - y0] * 2, np.float32)
        return Grid.free(self.boxes * scale + np.array([x0, y0] * 2, np.float32))

    def tile_slices(self) -> list[tuple[Tile, slice]]:
        """Each tile with the rows of the multivector that are its patches."""
        slices, start = [], 0
        for tile in self.tiles:
            slices.append((tile, slice(start, start + len(tile))))
            start += len(tile)
        return slices


def _placed(inner: Box, outer: Box) -> Box:
    """A box in shares of the box `outer`, in shares of the page."""
    x0, y0, x1, y1 = outer
    width, height = x1 - x0, y1 - y0
    return x0 + inner[0] * width, y0 + inner[1] * height, x0 + inner[2] * width, y0 + inner[3] * height
