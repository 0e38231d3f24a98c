"""What OCR adds to a page that has a text layer."""

from __future__ import annotations

import numpy as np

from vrag.pages.page import Words

_PUNCTUATION = "\"'.,;:!?()[]{}<>*|-\u2013\u2014\u2022\u2018\u2019\u201c\u201d"


def merge(layer: Words, ocr: Words) -> Words:
    """The layer's words, then those lines of `ocr` most of whose words the layer lacks, on new line numbers."""
    known = {_plain(text) for text in layer.texts} | {""}
    lacking = np.array([_plain(text) not in known for text in ocr.texts], bool)
    lines, index = np.unique(ocr.lines, return_inverse=True)
    share = np.bincount(index, lacking, len(lines)) / np.maximum(np.bincount(index, minlength=len(lines)), 1)
    keep = np.flatnonzero((share > 0.5)[index])
    if not len(keep):
        return layer
    first = int(layer.lines[-1]) + 1 if len(layer) else 0
    return Words(
        layer.texts + tuple(ocr.texts[i] for i in keep),
        np.concatenate([layer.boxes, ocr.boxes[keep]]),
        np.concatenate([layer.lines, ocr.lines[keep] + first]),
    )


def _plain(text: str) -> str:
    return text.casefold().strip(_PUNCTUATION)
