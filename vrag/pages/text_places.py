"""Where lines of text stand in a picture, by rapidocr's detector: at half size, and in full where print is small.

What the detector costs grows with the pixels it sees. At half size it finds large print as well as in full, and of
small print it sees at least that something is there.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from rapidocr.ch_ppocr_det.utils import DBPostProcess

from vrag.grid import FloatArray
from vrag.runtime.onnx_session import OnnxSession

Pixels = npt.NDArray[np.uint8]  # [height, width, 3], blue first, as the models have learned it

_STEP = 32  # sides of what the detector sees are multiples of it
_LONGEST = 2000  # pixels of a side that it sees at most
_SMALL = 800  # pixels of the longer side of a picture that is looked at in full at once
_HALF = 0.5
_LARGE = 26  # pixels of a line's height from which half size shows it well
_HINT = 0.01  # probability of text that is reason enough to look again; text has from 0.3
_EDGE = 60  # levels between neighbouring pixels
_AROUND = (24, 8)  # pixels around, in which edges are counted
_DENSE = 0.5  # of these pixels
_MARGIN = 48  # pixels seen around a place
_APART = 8  # pixels between a line and the edge of what is looked at again
_MOST = 0.7  # of the picture; if more of it has to be seen again, all is


class TextFinder:
    """Finds lines of text.

    Args:
        model: File of the detector.
    """

    def __init__(self, model: str) -> None:
        self._session = OnnxSession(model, memory="shared")
        # Its own values. Lines are sorted later, by people's order.
        self._boxes = DBPostProcess(thresh=0.3, box_thresh=0.5, unclip_ratio=1.6, use_dilation=True)

    def find(self, picture: Pixels) -> FloatArray:
        """Corners of lines, float32 [n, 4, 2] in pixels, clockwise from the upper left one."""
        height, width = picture.shape[:2]
        if max(height, width) < _SMALL:
            return self._in_full(picture)
        likely = self._likely(picture, _HALF)
        lines = self._lines(likely, picture)
        again = _unsure(picture, likely, lines)
        if again is None:
            return lines
        bounds = np.concatenate([lines.min(axis=1), lines.max(axis=1)], axis=1)
        x0, y0, x1, y1 = area = _around_lines(again, bounds, width, height)
        if (x1 - x0) * (y1 - y0) > _MOST * width * height:
            return self._in_full(picture)
        seen = self._in_full(np.ascontiguousarray(picture[int(y0) : int(y1), int(x0) : int(x1)]))
        return np.concatenate([lines[~_touches(bounds, area)], seen + area[:2]])

    def _in_full(self, picture: Pixels) -> FloatArray:
        return self._lines(self._likely(picture, min(1.0, _LONGEST / max(picture.shape))), picture)

    def _likely(self, picture: Pixels, scale: float) -> FloatArray:
        """How likely text is, float32 [rows, columns], each a pixel of the picture in this scale or nearly so."""
        rows, columns = (max(_STEP, round(side * scale / _STEP) * _STEP) for side in picture.shape[:2])
        small = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        seen = np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32) / np.float32(127.5) - np.float32(1)
        found: FloatArray = self._session.run(self._session.output, {self._session.input: seen})[0, 0]
        return found

    def _lines(self, likely: FloatArray, picture: Pixels) -> FloatArray:
        quads, _ = self._boxes(likely[None, None], picture.shape[:2])
        return np.asarray(quads, np.float32).reshape(-1, 4, 2)


def _unsure(picture: Pixels, likely: FloatArray, lines: FloatArray) -> FloatArray | None:
    """The part of a picture that has to be seen in full: x0, y0, x1, y1 in pixels; None if nothing.

    Small lines are in it, and whatever may be text and is in no large line: the detector has a hint of it, or there
    are as many edges as print has.
    """
    sides = np.linalg.norm(lines - np.roll(lines, -1, axis=1), axis=2)
    is_large = sides.min(axis=1) >= _LARGE
    height, width = picture.shape[:2]
    scale = np.array([width / likely.shape[1], height / likely.shape[0]], np.float32)
    rest = ((likely > _HINT) | _is_dense(picture, likely.shape)).astype(np.uint8)
    known = np.zeros_like(rest)
    for line in lines[is_large]:
        cv2.fillPoly(known, [np.rint(line / scale).astype(np.int32)], [1])
    rest[cv2.dilate(known, np.ones((3, 3), np.uint8)) > 0] = 0
    rest = cv2.morphologyEx(rest, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)).astype(np.uint8)
    pixels = np.argwhere(rest)[:, ::-1].astype(np.float32)
    corners = np.concatenate([pixels * scale, (pixels + 1) * scale, lines[~is_large].reshape(-1, 2)])
    if not len(corners):
        return None
    return np.concatenate([corners.min(axis=0) - _MARGIN, corners.max(axis=0) + _MARGIN]).astype(np.float32)


def _is_dense(picture: Pixels, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Where edges are as dense as in small print, for each of `shape` (rows, columns) parts of the picture."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > _EDGE
    density = cv2.boxFilter(edges.astype(np.float32), -1, _AROUND)
    return np.asarray(cv2.resize(density, shape[::-1], interpolation=cv2.INTER_AREA) > _DENSE, np.bool_)


def _around_lines(area: FloatArray, bounds: FloatArray, width: int, height: int) -> FloatArray:
    """The area [4], grown until it cuts none of the lines with these bounds [n, 4], in whole pixels of the picture."""
    most = np.array([width, height] * 2, np.float32)
    outwards = np.array([-_APART, -_APART, _APART, _APART], np.float32)
    while True:
        edges = np.concatenate([area[None], bounds[_touches(bounds, area)] + outwards])
        low, high = np.floor(edges[:, :2].min(axis=0)), np.ceil(edges[:, 2:].max(axis=0))
        grown = np.clip(np.concatenate([low, high]), 0, most)
        if (grown == area).all():
            return area
        area = grown


def _touches(bounds: FloatArray, area: FloatArray) -> npt.NDArray[np.bool_]:
    """Which of the bounds [n, 4] have a part in the area [4]."""
    return np.asarray(((bounds[:, :2] < area[2:]) & (bounds[:, 2:] > area[:2])).all(axis=1), np.bool_)
