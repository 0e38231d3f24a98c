"""The embedder of an ingest by a fleet: it hands out what workers have embedded."""

from __future__ import annotations

from collections.abc import Sequence

from vrag.embedders.options import ModelOptions
from vrag.embedders.protocol import Embedder, Fingerprint, PageVectors, QueryVectors
from vrag.errors import ModelError
from vrag.grid import FloatArray
from vrag.ingest.fleet.actor import Refused
from vrag.pages.page import Page, PageSpec


class RemoteError(Exception):
    """What was raised on a worker, as its traceback says."""


class FleetEmbedder:
    """The driver's embedder, with the vectors of pages that the fleet has embedded already."""

    def __init__(self, own: Embedder) -> None:
        self._own = own
        self._kept: dict[int, PageVectors | Refused] = {}

    def keep(self, page: Page, vectors: PageVectors | Refused) -> None:
        """Vectors to hand out when this page is to be embedded, or why there are none."""
        self._kept[id(page)] = vectors

    def embed_pages(self, pages: Sequence[Page]) -> list[PageVectors]:
        """The vectors that came with the pages.

        Raises:
            ModelError: A worker's model refused one of them; the others can still be had.
        """
        found = [self._kept[id(page)] for page in pages]
        vectors = [one for one in found if isinstance(one, PageVectors)]
        refused = [one for one in found if isinstance(one, Refused)]
        if not refused or len(pages) == 1:
            for page in pages:
                del self._kept[id(page)]
        if refused:
            raise ModelError(refused[0].reason) from RemoteError(refused[0].trace)
        return vectors

    @property
    def name(self) -> str:
        """Model id."""
        return self._own.name

    @property
    def options(self) -> ModelOptions:
        """How the model was loaded."""
        return self._own.options

    @property
    def dim(self) -> int:
        """Dimension d."""
        return self._own.dim

    @property
    def mean(self) -> FloatArray | None:
        """The model's mean vector [d]."""
        return self._own.mean

    @property
    def max_rows(self) -> int | None:
        """The most vectors a page can have."""
        return self._own.max_rows

    @property
    def batch_size(self) -> int:
        """Pages best written at once."""
        return self._own.batch_size

    @property
    def page_spec(self) -> PageSpec:
        """What the model needs of a page."""
        return self._own.page_spec

    def embed_query(self, text: str) -> QueryVectors:
        """A query's rows, made on this machine."""
        return self._own.embed_query(text)

    def fingerprint(self) -> Fingerprint:
        """Facts of the model."""
        return self._own.fingerprint()
