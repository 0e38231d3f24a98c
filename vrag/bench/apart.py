"""A peer in a process of its own: one that crashes, or takes the threads, leaves the others alone."""

from __future__ import annotations

import math
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from vrag.bench.measure import Result, timed, timed_scorer
from vrag.bench.peers import PEERS
from vrag.bench.vectors import VectorCorpus
from vrag.runtime.spawning import Spawn


def measure_apart(name: str, corpus: VectorCorpus, pages: int, folder: Path, most_s: float = math.inf) -> Result:
    """Seconds and rankings of a peer over the first `pages` pages; raises what the peer raises.

    Args:
        name: Of a peer of `PEERS`.
        corpus: Pages and queries.
        pages: How many.
        folder: For its index, if it writes one.
        most_s: Seconds of searching after which no more queries are asked.
    """
    with ProcessPoolExecutor(1, mp_context=Spawn()) as process:
        return process.submit(_measure, name, corpus, pages, folder, most_s).result()


def _measure(name: str, corpus: VectorCorpus, pages: int, folder: Path, most_s: float) -> Result:
    peer = next(peer for peer in PEERS if peer.name == name)
    queries = corpus.source.queries
    if peer.scorer:
        return timed_scorer(peer.scorer(), corpus.blocks(pages), queries, most_s, pages)[0]
    assert peer.engine is not None
    with tempfile.TemporaryDirectory(dir=folder) as place:
        started = time.perf_counter()
        search = peer.engine(corpus, pages, Path(place))
        return timed(search, queries, most_s, time.perf_counter() - started)
