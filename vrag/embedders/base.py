"""What every embedder is: pages and queries in, multivectors out, and a fingerprint to tell models apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vrag.grid import FloatArray, Grid
from vrag.pages.page import Page, PageSpec


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

    facts: Mapping[str, str | int | float | bool]

    @property
    def digest(self) -> str:
        """SHA-256 over the facts, 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(dict(self.facts), sort_keys=True).encode()).hexdigest()

    def differences(self, other: Fingerprint) -> list[str]:
        """`key: mine -> theirs` for every fact that differs."""
        keys = sorted(self.facts.keys() | other.facts.keys())
        pairs = [(key, self.facts.get(key), other.facts.get(key)) for key in keys]
        return [f"{key}: {mine} -> {theirs}" for key, mine, theirs in pairs if mine != theirs]


class Embedder(Protocol):
    """A late-interaction model over pages."""

    @property
    def name(self) -> str:
        """Model id as the user types it."""
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
