"""The part of a page's picture that its text layer does not tell: OCR of that alone is quicker and repeats nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from vrag.grid import Box, FloatArray
from vrag.pages.page import Words

_MARGIN = 0.15  # of a word's height: accents and edges reach over its box
_WHITE = 255


def unread_part(picture: Image.Image, layer: Words, regions: FloatArray) -> tuple[Image.Image, Box]:
    """The regions [k, 4] of a page's picture, k >= 1, with the layer's words painted over.

    Returns:
        The picture cut out around all regions, white between them, and its box in shares of the page.
    """
    pixels = np.array(picture)
    margin = (layer.boxes[:, 3:] - layer.boxes[:, 1:2]) * _MARGIN
    around = layer.boxes + margin * np.array([-1, -1, 1, 1], np.float32)
    for x0, y0, x1, y1 in _in_pixels(around, picture.size):
        pixels[y0:y1, x0:x1] = pixels[y0 : y0 + 1, max(x0 - 1, 0)]  # the colour beside the word
    inside = np.zeros(pixels.shape[:2], bool)
    places = _in_pixels(regions, picture.size)
    for x0, y0, x1, y1 in places:
        inside[y0:y1, x0:x1] = True
    pixels[~inside] = _WHITE
    x0, y0 = (int(edge) for edge in places[:, :2].min(axis=0))
    x1, y1 = (int(edge) for edge in places[:, 2:].max(axis=0))
    width, height = picture.size
    return Image.fromarray(pixels[y0:y1, x0:x1]), (x0 / width, y0 / height, x1 / width, y1 / height)


def on_page(words: Words, box: Box) -> Words:
    """Words of a cut-out with this box, their boxes in shares of the page instead of the cut-out."""
    x0, y0, x1, y1 = box
    scale = np.array([x1 - x0, y1 - y0] * 2, np.float32)
    return Words(words.texts, words.boxes * scale + np.array([x0, y0] * 2, np.float32), words.lines)


def coverage(boxes: FloatArray, cells: int = 100) -> float:
    """Share of the page covered by boxes [k, 4], overlaps counted once, on a grid of cells x cells."""
    mask = np.zeros((cells, cells), bool)
    for x0, y0, x1, y1 in np.rint(boxes * cells).astype(int):
        mask[y0:y1, x0:x1] = True
    return float(mask.mean())


def is_blank(picture: Image.Image, tolerance: int = 8) -> bool:
    """Whether the RGB picture is of one colour, within `tolerance` of 255 levels: the noise of JPEG."""
    low, high = np.array(picture.getextrema()).T
    return bool((high - low).max() <= tolerance)


def _in_pixels(boxes: FloatArray, size: tuple[int, int]) -> npt.NDArray[np.int_]:
    """Pixels touched by boxes [n, 4], at least one a box, stops exclusive."""
    last = np.array(size) - 1
    low = np.clip(np.floor(boxes[:, :2] * size).astype(int), 0, last)
    high = np.clip(np.ceil(boxes[:, 2:] * size).astype(int), low + 1, last + 1)
    return np.concatenate([low, high], axis=1)
