"""Cascades worth measuring on an index, and what they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from vrag.bits.kernels import compiled
from vrag.cascade.bm25 import TEXT
from vrag.cascade.cascade import Cascade, Fusion, Limit, Stage
from vrag.index import Index
from vrag.pipeline.pipeline import FULL

_RUNGS = (32, 64, 128, 256, 512, 1024)
_LARGEST_SHARE = 1 / 3  # of the corpus: a stage that lets more through saves little
_WIDER = 4  # times more pages pass the stage before
_SAMPLED = 32  # pages whose vectors are measured
_BYTES = 2  # of a float16, as stored
_BITS = 16  # packed bits are so many times smaller
_WORDS_SHARE = 4  # a branch of words lets a quarter of the other's pages through


def reference_of(index: Index) -> Cascade:
    """The last stage of the index's default cascade over every page: the same score, and nothing dropped before it.

    Plain MaxSim is taken from float vectors. Regions and contexts stay as they are scored, by bits: float vectors give
    another score, at 3 ms a page, and on a server would have to travel.
    """
    last = index.pipeline.cascade(None).plain.steps[-1]
    if not isinstance(last, Stage):
        return _parse(index, FULL)
    return _parse(index, replace(last, bits=last.is_rescored).scoring)


def propose(index: Index) -> list[Cascade]:
    """The pipeline's cascades, and for every pooled vector such that let the best 32, 64, ... through.

    Steps that put the first pages in a new order are left out: they come after all that is measured, and cost the same
    whatever that is.
    With packed bits beside the index, and compiled kernels to score them, those are tried as well. On a server none is
    tried whose candidates' vectors would have to be read.
    """
    named = [_parse(index, name).plain for name in index.pipeline.cascades]
    others = (_parse(index, f"{first} > {reference_of(index)}") for first in _first_stages(index))
    unique: dict[str, Cascade] = {}
    for cascade in (*named, *others):
        unique.setdefault(str(cascade), cascade)
    return [cascade for cascade in unique.values() if index.path is not None or not _reads_vectors(cascade)]


def with_reordering(index: Index, text: str) -> str:
    """A cascade that puts the first pages in a new order as the index's default does, by its name where it has one.

    Args:
        index: Whose default may do so.
        text: A cascade, or its name.
    """
    ends = index.pipeline.cascade(None).reordering
    *first, last = _parse(index, text).plain.steps
    if not ends or not isinstance(last, Stage):
        return text
    steps = [*first, replace(last, limit=Limit(max(end.pages for end in ends))), *ends]
    names = {str(_parse(index, name)): name for name in reversed(list(index.pipeline.cascades))}
    reordered = " > ".join(map(str, steps))
    return names.get(reordered, reordered)


def _reads_vectors(cascade: Cascade) -> bool:
    """Whether a stage is scored here by vectors from the store."""
    return any(stage.is_rescored and not stage.bits for stage in cascade.stages)


def vector_bytes(index: Index) -> dict[str, float]:
    """Mean stored size of each named vector of a page in bytes, from a sample of pages."""
    texts = [(doc_id, page) for doc_id, page, _ in index.texts()]
    labels = index.documents.labels([doc_id for doc_id, _ in texts])
    pages = [(labels[doc_id][1], page) for doc_id, page in texts if doc_id in labels]
    step = max(1, len(pages) // _SAMPLED)
    names = [FULL, *(spec.name for spec in index.pipeline.vectors)]
    sizes = [[index.vectors(doc, page, name).size for name in names] for doc, page in pages[::step]]
    return (
        dict(zip(names, (np.mean(sizes, axis=0) * _BYTES).tolist(), strict=True))
        if sizes
        else dict.fromkeys(names, 0.0)
    )


def bytes_read(cascade: Cascade, sizes: Mapping[str, float], corpus: int, k: int) -> int:
    """Bytes of stored vectors that one search reads; of a graph only what it lets through, which is too little.

    Args:
        cascade: What searches.
        sizes: From `vector_bytes`; a vector that is not there (words of the text lane) counts nothing.
        corpus: Pages in the index.
        k: Hits wanted.
    """
    total, scored = 0.0, corpus
    for step in cascade.steps:
        if isinstance(step, Fusion):
            parts = [_branch_bytes(branch, sizes, corpus, corpus, k) for branch in step.branches]
            total += sum(read for read, _ in parts)
            left = min(sum(passed for _, passed in parts), corpus)
            scored = min(step.limit.within(k, corpus), left) if step.limit else left
        elif isinstance(step, Stage):
            read, scored = _branch_bytes([step], sizes, scored, corpus, k)
            total += read
    return round(total)


def _branch_bytes(
    stages: Sequence[Stage], sizes: Mapping[str, float], scored: int, corpus: int, k: int
) -> tuple[float, int]:
    """Bytes that stages read when the first scores `scored` pages, and how many pages the last lets through."""
    total = 0.0
    for stage in stages:
        limit = min((stage.limit or Limit(k)).within(k, corpus), scored)
        size = sizes.get(stage.vector, 0.0) / (_BITS if stage.bits else 1)
        total += size * (limit if stage.hnsw else scored)
        total += sum(sizes.get(addition.vector, 0.0) * scored for addition in stage.additions)
        scored = limit
    return total, scored


def _first_stages(index: Index) -> Iterator[str]:
    """Everything that may come before the last stage."""
    rungs = [rung for rung in _RUNGS if rung <= index.page_count * _LARGEST_SHARE]
    specs = index.pipeline.vectors
    multi = [spec.name for spec in specs if not spec.single]
    single = [spec.name for spec in specs if spec.single]
    yield from (f"{name}:{rung}" for name in (*multi, *single) for rung in rungs)
    fitting = [rung for rung in rungs if rung * _WIDER <= max(rungs)]
    yield from (f"{wide}:{r * _WIDER} > {name}:{r}" for wide in single for name in multi for r in fitting)
    if has_bits(index):
        yield from _over_bits(index, multi, rungs)
    if index.pipeline.text:
        mode = "@bits" if has_bits(index) else ""
        yield from (f"union({name}{mode}:{rung}, {TEXT}:{rung // _WORDS_SHARE})" for name in multi for rung in rungs)


def has_bits(index: Index) -> bool:
    """Whether MaxSim over packed bits is worth trying: an embedded index, and compiled kernels."""
    return index.path is not None and compiled.kernels() is not None


def _over_bits(index: Index, multi: Sequence[str], rungs: Sequence[int]) -> Iterator[str]:
    """Packed bits of pooled vectors alone; then those of all vectors, unless the last stage scores these."""
    yield from (f"{name}@bits:{rung}" for name in multi for rung in rungs)
    if "@bits" not in str(reference_of(index)):
        yield from (f"{FULL}@bits:{rung}" for rung in rungs)
        fitting = [rung for rung in rungs if rung * _WIDER <= max(rungs)]
        yield from (f"{name}@bits:{rung * _WIDER} > {FULL}@bits:{rung}" for name in multi for rung in fitting)


def _parse(index: Index, text: str) -> Cascade:
    return index.pipeline.cascade(text)
