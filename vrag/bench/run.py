"""The whole benchmark: every system at every size, in one run, against the exact answer."""

from __future__ import annotations

import logging
import math
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from vrag.bench.apart import measure_apart
from vrag.bench.engine import CASCADES, FULL, ROWS, BenchStore, sizes_of
from vrag.bench.footprint import Memory, measure_memory
from vrag.bench.measure import Ranked, Result, SpeedRow, Truth, best, make_row, timed, timed_scorer
from vrag.bench.peers import CPUS, PEERS, Peer, numpy_scorer, one_blas_thread
from vrag.bench.vectors import VectorCorpus
from vrag.errors import UsageError

_log = logging.getLogger(__name__)
OURS = "vrag"
QDRANT = "Qdrant Edge"
NUMPY = "numpy GEMM"
EXACT = [peer.name for peer in PEERS if peer.scorer]
Tell = Callable[[str], None]
_SPARE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured.

    Args:
        rows: Systems of each size, fastest first.
        notes: What was left out and why.
        memory: Of the fast path at each size.
        vectors: Where the vectors come from.
        machine: Processor and system.
    """

    rows: Sequence[SpeedRow]
    notes: Sequence[str]
    memory: Sequence[Memory]
    vectors: str
    machine: str


class Bench:
    """One run.

    Args:
        corpus: Pages and queries.
        sizes: Numbers of pages.
        peers: Whether other libraries are measured too.
        folder: Where the stores are made; a temporary folder inside it is removed at the end.
        tell: Told what is being done.
        most_s: Seconds of searching that each system has at each size; a slow one answers fewer queries.
    """

    def __init__(
        self,
        corpus: VectorCorpus,
        sizes: Sequence[int],
        peers: bool,
        folder: Path | None,
        tell: Tell,
        most_s: float = math.inf,
    ) -> None:
        self._corpus = corpus
        self._sizes = sorted(set(sizes))
        self._peers = PEERS if peers else ()
        self._folder = folder
        self._tell = tell
        self._most_s = most_s
        self._notes: list[str] = []
        self._memory: list[Memory] = []
        self._build_s = 0.0

    def run(self) -> Report:
        """Measure everything; the rows of a size are done before the next one is begun."""
        rows: list[SpeedRow] = []
        with tempfile.TemporaryDirectory(dir=self._folder) as place:
            _require_space(Path(place), self._sizes[-1] * self._corpus.rows * self._corpus.source.dim)
            self._tell(f"making {self._sizes[-1]} pages")
            self._corpus = self._corpus.keep(self._sizes[-1], Path(place) / "pages")
            for before, pages in zip([0, *self._sizes], self._sizes, strict=False):
                rows += self._size(before, pages, Path(place))
        return Report(rows, self._notes, self._memory, self._corpus.source.describe(self._corpus.rows), machine())

    def _size(self, before: int, pages: int, folder: Path) -> list[SpeedRow]:
        queries, dim = self._corpus.source.queries, self._corpus.source.dim
        self._tell(f"{pages} pages: numpy, for the exact answer")
        with one_blas_thread():
            gemm, scores = timed_scorer(numpy_scorer(), self._corpus.blocks(pages), queries)
        truth = self._truth([best(row) for row in scores], pages)
        rows = [self._told(make_row(pages, NUMPY, "", gemm, truth))]
        store = BenchStore(folder / "store", dim, before)
        self._tell(f"{pages} pages: writing the store")
        store.grow(self._corpus, pages)
        self._build_s += store.build_s
        rows += map(self._told, self._cascades(store, truth))
        store.close()
        del store  # its view of the bits would count as a third process's
        self._tell(f"{pages} pages: memory")
        memory = measure_memory(folder / "store", dim, pages, queries)
        self._memory += [memory] if memory else []
        for name, result in self._peer_results(pages, folder):
            rows.append(self._told(make_row(pages, name, "", result, truth)))
        return with_ratios(rows)

    def _truth(self, exact: Sequence[Ranked], pages: int) -> Truth:
        source = self._corpus.source
        made_from = self._corpus.made_from(pages)
        right = [frozenset(i for i, pair in enumerate(made_from) if pair & answers) for answers in source.answers]
        return Truth(exact, right, source.is_question)

    def _told(self, row: SpeedRow) -> SpeedRow:
        """The row; said at once, since the rest of a long run may fail."""
        recall = _figures(row.recall_at_10, row.questions_recall_at_10)
        kept = _figures(row.ndcg_kept, row.questions_ndcg_kept)
        self._tell(f"  {row.qps:.3g} queries/s, recall@10 {recall}, NDCG kept {kept}")
        return row

    def _cascades(self, store: BenchStore, truth: Truth) -> Iterator[SpeedRow]:
        for name, cascade in CASCADES.items():
            system = OURS if name.startswith("bits") else QDRANT
            self._tell(f"{store.pages} pages: {cascade}")
            queries = self._corpus.source.queries
            result = timed(partial(store.search, cascade), queries, self._most_s, self._build_s)
            size = sizes_of(store.bits, (FULL, ROWS)) if system == OURS else 0
            yield make_row(store.pages, system, cascade, result, truth, size)

    def _peer_results(self, pages: int, folder: Path) -> Iterator[tuple[str, Result]]:
        for peer in self._peers:
            reason = _left_out(peer, pages, 4 * pages * self._corpus.rows * self._corpus.source.dim)
            if reason:
                self._notes.append(f"{peer.name} at {pages} pages: left out, {reason}.")
                continue
            self._tell(f"{pages} pages: {peer.name}")
            try:
                yield peer.name, measure_apart(peer.name, self._corpus, pages, folder, self._most_s)
            except Exception as error:  # noqa: BLE001  a peer's failure is a result, whatever it raises
                _log.info("%s", peer.name, exc_info=error)
                self._notes.append(f"{peer.name} at {pages} pages: failed, {type(error).__name__}: {str(error)[:200]}")


def _figures(*values: float | None) -> str:
    """One of each kind of query that was asked, in words."""
    return " and ".join(f"{value:.3f}" for value in values if value is not None) or "-"


def with_ratios(rows: Sequence[SpeedRow]) -> list[SpeedRow]:
    """Rows of one size with their ratio to the fastest exact search, fastest first."""
    exact = max(row.qps for row in rows if row.system in (NUMPY, *EXACT) or row.cascade == CASCADES["exact"])
    return sorted((replace(row, ratio=row.qps / exact) for row in rows), key=lambda row: -row.qps)


def machine() -> str:
    """Processor, cores and Python, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0] if names else platform.processor()}, {CPUS} cores, Python {platform.python_version()}"


def _require_space(folder: Path, values: int) -> None:
    """Room for the pages as float16, and for the store, which holds them twice while segments are merged."""
    needed, free = 6 * values + _SPARE_BYTES, shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{folder} has {free / 1e9:.0f} GB free, and these sizes need {needed / 1e9:.0f}.",
            "Give another folder with --work, or smaller --sizes.",
        )


def _memory_left() -> float:
    """Bytes that a process may still take; infinite where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.inf
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")), math.inf)


def _left_out(peer: Peer, pages: int, size: float) -> str:
    if not peer.installed:
        return f"not installed ({peer.install})"
    if peer.most and pages > peer.most[0]:
        return f"{peer.most[1]} (measured up to {peer.most[0]})"
    if peer.copies * size > _memory_left():
        return f"it needs {peer.copies * size / 1e9:.0f} GB of memory, and {_memory_left() / 1e9:.0f} are free"
    return ""
