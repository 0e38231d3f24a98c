"""Heat maps: what each word of a query lights up on a page, painted from similarities and a `Grid`.

The heat of a page row is the third power of how far its similarity lies above the page's median row: a word
that matches everything alike lights up nothing, and one strong match outshines many weak ones. Rows that
do not say where they are stay dark: the patches of a tile that shows the whole page once more, and boxes
as large as the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vrag.grid import Box, FloatArray, Grid

if TYPE_CHECKING:
    from PIL.Image import Image

BoolArray = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]

_LARGE = 0.5  # of the page: a box of this size does not say where
_HALO = 0.3  # of a row's smaller side: how far its heat glows beyond its box
# Heat, red, green, blue, opacity: from nothing over yellow and orange to a red on which black can still be read.
RAMP = (
    (0.0, 255, 240, 150, 0.0),
    (0.25, 255, 226, 90, 0.6),
    (0.6, 255, 176, 70, 0.9),
    (1.0, 255, 128, 104, 1.0),
)
_DARK = 96  # of 255: a page whose typical pixel is darker has light words on a dark ground
_MARK = (150, 0, 30)
_REGION = (20, 80, 170)


def row_heat(similarities: FloatArray, weights: FloatArray, grid: Grid) -> FloatArray:
    """Heat of each page row for each query row: float32 [m, n], at least 0; add up rows for several words.

    Args:
        similarities: float32 [m, n], cosines of query rows with page rows.
        weights: float32 [m], lengths of the query rows.
        grid: Where the n rows lie.
    """
    shown = located(grid)
    if not shown.any():
        return np.zeros_like(similarities)
    typical = np.median(similarities[:, shown], axis=1, keepdims=True)
    excess = np.where(shown, np.maximum(similarities - typical, 0), 0)
    heat: FloatArray = (weights[:, None] * excess**3).astype(np.float32)
    return heat


def located(grid: Grid) -> BoolArray:
    """Which of the n rows say where on the page they are, bool [n]."""
    sides = grid.boxes[:, 2:] - grid.boxes[:, :2]
    shown: BoolArray = sides.prod(axis=1) < _LARGE
    if any(not tile.is_global for tile in grid.tiles):
        for tile, rows in grid.tile_slices():
            shown[rows] &= not tile.is_global
    return shown


def paint(values: FloatArray, grid: Grid, size: tuple[int, int]) -> FloatArray:
    """A raster of the rows' values, float32 [height, width].

    Where boxes overlap the greatest value counts. Around a box its value fades out; inside it never does, so
    the greatest value of the raster lies in the box of the greatest row.

    Args:
        values: float32 [n], at least 0.
        grid: Where the n rows lie.
        size: Width and height of the raster in pixels.
    """
    raster = np.zeros((size[1], size[0]), np.float32)
    order = np.argsort(values, kind="stable")
    pixels = _in_pixels(grid.boxes, size)
    for row in order[values[order] > 0]:
        x0, y0, x1, y1 = pixels[row]
        raster[y0:y1, x0:x1] = values[row]
    return np.maximum(raster, _blurred(raster, _halo(pixels)))


def overlay(page: Image, raster: FloatArray, marks: Sequence[Box] = (), region: Box | None = None) -> Image:
    """The page under its heat, an RGB picture of the page's size.

    Heat lies on the page as the ink of a marker pen does: it is multiplied with a light page and screened over a dark
    one, so that words stay as they were.

    Args:
        page: RGB picture.
        raster: float32 [height, width] of the page's size in pixels; the hottest pixel becomes red.
        marks: Boxes to draw a line around, shares of the page.
        region: A box to draw a line of another colour around: the region that counted.
    """
    from PIL import Image

    picture = np.asarray(page.convert("RGB"), np.float32) / 255
    colour = _coloured(raster / max(float(raster.max()), 1e-12))
    ink, opacity = colour[..., :3] / 255, colour[..., 3:]
    marked = 1 - (1 - picture) * (1 - ink * opacity) if is_dark(page) else picture * (1 - (1 - ink) * opacity)
    return frame(Image.fromarray((marked * 255).astype(np.uint8)), marks, region)


def frame(page: Image, marks: Sequence[Box] = (), region: Box | None = None) -> Image:
    """Draw lines around parts of a page's picture, which is returned.

    Args:
        page: RGB picture; it is changed.
        marks: As for `overlay`.
        region: As for `overlay`.
    """
    from PIL import ImageDraw

    draw = ImageDraw.Draw(page)
    width = max(1, round(max(page.size) / 700))
    framed = [(box, 2 * width, _MARK) for box in marks] + ([(region, 4 * width, _REGION)] if region else [])
    for box, gap, colour in framed:
        x0, y0, x1, y1 = _in_pixels(np.array([box], np.float32), page.size)[0].tolist()
        draw.rectangle((x0 - gap, y0 - gap, x1 + gap, y1 + gap), outline=colour, width=width)
    return page


def transparent(heat: FloatArray) -> Image:
    """Heat 0 to 1, float32 [height, width], as a picture to be laid over a page: RGBA."""
    from PIL import Image

    colour = _coloured(heat)
    colour[..., 3] *= 255
    return Image.fromarray(np.rint(colour).astype(np.uint8))


def is_dark(page: Image) -> bool:
    """Whether a page's ground is dark."""
    small = page.convert("L").resize((64, 64))
    return bool(np.median(np.asarray(small)) < _DARK)


def _coloured(heat: FloatArray) -> FloatArray:
    """Red, green, blue and opacity of heat 0 to 1: float32 [..., 4]."""
    ramp = np.array(RAMP)
    channels = [np.interp(heat, ramp[:, 0], ramp[:, i]) for i in range(1, 5)]
    return np.stack(channels, axis=-1).astype(np.float32)


def _in_pixels(boxes: FloatArray, size: tuple[int, int]) -> npt.NDArray[np.int_]:
    """Boxes [n, 4] in whole pixels, none of them empty."""
    width, height = size
    scaled = boxes * np.array([width, height, width, height], np.float32)
    corners = np.clip(np.rint(scaled).astype(np.int_), 0, [width - 1, height - 1, width, height])
    corners[:, 2:] = np.maximum(corners[:, 2:], corners[:, :2] + 1)
    return corners


def _halo(pixels: npt.NDArray[np.int_]) -> float:
    """Radius of the glow in pixels."""
    sides = (pixels[:, 2:] - pixels[:, :2]).min(axis=1)
    return _HALO * float(np.median(sides)) if len(sides) else 0.0


def _blurred(raster: FloatArray, radius: float) -> FloatArray:
    """The raster smoothed; in 255 steps of its greatest value, which is finer than a screen shows."""
    from PIL import Image, ImageFilter

    peak = float(raster.max(initial=0.0))
    if peak == 0:
        return raster
    steps: Pixels = (raster * (255 / peak)).astype(np.uint8)
    smooth = Image.fromarray(steps).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(smooth, np.float32) * np.float32(peak / 255)
