"""A page's record: what is pooled from its `full` multivector, and sums that tell later whether it is what was written.

A sum is the CRC-32 of a vector's numbers as float16, which is what the embedded engine keeps, or of the page's words.
Numbers of terms are compared as float16 too, in order of the terms.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vrag.cascade.bm25 import TEXT
from vrag.catalog.kinds import TEXT_KEY
from vrag.catalog.payload import page_grid, page_words
from vrag.embedders.protocol import PageVectors
from vrag.grid import FloatArray
from vrag.pipeline.pipeline import FULL, Pipeline
from vrag.store.interface import Payload, Record

SUMS = "sums"  # key of the payload: sums by the name of a vector, and of the words
WORDS = "words"


def page_record(
    record_id: str,
    payload: Payload,
    page: PageVectors,
    words: Sequence[str],
    pipeline: Pipeline,
    mean: FloatArray | None,
) -> Record:
    """The record of a page with everything that the pipeline derives from it.

    Args:
        record_id: Of the page.
        payload: Without sums, or with older ones.
        page: Its `full` multivector.
        words: For the text lane, when the pipeline has one.
        pipeline: Which vectors there are.
        mean: The model's mean vector [d], None when it has none.
    """
    page = replace(page, full=pipeline.as_kept(page.full))  # so that pooling it again gives the same
    vectors = {FULL: page.full, **{spec.name: spec.of_page(page, mean) for spec in pipeline.vectors}}
    sparse = {TEXT: pipeline.text.document(words)} if pipeline.text else {}
    return with_sums(Record(record_id, payload, vectors, sparse), WORDS)


def pooled_again(record: Record, pipeline: Pipeline, mean: FloatArray | None) -> Record:
    """The record of a page, read with its `full`, with everything that is made from that and from its words."""
    page = PageVectors(record.vectors[FULL], page_grid(record.payload))
    words = page_words(record.payload).texts
    return page_record(record.id, record.payload, page, words, pipeline, mean)


def with_sums(record: Record, *others: str) -> Record:
    """The record with sums of its vectors, and of `others`: `WORDS`."""
    sums = {name: sum_of(record, name) for name in (*record.vectors, *record.sparse, *others)}
    return replace(record, payload={**record.payload, SUMS: sums})


def without_sums(payload: Payload) -> Payload:
    """What a payload says of the page itself."""
    return {key: value for key, value in payload.items() if key != SUMS}


def is_changed(record: Record, name: str) -> bool:
    """Whether a vector, or `WORDS`, is not what was written; False where there is no sum of it.

    Args:
        record: Of a page, with that vector.
        name: Of the vector.
    """
    sums = record.payload.get(SUMS)
    return isinstance(sums, dict) and name in sums and sums[name] != sum_of(record, name)


def sum_of(record: Record, name: str) -> int:
    """The sum of a vector, or of `WORDS`; 0 where there is none."""
    if name == WORDS:
        return zlib.crc32(str(record.payload.get(TEXT_KEY)).encode("utf-8", "surrogatepass"))
    if name in record.vectors:
        return zlib.crc32(_half(record.vectors[name]))
    terms = record.sparse.get(name)
    if terms is None:
        return 0
    order = np.argsort(terms.indices)
    return zlib.crc32(terms.indices[order].astype(np.uint32).tobytes() + _half(terms.values[order]))


def _half(numbers: FloatArray) -> bytes:
    return np.ascontiguousarray(numbers, np.float16).tobytes()
