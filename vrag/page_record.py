"""A page's record: what is pooled from its `full` multivector, and sums that tell later whether it is what was written.

A sum is the CRC-32 of a vector's numbers as float16, which is what the embedded engine keeps, or of the page's words.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vrag.embedders.base import PageVectors
from vrag.grid import FloatArray
from vrag.lexical import TEXT
from vrag.payload import TEXT_KEY
from vrag.pipeline import FULL, Pipeline
from vrag.store.base import Payload, Record

SUMS = "sums"  # key of the payload: sums by the name of a vector, and of the words


def page_record(
    record_id: str,
    payload: Payload,
    page: PageVectors,
    words: Sequence[str],
    pipeline: Pipeline,
    mean: FloatArray | None,
) -> Record:
    """The record of a page with everything that the recipe derives from it.

    Args:
        record_id: Of the page.
        payload: Without sums, or with older ones.
        page: Its `full` multivector.
        words: For the text lane, when the recipe has one.
        pipeline: Which vectors there are.
        mean: The model's mean vector [d], None when it has none.
    """
    vectors = {FULL: page.full, **{spec.name: spec.of_page(page, mean) for spec in pipeline.vectors}}
    sparse = {TEXT: pipeline.text.document(words)} if pipeline.text else {}
    sums = {name: _vector_sum(vector) for name, vector in vectors.items()}
    return Record(record_id, {**payload, SUMS: {**sums, TEXT_KEY: _text_sum(payload)}}, vectors, sparse)


def without_sums(payload: Payload) -> Payload:
    """What a payload says of the page itself."""
    return {key: value for key, value in payload.items() if key != SUMS}


def changed(payload: Payload, vectors: Mapping[str, FloatArray]) -> Iterator[str]:
    """Names of the vectors, and "text" for the words, that are not what was written; none where there are no sums."""
    sums = payload.get(SUMS)
    if not isinstance(sums, dict):
        return
    for name, vector in vectors.items():
        if name in sums and sums[name] != _vector_sum(vector):
            yield name
    if sums.get(TEXT_KEY) != _text_sum(payload):
        yield TEXT_KEY


def _vector_sum(vector: FloatArray) -> int:
    return zlib.crc32(np.ascontiguousarray(vector, np.float16).tobytes())


def _text_sum(payload: Payload) -> int:
    return zlib.crc32(str(payload.get(TEXT_KEY)).encode("utf-8", "surrogatepass"))
