"""What every embedder is: pages and queries in, multivectors out, and a fingerprint to tell models apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vrag.embedders.options import ModelOptions

if TYPE_CHECKING:
    from vrag.grid import FloatArray, Grid
    from vrag.pages.page import Page, PageSpec

Fact = str | int | float | bool
WHOLE_QUERY = "(whole query)"  # the token of a row that stands for all words together
# bfloat16 on one device against float32 on another moves a mean vector by less; another model by far more.
CANARY_TOLERANCE = 0.025


@dataclass(frozen=True, slots=True)
class PageVectors:
    """A page's late-interaction multivector.

    Args:
        full: float32 [n, d], n >= 1. L2-normalised rows (an empty page: one row of zeros).
        grid: Where each of the n rows lies on the page.
    """

    full: FloatArray
    grid: Grid


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """A query's multivector: MaxSim(query, page) = sum over rows of the best dot product.

    Args:
        vectors: float32 [m, d], m >= 1. Rows carry their weight as their length.
        tokens: The m words or tokens the rows stand for, for people to read.
    """

    vectors: FloatArray
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Everything that must agree for stored and new vectors to be comparable.

    Args:
        facts: Model id, revision, dim, processor settings, canary hash: JSON values only.
    """

    facts: Mapping[str, Fact]

    @property
    def digest(self) -> str:
        """SHA-256 over the facts, 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(dict(self.facts), sort_keys=True).encode()).hexdigest()

    def differences(self, other: Fingerprint) -> list[str]:
        """`key: mine -> theirs` for every fact that differs."""
        keys = sorted(self.facts.keys() | other.facts.keys())
        pairs = [(key, self.facts.get(key), other.facts.get(key)) for key in keys]
        return [f"{key}: {mine} -> {theirs}" for key, mine, theirs in pairs if not _agree(key, mine, theirs)]


def _agree(key: str, mine: Fact | None, theirs: Fact | None) -> bool:
    """Equal facts; a canary written as numbers may differ as much as devices and number formats do."""
    if mine == theirs or key != "canary":
        return mine == theirs
    numbers = [_numbers(str(fact)) for fact in (mine, theirs)]
    if not numbers[0] or len(numbers[0]) != len(numbers[1]):
        return False
    return all(abs(a - b) <= CANARY_TOLERANCE for a, b in zip(*numbers, strict=True))


def _numbers(text: str) -> list[float]:
    """Numbers separated by spaces; none when it is something else, as a hash is."""
    try:
        return [float(part) for part in text.split(" ")] if " " in text else []
    except ValueError:
        return []


class Embedder(Protocol):
    """A late-interaction model over pages."""

    @property
    def name(self) -> str:
        """Model id as the user types it."""
        ...

    @property
    def options(self) -> ModelOptions:
        """How it was loaded, for another process to do the same."""
        ...

    @property
    def dim(self) -> int:
        """Dimension d of every vector."""
        ...

    @property
    def mean(self) -> FloatArray | None:
        """The model's mean vector [d], subtracted before a centred pooling; None when it has none."""
        ...

    @property
    def max_rows(self) -> int | None:
        """The most vectors a page can have; None when nothing bounds them."""
        ...

    @property
    def batch_size(self) -> int:
        """Pages best embedded at once; may shrink when memory runs out."""
        ...

    @property
    def page_spec(self) -> PageSpec:
        """What this model needs of a page (picture, words, resolution)."""
        ...

    def embed_pages(self, pages: Sequence[Page]) -> list[PageVectors]:
        """Embed pages, in order; a batch of n equals n batches of one."""
        ...

    def embed_query(self, text: str) -> QueryVectors:
        """Embed a query; raises `UsageError` when nothing of it can be embedded."""
        ...

    def fingerprint(self) -> Fingerprint:
        """Facts that decide whether stored vectors can be compared with this model's."""
        ...
