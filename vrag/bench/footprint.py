"""What the fast path takes of memory: the mapped bits, and what each of two searching processes has for itself.

An embedded index is open in one process at a time, its bits are not: one process runs whole searches, a second one
scores the same queries from the same bits. Linux says in `/proc/self/smaps` what each has mapped and what they share.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from vrag.bench.engine import CASCADES, FULL, ROWS, BenchStore, open_bits
from vrag.bits.cache.array_files import DATA
from vrag.bits.kernels import compiled
from vrag.grid import FloatArray
from vrag.runtime.spawning import Spawn

SMAPS = Path("/proc/self/smaps")
_WAIT_S = 600  # for the other process
_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(?P<path>.*)$")
_FIELD = re.compile(r"^(?P<name>Rss|Pss|Private_Clean|Private_Dirty): +(?P<kb>\d+) kB$")
_STORE = "/shard/"
_together: Barrier | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes of one process.

    Args:
        bits: Resident of the mapped files.
        bits_share: Of these its part, each byte divided by the processes that have it mapped (Pss).
        private: Resident and no other process's: interpreter, libraries, queries; not the files that Qdrant Edge maps,
            which the system takes back when it needs the room.
    """

    bits: int
    bits_share: int
    private: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Of the fast path at one size.

    Args:
        pages: Pages searched.
        mapped: Bytes of the files of bits, and of the rows that a small index keeps.
        search: The process that searches, Qdrant Edge in it.
        scorer: The process that only scores bits.
    """

    pages: int
    mapped: int
    search: Usage
    scorer: Usage

    @property
    def total(self) -> int:
        """Bytes of the fast path in a process of its own: the files and what is private."""
        return self.mapped + self.scorer.private

    def describe(self) -> str:
        """One sentence."""
        mb = [round(n / 1e6) for n in (self.mapped, self.scorer.private, self.total, self.search.private)]
        shared = [round(usage.bits_share / 1e6) for usage in (self.search, self.scorer)]
        return (
            f"Memory of the fast path at {self.pages} pages: {mb[0]} MB of bits and kept rows, mapped, and {mb[1]} MB "
            f"private to a process that scores them, together {mb[2]} MB; with two processes each is charged "
            f"{shared[0]} and {shared[1]} MB of them. A process with Qdrant Edge open has {mb[3]} MB private besides "
            "the files that the engine maps."
        )


def measure_memory(folder: Path, dim: int, pages: int, queries: Sequence[FloatArray]) -> Memory | None:
    """Two processes search a closed benchmark store at the same time; None where the system does not tell.

    Args:
        folder: Of a `BenchStore`.
        dim: Dimension of a row.
        pages: That it holds.
        queries: float32 [m, d] each.
    """
    if not SMAPS.exists():
        return None
    context = Spawn()
    barrier = context.Barrier(2)
    with ProcessPoolExecutor(2, mp_context=context, initializer=_meet, initargs=(barrier,)) as processes:
        search = processes.submit(_search, folder, dim, pages, queries)
        scorer = processes.submit(_score, folder, dim, queries)
        found = search.result(), scorer.result()
    mapped = sum(file.stat().st_size for file in (folder / "bits").iterdir() if file.suffix in DATA)
    return Memory(pages, mapped, *found)


def usage_of(smaps: str) -> Usage:
    """What the text of a `smaps` file says."""
    bits = share = private = 0
    is_bits = is_store = False
    for line in smaps.splitlines():
        if mapping := _MAPPING.match(line):
            is_bits, is_store = mapping["path"].endswith(DATA), _STORE in mapping["path"]
        elif value := _FIELD.match(line):
            size = int(value["kb"]) * 1024
            bits += size * (is_bits and value["name"] == "Rss")
            share += size * (is_bits and value["name"] == "Pss")
            private += size * (not (is_bits or is_store) and value["name"].startswith("Private"))
    return Usage(bits, share, private)


def _meet(barrier: Barrier) -> None:
    global _together
    _together = barrier


def _search(folder: Path, dim: int, pages: int, queries: Sequence[FloatArray]) -> Usage:
    store = BenchStore(folder, dim, pages)
    for query in queries:
        store.search(CASCADES["bits, wide"], query)
    usage = _both_measured()
    store.close()
    return usage


def _score(folder: Path, dim: int, queries: Sequence[FloatArray]) -> Usage:
    view = open_bits(folder, dim).committed()
    for query in queries:
        for name in (ROWS, FULL):
            view.packed[name].maxsim(query)
        rows = view.exact.get(FULL)
        if rows and compiled.kernels():
            rows.maxsim(query, range(len(rows)))
    return _both_measured()


def _both_measured() -> Usage:
    """This process's usage while the other one still has everything mapped."""
    assert _together is not None
    _together.wait(_WAIT_S)
    usage = usage_of(SMAPS.read_text(encoding="utf-8"))
    _together.wait(_WAIT_S)
    return usage
