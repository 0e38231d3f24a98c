"""Words read from pixels: PP-OCR models that come inside the rapidocr wheel; nothing is ever downloaded."""

from __future__ import annotations

import functools
import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import ImageFont
from PIL.Image import Image

from vrag.errors import ModelError
from vrag.grid import FloatArray
from vrag.pages.order import hulls, reading_order
from vrag.pages.page import Words

if TYPE_CHECKING:
    from vrag.pages.text_lines import LineReader

MIN_SCORE = 0.5
MODELS_ENV = "VRAG_OCR_MODELS"
_MODELS = ("*det*.onnx", "*cls*.onnx", "*rec*.onnx")


def read_words(picture: Image, language: str = "") -> Words:
    """Words of an RGB picture, boxes in shares of the picture; lines read with less than 0.5 certainty are left out.

    Args:
        picture: RGB.
        language: A recognition model by a part of its file's name, e.g. "arabic"; empty for the wheel's own.

    Raises:
        ModelError: rapidocr has come without its models, or there is none for this language.
    """
    lines = _reader(language).read(np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]))  # blue first
    certain = [line for line in lines if line.certainty >= MIN_SCORE and line.text.strip()]
    if not certain:
        return Words()
    quads = (np.stack([line.corners for line in certain]) / picture.size).astype(np.float32)
    return _words(np.clip(quads, 0, 1), [line.text for line in certain])


def _words(quads: FloatArray, texts: list[str]) -> Words:
    """Words of lines given as quadrilaterals [n, 4, 2] (clockwise from where the text starts)."""
    words = [
        (word, box, line)
        for line, i in enumerate(reading_order(hulls(quads)))
        for word, box in _split(texts[i], quads[i])
    ]
    if not words:
        return Words()
    columns = tuple(zip(*words, strict=True))
    return Words(columns[0], np.clip(np.stack(columns[1]), 0, 1), np.array(columns[2], np.int32))


def _split(text: str, quad: FloatArray) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Words of a line, each with the part of the line's box that its letters take up in an ordinary font."""
    width = _ruler().getlength(text)
    start = 0
    for word in text.split():
        start = text.index(word, start)
        before, start = text[:start], start + len(word)
        ends = np.array([[_ruler().getlength(before)], [_ruler().getlength(before + word)]]) / width
        corners = np.concatenate([_between(quad[0], quad[1], ends), _between(quad[3], quad[2], ends)])
        yield word, np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32)


def _between(a: FloatArray, b: FloatArray, share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return a + (b - a) * share


@functools.cache
def _ruler() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(16)


@functools.cache
def _reader(language: str = "") -> LineReader:
    """The one reader of this process for a language."""
    import rapidocr

    from vrag.pages.text_lines import LineReader

    folder = Path(rapidocr.__file__).parent / "models"
    finder, classifier, own = (_model(folder, name) for name in _MODELS)
    return LineReader(finder, classifier, recogniser(language) if language else own)


def recogniser(language: str) -> str:
    """Path of the recognition model for a language, in the folder that `VRAG_OCR_MODELS` names.

    Raises:
        ModelError: There is none.
    """
    folder = os.environ.get(MODELS_ENV, "")
    found = sorted(Path(folder).glob(f"*{glob.escape(language)}*rec*.onnx")) if folder else []
    if not found:
        raise ModelError(
            f"There is no OCR model for {language!r} in {folder or 'any folder'}.",
            f"Put one of rapidocr's recognition models (*{language}*rec*.onnx, with its characters inside) into a "
            f"folder, and name the folder in {MODELS_ENV}. Without a language, Chinese, English and much of Latin "
            "script are read.",
        )
    return str(found[0])


def _model(folder: Path, pattern: str) -> str:
    """Path of a model in the wheel."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise ModelError(f"rapidocr has no model {pattern} in {folder}.", "Run: pip install --force-reinstall rapidocr")
    return str(found[0])
