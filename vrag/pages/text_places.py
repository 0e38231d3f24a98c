"""Where lines of text stand in a picture, by rapidocr's detector: at half size, and in full where print is small.

What the detector costs grows with the pixels it sees. At half size it finds large print as well as in full, and of
small print it sees at least that something is there. Only these parts are looked at in full, with what is around them;
what stands elsewhere stays as it was found.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from rapidocr.ch_ppocr_det.utils import DBPostProcess

from vrag.grid import FloatArray
from vrag.pages.order import hulls
from vrag.runtime.onnx_session import OnnxSession

Pixels = npt.NDArray[np.uint8]  # [height, width, 3], blue first, as the models have learned it

_STEP = 32  # sides of what the detector sees are multiples of it
_LONGEST = 2000  # pixels of a side that it sees at most
_SMALL = 800  # pixels of the longer side of a picture that is looked at in full at once
_HALF = 0.5
_LARGE = 28  # pixels of a line's height from which half size shows it well
_HINT = 0.01  # probability of text that is reason enough to look again; text has from 0.3
_EDGE = 60  # levels between neighbouring pixels
_AROUND = (12, 4)  # pixels around at half size, in which edges are counted
_DENSE = 0.5  # of these pixels
_WHITE = 255
_MARGIN = 64  # pixels seen around a part
_APART = 8  # pixels between a line and the edge of a part
_CALL = 8000  # pixels that cost as much as one more call of the detector
_SAME = 0.3  # of a line; if more of it lies in another one, it is a piece of that one
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
        parts = _merged(_unsure(picture, likely, lines), hulls(lines), width, height)
        windows = _windows(parts, width, height)
        if _sizes(windows).sum() > _MOST * width * height:
            return self._in_full(picture)
        for part, (x0, y0, x1, y1) in zip(parts, windows.astype(int), strict=True):
            again = self._in_full(np.ascontiguousarray(picture[y0:y1, x0:x1])) + np.array([x0, y0], np.float32)
            lines = _replaced(lines, again, part)
        return lines

    def _in_full(self, picture: Pixels) -> FloatArray:
        return self._lines(self._likely(picture, min(1.0, _LONGEST / max(picture.shape))), picture)

    def _likely(self, picture: Pixels, scale: float) -> FloatArray:
        """How likely text is, float32 [rows, columns], each a pixel of the picture in this scale or nearly so."""
        rows, columns = (max(_STEP, round(side * scale / _STEP) * _STEP) for side in picture.shape[:2])
        small = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        seen = as_seen(small.astype(np.uint8, copy=False))
        found: FloatArray = self._session.run(self._session.output, {self._session.input: seen})[0, 0]
        return found

    def _lines(self, likely: FloatArray, picture: Pixels) -> FloatArray:
        quads, _ = self._boxes(likely[None, None], picture.shape[:2])
        return np.asarray(quads, np.float32).reshape(-1, 4, 2)


def as_seen(picture: Pixels) -> FloatArray:
    """A picture as the models of OCR see it: float32 [1, 3, height, width], -1 to 1."""
    seen = np.empty((1, 3, *picture.shape[:2]), np.float32)
    for colour, plane in zip(cv2.split(picture), seen[0], strict=True):
        np.divide(colour, np.float32(127.5), out=plane)
    seen -= 1
    return seen


def _unsure(picture: Pixels, likely: FloatArray, lines: FloatArray) -> FloatArray:
    """The parts of a picture that have to be seen in full, float32 [n, 4]: x0, y0, x1, y1 in pixels.

    Small lines are in them, and whatever may be text and is in no large line: the detector has a hint of it, or there
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
    for line in lines[~is_large]:
        cv2.fillPoly(rest, [np.rint(line / scale).astype(np.int32)], [1])
    _, _, found, _ = cv2.connectedComponentsWithStats(rest)
    corners, sizes = found[1:, :2], found[1:, 2:4]  # the first is what is left
    return np.concatenate([corners * scale, (corners + sizes) * scale], axis=1).astype(np.float32)


