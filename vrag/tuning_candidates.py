"""Cascades worth measuring on an index, and what they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vrag.cascade import Cascade, Fusion, Limit, Stage
from vrag.index import Index
from vrag.pipeline import FULL

_RUNGS = (32, 64, 128, 256, 512, 1024)
_LARGEST_SHARE = 1 / 3  # of the corpus: a stage that lets more through saves little
_WIDER = 4  # times more pages pass the stage before
_SAMPLED = 32  # pages whose vectors are measured
_BYTES = 2  # of a float16, as stored


def exact_of(index: Index) -> Cascade:
    """The last stage of the index's default cascade, over every page."""
    last = index.pipeline.cascade(None).steps[-1]
    return _parse(index, last.scoring if isinstance(last, Stage) else FULL)


def propose(index: Index) -> list[Cascade]:
    """The recipe's cascades, and for every pooled vector such that let the best 32, 64, ... through."""
    last = str(exact_of(index))
    texts = [*index.pipeline.cascades, *(f"{first} > {last}" for first in _first_stages(index))]
    unique = {str(cascade): cascade for cascade in (_parse(index, text) for text in texts)}
    return list(unique.values())


def vector_bytes(index: Index) -> dict[str, float]:
    """Mean stored size of each named vector of a page in bytes, from a sample of pages."""
    pages = [(index.documents.label(doc_id)[1], page) for doc_id, page, _ in index.texts()]
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
        else:
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
        total += sizes.get(stage.vector, 0.0) * (limit if stage.hnsw else scored)
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
    yield from (f"{wide}:{rung * _WIDER} > {name}:{rung}" for wide, name, rung in _triples(single, multi, rungs))


def _triples(single: Sequence[str], multi: Sequence[str], rungs: Sequence[int]) -> Iterator[tuple[str, str, int]]:
    fitting = [rung for rung in rungs if rung * _WIDER <= max(rungs)]
    return ((wide, name, rung) for wide in single for name in multi for rung in fitting)


def _parse(index: Index, text: str) -> Cascade:
    return index.pipeline.cascade(text)
