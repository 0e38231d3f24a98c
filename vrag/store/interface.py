"""What a vector store is to vrag: records with named vectors, filters, and cascades in one request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from vrag.grid import FloatArray

Payload = dict[str, Any]
PAGE, DOCUMENT = "page", "document"  # values of the payload's `kind`: what an index must not lose
ARRIVING = "arriving"  # a page that no search sees yet: it is part of a change that must be seen whole

# Keys of a page's payload on a server: packed bits of its vectors in pieces, and their sum. They come only when asked
# for by name.
BITS = ("bits1", "bits2", "bits3")
BITS_SUM = "bits"

Kind = Literal["multi", "single", "sparse"]


class Packing(Protocol):
    """How the rows of a multivector are kept as bytes, which no engine can score.

    Whatever was unpacked once is packed and unpacked without loss.
    """

    @property
    def size(self) -> int:
        """Bytes of a row."""
        ...

    def pack(self, rows: FloatArray) -> FloatArray:
        """Rows float32 [n, d] as bytes, float32 [n, size] of whole numbers from 0 to 255."""
        ...

    def unpack(self, kept: FloatArray) -> FloatArray:
        """What bytes [n, size] stand for: float32 [n, d]."""
        ...


@dataclass(frozen=True, slots=True)
class VectorField:
    """One named vector of the schema.

    Args:
        name: As stored.
        kind: "multi": a multivector [k, d] compared by MaxSim; "single": one vector [d] compared by dot product;
            "sparse": weights of terms, compared by dot product with each term's IDF.
        dim: d; 0 when sparse.
        hnsw: Whether a graph is built; exact search needs none.
        packing: How a multivector is kept as bytes; None for float16.
    """

    name: str
    kind: Kind
    dim: int = 0
    hnsw: bool = False
    packing: Packing | None = field(default=None, compare=False)

    @property
    def kept_dim(self) -> int:
        """Numbers of a row as the engine has it."""
        return self.packing.size if self.packing else self.dim


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Terms and their weights.

    Args:
        indices: uint32 [t], ids of the terms, each once.
        values: float32 [t].
    """

    indices: npt.NDArray[np.uint32]
    values: FloatArray


AnyVector: TypeAlias = "FloatArray | SparseVector"


@dataclass(frozen=True, slots=True)
class Record:
    """A point: UUID string, named vectors (float32 [k, d] or [d]), sparse vectors and payload (JSON values)."""

    id: str
    payload: Payload = field(default_factory=dict)
    vectors: Mapping[str, FloatArray] = field(default_factory=dict)
    sparse: Mapping[str, SparseVector] = field(default_factory=dict)


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
class TextCondition:
    """The text in `payload[key]` has all words of `text`, whatever their order unless `phrase`; none if `absent`.

    Words are compared without regard to case, accents or punctuation.
    """

    key: str
    text: str
    phrase: bool = False
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Points that meet every condition and, when `ids` is given, are among them. Empty: all points."""

    conditions: tuple[Condition | Range, ...] = ()
    ids: frozenset[str] | None = None
    texts: tuple[TextCondition, ...] = ()


@dataclass(frozen=True, slots=True)
class StageRequest:
    """One stage, ready to run: query (float32 [m, d], [d], or sparse) against a named vector, `limit` kept."""

    vector: str
    query: AnyVector
    limit: int
    hnsw: bool = False


RRF_K = 60  # of reciprocal rank fusion, as Cormack, Clarke and Büttcher have it (SIGIR 2009)


@dataclass(frozen=True, slots=True)
class FusionRequest:
    """Branches that run side by side; candidates of all of them go on.

    Args:
        branches: Stages of each branch, in the order they run.
        limit: Candidates kept, best first by reciprocal rank fusion; None keeps every branch's candidates.
    """

    branches: tuple[tuple[StageRequest, ...], ...]
    limit: int | None = None


Request = StageRequest | FusionRequest


@dataclass(frozen=True, slots=True)
class Scored:
    """A point that a query found."""

    id: str
    score: float
    payload: Payload

    def at(self, score: float) -> Scored:
        """The point with another score; `replace` takes six times as long, and a search has hundreds of them."""
        return Scored(self.id, score, self.payload)


class Store(Protocol):
    """A place for records. Every method raises `StoreError` when the engine fails."""

    def upsert(self, records: Sequence[Record]) -> None:
        """Write records, replacing those of the same id; acknowledged when it returns."""
        ...

    def one_writer(self) -> AbstractContextManager[object]:
        """Nobody else of this process writes while the block runs, where the store lets one write at a time."""
        ...

    def loading(self) -> AbstractContextManager[None]:
        """Much is written while the block runs: what only makes searches fast may be put off to its end."""
        ...

    def query(self, stages: Sequence[Request], selection: Selection, keys: Sequence[str] | None = None) -> list[Scored]:
        """Run stages, each on what the one before let through; the selection holds from the first stage on.

        A fusion can only come first. Alone, or with a limit, it scores by reciprocal rank fusion with k = 60.
        Points come with the payload `keys` alone, or with all of it.
        """
        ...

    def query_each(
        self, stages: Sequence[StageRequest], selection: Selection, keys: Sequence[str] | None = None
    ) -> list[list[Scored]]:
        """What `query` finds for each of the stages by itself, all in one request where the engine takes it."""
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

    def shards(self) -> int:
        """Parts in which the words of pages are counted, each by itself; 1 where they are counted all together."""
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

    def compact(self) -> None:
        """Give back the space of everything that was deleted."""
        ...

    def trim(self) -> None:
        """Give back the memory of what was read or written; to be called now and then by whoever reads everything."""
        ...

    def close(self) -> None:
        """Flush and release; closing twice is harmless."""
        ...


def same_type(values: Sequence[str | int]) -> list[str] | list[int]:
    """Values of one condition in one type: engines match numbers or words, not both at once."""
    numbers = [value for value in values if isinstance(value, int)]
    return numbers if len(numbers) == len(values) else [str(value) for value in values]
