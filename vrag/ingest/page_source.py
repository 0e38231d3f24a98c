"""Who reads the pages of an ingest, and maybe embeds them: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vrag.embedders.protocol import PageVectors
from vrag.pages.page import Page
from vrag.pages.reader import DocumentInfo


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
