"""What a user would otherwise pick, each as it comes: exact scorers over arrays, and engines with an index.

A peer that is not installed is left out, with the line that installs it.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vrag.bench.measure import TOP, Ranked, best
from vrag.bench.vectors import VectorCorpus
from vrag.grid import FloatArray

Scorer = Callable[[FloatArray, FloatArray], FloatArray]
Search = Callable[[FloatArray], Ranked]
_MAXSIM_CPU_ROWS = 32
CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Peer:
    """Another way to search.

    Args:
        name: As the table shows it.
        module: What must be importable.
        install: How to get it.
        scorer: Makes a function of a query [m, d] and a block [b, n, d] that gives scores [b].
        engine: Makes a search over an index of `pages` pages of a corpus, built in a folder.
        most: Pages above which it is left out, and why; None for no limit.
        copies: Of all pages, float32, that it holds in memory; it is left out where they do not fit.
    """

    name: str
    module: str
    install: str
    scorer: Callable[[], Scorer] | None = None
    engine: Callable[[VectorCorpus, int, Path], Search] | None = None
    most: tuple[int, str] | None = None
    copies: float = 0.0

    @property
    def installed(self) -> bool:
        """Whether it can be measured."""
        return importlib.util.find_spec(self.module) is not None


def numpy_scorer() -> Scorer:
    """One GEMM a page and a maximum, float32, our threads over the pages and one BLAS thread in each."""
    pool = ThreadPoolExecutor(CPUS)

    def part(query: FloatArray, pages: FloatArray) -> list[float]:
        return [float((query @ page.T).max(axis=1).sum()) for page in pages]

    def score(query: FloatArray, block: FloatArray) -> FloatArray:
        parts = pool.map(part, [query] * CPUS, np.array_split(block, CPUS))
        return np.array([value for values in parts for value in values], np.float32)

    return score


def _maxsim_cpu() -> Scorer:
    import maxsim_cpu

    def score(query: FloatArray, block: FloatArray) -> FloatArray:
        # Version 0.1.0 gives wrong scores, or crashes, for queries of more rows; a sum can be taken in parts.
        parts = [query[first : first + _MAXSIM_CPU_ROWS] for first in range(0, len(query), _MAXSIM_CPU_ROWS)]
        found: FloatArray = np.sum([maxsim_cpu.maxsim_scores(part, block) for part in parts], axis=0)
        return found

    return score


def _colpali_engine() -> Scorer:
    import torch
    from colpali_engine.utils.processing_utils import BaseVisualRetrieverProcessor

    torch.set_num_threads(CPUS)

    def score(query: FloatArray, block: FloatArray) -> FloatArray:
        pages = torch.from_numpy(block)
        scores = BaseVisualRetrieverProcessor.score_multi_vector([torch.from_numpy(query)], pages, device="cpu")
        found: FloatArray = scores[0].numpy()
        return found

    return score


def _qdrant_local(corpus: VectorCorpus, pages: int, folder: Path) -> Search:
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    comparator = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    params = models.VectorParams(size=corpus.source.dim, distance=models.Distance.DOT, multivector_config=comparator)
    client.create_collection("bench", vectors_config=params)
    for number in range(pages):
        client.upsert("bench", [models.PointStruct(id=number, vector=corpus.page(number).tolist())])

    def search(query: FloatArray) -> Ranked:
        points = client.query_points("bench", query=query.tolist(), limit=TOP).points
        return [int(point.id) for point in points]

    return search


def _fast_plaid(corpus: VectorCorpus, pages: int, folder: Path) -> Search:
    import torch
    from fast_plaid.search import FastPlaid

    torch.set_num_threads(CPUS)
    index = FastPlaid(str(folder / "plaid"), device="cpu")
    index.create([torch.from_numpy(corpus.page(number)) for number in range(pages)])

    def search(query: FloatArray) -> Ranked:
        found: list[list[tuple[int, float]]] = index.search(
            torch.from_numpy(query)[None], top_k=TOP, show_progress=False
        )
        return [page for page, _ in found[0]]

    return search


def _numkong(corpus: VectorCorpus, pages: int, folder: Path) -> Search:
    """Its own MaxSim over pages packed before, with one thread: it holds the GIL. It takes no weights of query rows."""
    import numkong

    packed = [numkong.maxsim_pack(corpus.page(number), dtype="f32") for number in range(pages)]

    def search(query: FloatArray) -> Ranked:
        asked = numkong.maxsim_pack(np.ascontiguousarray(query), dtype="f32")
        return best(np.array([-numkong.maxsim_packed(asked, page) for page in packed]))  # a sum of distances

    return search


def _colbandit(corpus: VectorCorpus, pages: int, folder: Path) -> Search:
    """As it comes, but for its threads, which work on a query each."""
    from colbandit import ColBandit

    index = ColBandit().index([corpus.page(number) for number in range(pages)])

    def search(query: FloatArray) -> Ranked:
        return [int(page) for page in index.search(query, TOP)[0]]

    return search


_SLOW = "building takes minutes a thousand pages"
PEERS: Sequence[Peer] = (
    Peer("maxsim-cpu", "maxsim_cpu", "pip install maxsim-cpu", scorer=_maxsim_cpu),
    Peer("colpali-engine", "colpali_engine", 'pip install "vrag-toolkit[colpali]"', scorer=_colpali_engine),
    Peer("numkong", "numkong", "pip install numkong", engine=_numkong, copies=2.0),
    Peer("colbandit", "colbandit", "pip install colbandit", engine=_colbandit, copies=4.0),
    Peer("qdrant-client local", "qdrant_client", "pip install qdrant-client", engine=_qdrant_local, copies=2.0),
    Peer("fast-plaid", "fast_plaid", "pip install fast-plaid", engine=_fast_plaid, most=(1000, _SLOW)),
)


def one_blas_thread() -> Any:
    """A context in which BLAS leaves the threads to us; without threadpoolctl the environment decides."""
    if importlib.util.find_spec("threadpoolctl") is None:
        from contextlib import nullcontext

        return nullcontext()
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")
