"""Lines of text in a picture, read: found, cut out, turned where they stand on their heads, and spelt out.

The models are rapidocr's. It would ask of every line whether it stands on its head; here only those are asked about
that could not be read with certainty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from rapidocr.utils.process_img import get_rotate_crop_image

from vrag.errors import ModelError
from vrag.grid import FloatArray
from vrag.pages.text_places import Pixels, TextFinder, as_seen
from vrag.runtime.onnx_session import OnnxSession

_LEAST = 30  # pixels of a side that a picture has at least, with its edge repeated around it
_FLATTEST = 8  # times as wide as high that a picture is at most, with its edge repeated above and below
_HEIGHT = 48  # of a line that the models see
_NARROWEST = 64  # pixels that the recogniser sees at least; the rest is grey
_WIDE = 300  # pixels from which a line is read narrowed at first: what reading costs grows with the width
_NARROWED = 0.88  # of the width, which ordinary letters stand; at 0.85 "krill" becomes "kil"
_CLEAR = 0.95  # certainty from which a narrowed line is not read again as it is
_TURNED_WIDTH = 192  # that the classifier sees
_TURNED = 0.9  # its certainty from which a line is turned
_SURE = 0.9  # a line read with more certainty does not stand on its head
_BLANK = 0  # the recogniser's class for no letter


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line that was read.

    Args:
        corners: float32 [4, 2] in pixels, clockwise from the upper left one.
        text: What it says; may be empty.
        certainty: Mean over its letters, 0 to 1.
    """

    corners: FloatArray
    text: str
    certainty: float


class LineReader:
    """Reads pictures, one after another on one thread, and may be shared between threads.

    Args:
        finder: File of the detector.
        classifier: File of the model that tells whether a line stands on its head.
        recogniser: File of the model that reads a line, with its characters inside.

    Raises:
        ModelError: There are no characters in the recogniser.
    """

    def __init__(self, finder: str, classifier: str, recogniser: str) -> None:
        cv2.setNumThreads(1)  # pages are read by several processes
        self._finder = TextFinder(finder)
        self._classifier = OnnxSession(classifier, memory="shared")
        self._recogniser = OnnxSession(recogniser, memory="shared")
        characters = self._recogniser.notes.get("character", "")
        if not characters:
            raise ModelError(
                f"The OCR model {recogniser} does not say which characters it knows.",
                "Take one of rapidocr's recognition models for onnxruntime: they do.",
            )
        self._characters = ["", *characters.splitlines(), " "]

    def read(self, picture: Pixels) -> list[TextLine]:
        """All lines of a picture, in no order."""
        height, width = picture.shape[:2]
        above = max(0, math.ceil((max(_LEAST, width / _FLATTEST) - height) / 2))
        right = max(0, _LEAST - width)
        padded = np.pad(picture, ((above, above), (0, right), (0, 0)), "edge") if above + right else picture
        return [self._line(padded, corners, above) for corners in self._finder.find(padded)]

    def _line(self, picture: Pixels, corners: FloatArray, above: int) -> TextLine:
        cut: Pixels = get_rotate_crop_image(picture, corners.copy())
        text, certainty = self._spelt(cut)
        if certainty < _SURE and self._is_turned(cut):
            text, certainty = max(
                (text, certainty), self._spelt(np.ascontiguousarray(cut[::-1, ::-1])), key=lambda one: one[1]
            )
        return TextLine(corners - np.array([0, above], np.float32), text, certainty)

    def _spelt(self, cut: Pixels) -> tuple[str, float]:
        """What a line says, and how certain that is."""
        width = cut.shape[1] * _HEIGHT / cut.shape[0]
        if width >= _WIDE:
            text, certainty = self._spelt_at(cut, int(width * _NARROWED))
            if certainty >= _CLEAR:
                return text, certainty
        return self._spelt_at(cut, max(_NARROWEST, int(width)))

    def _spelt_at(self, cut: Pixels, width: int) -> tuple[str, float]:
        seen = _fitted(cut, width)
        odds = self._recogniser.run(self._recogniser.output, {self._recogniser.input: seen})[0]  # [steps, characters]
        best = odds.argmax(axis=1)
        starts = np.flatnonzero((best != _BLANK) & (best != np.append(_BLANK, best[:-1])))
        certainty = float(odds[starts, best[starts]].mean()) if len(starts) else 0.0
        return "".join(self._characters[i] for i in best[starts]), certainty

    def _is_turned(self, cut: Pixels) -> bool:
        seen = _fitted(cut, _TURNED_WIDTH)
        odds = self._classifier.run(self._classifier.output, {self._classifier.input: seen})[0]  # upright, turned
        return bool(odds[1] > _TURNED)


def _fitted(cut: Pixels, width: int) -> FloatArray:
    """A line as its models see it, float32 [1, 3, 48, width]: narrowed where it is too long, grey behind its end."""
    taken = min(width, math.ceil(cut.shape[1] * _HEIGHT / cut.shape[0]))
    seen = np.zeros((1, 3, _HEIGHT, width), np.float32)
    seen[:, :, :, :taken] = as_seen(cv2.resize(cut, (taken, _HEIGHT)).astype(np.uint8, copy=False))
    return seen