def _is_dense(picture: Pixels, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Where edges are as dense as in small print, for each of `shape` (rows, columns) parts of the picture."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    steps = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    _, edges = cv2.threshold(steps, _EDGE, _WHITE, cv2.THRESH_BINARY)
    density = cv2.boxFilter(cv2.resize(edges, shape[::-1], interpolation=cv2.INTER_AREA), cv2.CV_32F, _AROUND)
    return np.asarray(density > _DENSE * _WHITE, np.bool_)


def _merged(parts: FloatArray, bounds: FloatArray, width: int, height: int) -> FloatArray:
    """The parts [n, 4], each grown around the lines that it cuts; two are one where that costs no more to see."""
    left, merged = list(parts), list[FloatArray]()
    while left:
        part = _around_lines(left.pop(), bounds, width, height)
        for i, other in enumerate(merged):
            both = np.concatenate([np.minimum(part[:2], other[:2]), np.maximum(part[2:], other[2:])])
            cost = _sizes(_windows(np.stack([part, other, both]), width, height))
            if cost[2] <= cost[0] + cost[1] + _CALL:
                left.append(both)
                del merged[i]
                break
        else:
            merged.append(part)
    return np.array(merged, np.float32).reshape(-1, 4)


def _around_lines(part: FloatArray, bounds: FloatArray, width: int, height: int) -> FloatArray:
    """The part [4], grown until it cuts none of the lines with these bounds [n, 4], in whole pixels of the picture."""
    most = np.array([width, height] * 2, np.float32)
    outwards = np.array([-_APART, -_APART, _APART, _APART], np.float32)
    while True:
        edges = np.concatenate([part[None], bounds[_touches(bounds, part)] + outwards])
        low, high = np.floor(edges[:, :2].min(axis=0)), np.ceil(edges[:, 2:].max(axis=0))
        grown = np.clip(np.concatenate([low, high]), 0, most)
        if (grown == part).all():
            return part
        part = grown


def _replaced(lines: FloatArray, again: FloatArray, part: FloatArray) -> FloatArray:
    """The lines [n, 4, 2], with those of another look [m, 4, 2] in place of those in the part [4].

    That look has also seen pieces of lines outside of the part: they are known in full.
    """
    kept = lines[~_touches(hulls(lines), part)]
    known, seen = hulls(kept), hulls(again)
    shared = np.minimum(seen[:, None, 2:], known[None, :, 2:]) - np.maximum(seen[:, None, :2], known[None, :, :2])
    inside = np.clip(shared, 0, None).prod(axis=2).max(axis=1, initial=0)
    is_new = _touches(seen, part) & (inside <= _SAME * _sizes(seen))
    return np.concatenate([kept, again[is_new]])


def _windows(parts: FloatArray, width: int, height: int) -> FloatArray:
    """What is seen for each of the parts [n, 4], in whole pixels of the picture [n, 4]: the part and what is around it.

    Sides are multiples of the detector's, where the picture is large enough: else print would be stretched.
    """
    whole = np.array([width, height], np.float32)
    low, high = np.clip(parts[:, :2] - _MARGIN, 0, whole), np.clip(parts[:, 2:] + _MARGIN, 0, whole)
    sides = np.minimum(np.ceil((high - low) / _STEP) * _STEP, whole)
    low = np.clip(np.floor((low + high - sides) / 2), 0, whole - sides)
    windows: FloatArray = np.concatenate([low, low + sides], axis=1)
    return windows


def _sizes(bounds: FloatArray) -> FloatArray:
    """Pixels in each of the bounds [n, 4]."""
    sizes: FloatArray = (bounds[:, 2:] - bounds[:, :2]).prod(axis=1)
    return sizes


def _touches(bounds: FloatArray, area: FloatArray) -> npt.NDArray[np.bool_]:
    """Which of the bounds [n, 4] have a part in the area [4]."""
    return np.asarray(((bounds[:, :2] < area[2:]) & (bounds[:, 2:] > area[:2])).all(axis=1), np.bool_)
