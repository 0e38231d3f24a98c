"""Who reads the pages of an ingest, and maybe embeds them: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vrag.embedders.protocol import Embedder, PageVectors
from vrag.ingest.shares import Division
from vrag.pages.page import Page, PageSpec
from vrag.pages.reader import DocumentInfo
from vrag.pages.workers import PageWorkers


@dataclass(frozen=True, slots=True)
class EmbeddedPage:
    """A page that was embedded where it was read.

    Args:
        page: Without its picture.
        vectors: Of the page, or what the model raised when it was given the page alone.
    """

    page: Page
    vectors: PageVectors | Exception


class PageSource(Protocol):
    """Documents looked at and pages read, elsewhere and ahead of whoever asks."""

    @property
    def in_flight(self) -> int:
        """Pages to ask for at once: enough that none of those who read has to wait."""
        ...

    def inspect(self, path: Path) -> Future[DocumentInfo]:
        """Page count and metadata of a document; the future raises `PageError` when it cannot be read."""
        ...

    def load(self, path: Path, number: int) -> Future[Page] | Future[EmbeddedPage]:
        """Page `number` (1-based) of a document; the future raises `PageError` when it cannot be read."""
        ...


def open_source(
    ray: str | None, shares: Division, embedder: Embedder, spec: PageSpec
) -> AbstractContextManager[PageSource]:
    """The source of pages, from `with` on.

    Args:
        ray: Address of a Ray cluster that reads and embeds, "local" for one on this machine, None for none.
        shares: What processes that read pages on this machine may take.
        embedder: The index's model, which every worker of a cluster has to have too.
        spec: What is needed of a page.

    Raises:
        UsageError: Ray is not installed, or the cluster is not there.
        IndexMismatchError: A worker of the cluster has another model.
    """
    if ray is None:
        return PageWorkers(spec, shares.workers, memory_bytes=shares.worker_bytes, in_flight=shares.in_flight)
    from vrag.ingest.fleet.fleet import Fleet

    return Fleet(ray, embedder, spec)
