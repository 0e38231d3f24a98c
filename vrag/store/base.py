"""What a vector store is to vrag: records with named vectors, filters, and cascades in one request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from vrag.grid import FloatArray

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class VectorField:
    """One named vector of the schema.

    Args:
        name: As stored.
        dim: d.
        multi: A multivector [k, d] compared by MaxSim; else one vector [d] compared by dot product.
        hnsw: Whether a graph is built; exact search needs none.
    """

    name: str
    dim: int
    multi: bool
    hnsw: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A point: UUID string, named vectors (float32 [k, d] or [d]) and payload (JSON values)."""

    id: str
    payload: Payload = field(default_factory=dict)
    vectors: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Condition:
    """`payload[key]` is, or contains, one of `values`; with `negate` it does not, or there is no such key."""

    key: str
    values: tuple[str | int, ...]
    negate: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """Values between two bounds, numbers or ISO 8601 dates; None leaves a side open."""

    gte: float | str | None = None
    gt: float | str | None = None
    lte: float | str | None = None
    lt: float | str | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """`payload[key]` lies in one of `intervals`; with `negate` in none of them, or there is no such key."""

    key: str
    intervals: tuple[Interval, ...]
    negate: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Points that meet every condition and, when `ids` is given, are among them. Empty: all points."""

    conditions: tuple[Condition | Range, ...] = ()
    ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class StageRequest:
    """One stage, ready to run: float32 query [m, d] (or [d]) against a named vector, `limit` candidates kept."""

    vector: str
    query: FloatArray
    limit: int
    hnsw: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """A point that a query found."""

    id: str
    score: float
    payload: Payload


class Store(Protocol):
    """A place for records. Every method raises `StoreError` when the engine fails."""

    def upsert(self, records: Sequence[Record]) -> None:
        """Write records, replacing those of the same id; acknowledged when it returns."""
        ...

    def query(self, stages: Sequence[StageRequest], selection: Selection) -> list[Scored]:
        """Run stages, each on what the one before let through; the selection holds from the first stage on."""
        ...

    def fetch(self, ids: Iterable[str], vectors: Sequence[str] = ()) -> dict[str, Record]:
        """Records by id with the named vectors; ids that do not exist are left out."""
        ...

    def scroll(
        self, selection: Selection, vectors: Sequence[str] = (), keys: Sequence[str] | None = None
    ) -> Iterator[Record]:
        """All selected records in order of id, read in steps, so that memory stays small.

        Args:
            selection: Which.
            vectors: Named vectors wanted.
            keys: Payload keys wanted; None for all.
        """
        ...

    def count(self, selection: Selection) -> int:
        """Number of selected records."""
        ...

    def set_payload(self, selection: Selection, payload: Payload) -> None:
        """Set these keys of the selected records' payloads, leaving the others; an empty selection is refused."""
        ...

    def index_keys(self, keys: Mapping[str, str]) -> None:
        """Index payload keys, each "keyword", "integer", "float" or "datetime"; what is indexed stays so."""
        ...

    def delete(self, selection: Selection) -> None:
        """Delete the selected records; an empty selection is refused."""
        ...

    def optimize(self) -> None:
        """Merge segments and build graphs where that pays."""
        ...

    def close(self) -> None:
        """Flush and release; closing twice is harmless."""
        ...
