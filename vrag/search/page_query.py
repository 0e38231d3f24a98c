"""A page as a query: one of the index, or a picture that is read as a page would be.

It is asked by the vectors that it has or would have in the index, through the same cascade as any query, and its words
are those of the text lane. All of its rows would take several times as long as a question: neighbours in reading order
are merged until few are left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from vrag.errors import PageError, UsageError
from vrag.grid import FloatArray
from vrag.pages.drawing import PageDrawer
from vrag.pages.files import where
from vrag.pages.page import Page, PageSpec, Words
from vrag.pooling.pooled import normalise

MOST_ROWS = 64  # as many as a long page has in the pooled vector that finds candidates
_FILE = "picture.png"  # decoded by what it is, whatever it is called


@dataclass(frozen=True, slots=True)
class PageQuery:
    """A page that others are to be like.

    Args:
        rows: float32 [m, d], 1 <= m <= `MOST_ROWS`, of unit length.
        text: Its words.
        id: Of its record, which is not to be found; empty for a picture.
    """

    rows: FloatArray
    text: str
    id: str = ""


def page_query(full: FloatArray, words: Words, name: str, page_id: str = "") -> PageQuery:
    """A page as a query.

    Args:
        full: Its multivector, float32 [n, d].
        words: On it.
        name: What messages call it.
        page_id: Of its record.

    Raises:
        UsageError: There is nothing on it that the model sees.
    """
    if not full.any():
        raise UsageError(f"{name} has nothing to compare: no words stand on it, and this model reads words alone.")
    return PageQuery(merged(full), " ".join(words.texts), page_id)


def read_picture(data: bytes, drawer: PageDrawer, spec: PageSpec) -> Page:
    """A picture as a page; for a model that does not see its words are read, whatever `spec` says of OCR.

    Args:
        data: Of a PNG, JPEG, TIFF or WebP file.
        drawer: Whose process decodes it.
        spec: How the pages of the index are read.

    Raises:
        UsageError: It is no picture, or cannot be decoded within the bounds.
    """
    spec = spec if spec.image else replace(spec, ocr="always")
    with TemporaryDirectory(prefix="vrag-") as folder:
        file = Path(folder, _FILE)
        file.write_bytes(data)
        try:
            return drawer.read(file, 1, spec)
        except PageError as error:
            reason = error.message.removeprefix(f"{where(file, 1)}: ")
            raise UsageError(f"The picture cannot be read: {reason}", error.hint) from error


def merged(rows: FloatArray) -> FloatArray:
    """At most `MOST_ROWS` rows of rows [n, d]: neighbours as their mean, of unit length again."""
    if len(rows) <= MOST_ROWS:
        return rows
    starts = np.arange(MOST_ROWS) * len(rows) // MOST_ROWS
    return normalise(np.add.reduceat(rows, starts, axis=0))
