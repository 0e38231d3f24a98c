"""From a measured sample to an index of N pages: pure formulas.

vectors       N * rows * d * 2 bytes (float16), or N * rows * d / 8 bytes a bit where bits alone are kept
graph         N * 32 links * 4 bytes * 1.1, for a vector searched by HNSW with m = 16
quantized     rows * d bytes (scalar) or rows * d / 8 (binary) beside a pooled vector
memory        what a first stage scans: pooled vectors and graphs; `full` and the words are read from disk
disk          what an empty index takes, N * bytes a page that one of the sample takes, the engine's log (which is
              cut off at two files), and the rows kept for the exact kernel while they are few
on a server   memory: also N * words * 17 bytes for the index of the words, and the room that is set aside in every
              segment for each vector in memory; disk: packed bits are text in the payload, and the log is a shard's
scan          N * seconds a page that one exact stage over a vector takes
embedding     N * seconds a page
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vrag.bits.exact import MOST_BYTES
from vrag.runtime.units import size
from vrag.store.layout import ServerLayout

GB = 10**9
_LOG_BYTES = 2 * (32 << 20)  # the engine's log: the file that is written, and the one before it
_WORD_BYTES = 17  # of the words' index in a server's memory: 1,197 pages of reports, 282 words each, took 5.7 MB
_ROOM_BYTES = 32 << 20  # set aside for a vector in a segment
_SEGMENTS = 2  # of a shard, or more on more cores
MULTIVECTOR_LIMIT = 1_048_576  # numbers in one multivector, at which a server refuses it
_FLOAT16 = 2
_LINKS, _LINK_BYTES, _LEVELS = 32, 4, 1.1
_QUANTIZED_BYTES: Mapping[str, float] = {"none": 0.0, "scalar": 1.0, "binary": 1 / 8}
_USABLE = 0.7  # of a node's memory; the rest is for the system, caches and merging segments


@dataclass(frozen=True, slots=True)
class VectorSample:
    """One named vector in the sample.

    Args:
        name: As in the pipeline.
        dim: d.
        rows: Mean rows of a page.
        most: Most rows of a page.
        graph: Whether it is searched by HNSW.
        scan_us: Microseconds a page that an exact stage over it takes on one query.
        packed: Bytes of a row where it is kept as bits alone; 0 where it is float16.
    """

    name: str
    dim: int
    rows: float
    most: int
    graph: bool
    scan_us: float
    packed: int = 0

    @property
    def bytes_a_page(self) -> float:
        """Bytes of the vectors of a page."""
        return self.rows * (self.packed or self.dim * _FLOAT16)


@dataclass(frozen=True, slots=True)
class Disk:
    """What an embedded index takes on the disk, bytes; measured.

    Args:
        empty: Without any page.
        a_page: Segments and packed bits of a page.
        log_a_page: Of a page in the engine's write-ahead log.
        rows_a_page: Of a page in the rows beside the bits.
        bits_a_page: The packed bits in `a_page`.
    """

    empty: float
    a_page: float
    log_a_page: float
    rows_a_page: float
    bits_a_page: float = 0.0

    def on_server(self, pages: int, packed_a_page: float, shards: int) -> float:
        """Bytes of one copy on a server, once it is optimized; `packed_a_page` are its packed bits as text."""
        return self.empty + pages * (self.a_page - self.bits_a_page + packed_a_page) + shards * _LOG_BYTES

    def of(self, pages: int) -> float:
        """Bytes of an index of so many pages."""
        rows = pages * self.rows_a_page
        kept = rows if rows <= MOST_BYTES else 0.0
        return self.empty + pages * self.a_page + min(pages * self.log_a_page, _LOG_BYTES) + kept


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured.

    Args:
        pages: Pages embedded.
        source: Where they come from, in words.
        seconds_a_page: To read, embed and pool one.
        disk: What an index of such pages takes.
        payload_a_page: Bytes of words and boxes of a page.
        vectors: `full` first.
        words: Mean words of a page.
        packed_a_page: Bytes of the packed bits that travel with a page on a server.
    """

    pages: int
    source: str
    seconds_a_page: float
    disk: Disk
    payload_a_page: float
    vectors: tuple[VectorSample, ...]
    words: float = 0.0
    packed_a_page: float = 0.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine's memory and free disk, bytes."""

    memory: int
    disk: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """An index of N pages; bytes and seconds.

    Args:
        pages: N.
        embed_seconds: On the machine of the sample.
        disk: Of an embedded index.
        memory: What first stages scan.
        server_disk: Of one copy on a server, once it is optimized.
        server_memory: Of one copy on a server, for searches at their speed.
        scan_seconds: One query, exact over every page, by vector.
        nodes: Nodes of the given size that hold it, replicas included.
        notes: Limits that are hit, and what to do.
    """

    pages: int
    embed_seconds: float
    disk: float
    memory: float
    server_disk: float
    server_memory: float
    scan_seconds: Mapping[str, float]
    nodes: int
    notes: tuple[str, ...]


def estimate(sample: Sample, pages: int, here: Machine, node: Machine, layout: ServerLayout) -> Estimate:
    """Size and time of an index.

    Args:
        sample: From `measure_files` or `measure_made_up`.
        pages: N.
        here: This machine, for an embedded index.
        node: One node of a cluster.
        layout: Replicas and quantization on a server.
    """
    disk, memory = sample.disk.of(pages), pages * memory_a_page(sample.vectors, layout.quantization)
    copies, shards = layout.replication, layout.shards or 1
    there = sample.disk.on_server(pages, sample.packed_a_page, shards)
    room = shards * _SEGMENTS * len(sample.vectors) * _ROOM_BYTES  # `full` has none; the context has, in its stead
    scanned = memory + pages * sample.words * _WORD_BYTES + room
    by_disk, by_memory = copies * there / node.disk, copies * scanned / (_USABLE * node.memory)
    nodes = max(math.ceil(by_disk), math.ceil(by_memory), min(copies, pages), 1)
    scans = {vector.name: pages * vector.scan_us / 1e6 for vector in sample.vectors}
    notes = (*_machine_notes(disk, memory, here), *limit_notes(sample.vectors))
    return Estimate(pages, pages * sample.seconds_a_page, disk, memory, there, scanned, scans, nodes, notes)


def memory_a_page(vectors: Sequence[VectorSample], quantization: str) -> float:
    """Bytes a page that first stages scan: the pooled vectors, or their quantized form, and graphs."""
    total = 0.0
    for vector in vectors[1:]:
        numbers = vector.rows * vector.dim
        total += numbers * (_QUANTIZED_BYTES[quantization] or _FLOAT16)
        total += _LINKS * _LINK_BYTES * _LEVELS if vector.graph else 0.0
    return total


def limit_notes(vectors: Sequence[VectorSample]) -> list[str]:
    """Limits of a server that pages of the sample reach."""
    return [
        f"Vector {v.name!r} has up to {v.most} rows of dimension {v.dim}: a Qdrant server takes at most "
        f"{(MULTIVECTOR_LIMIT - 1) // v.dim}. Render the pages smaller, or keep the index embedded."
        for v in vectors
        if v.most * (v.packed or v.dim) >= MULTIVECTOR_LIMIT
    ]


def _machine_notes(disk: float, memory: float, here: Machine) -> list[str]:
    notes = []
    if disk > here.disk:
        notes.append(f"The index needs {size(disk)} of disk; {size(here.disk)} are free here.")
    if memory > _USABLE * here.memory:
        notes.append(
            f"First stages scan {size(memory)}; this machine has {size(here.memory)} of memory. "
            "Use a server, quantization, or a pipeline with fewer vectors."
        )
    return notes
