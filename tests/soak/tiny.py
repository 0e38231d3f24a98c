"""A model that costs nothing, in the place of the built-in one: a crash does not depend on what vectors mean."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from functools import lru_cache
from multiprocessing.context import ForkContext

import numpy as np

import vrag.embedders
import vrag.embedders.mean
import vrag.ingest.ingest
from vrag.embedders.families import Backend
from vrag.embedders.models import MINILM
from vrag.embedders.options import ModelOptions
from vrag.embedders.protocol import Fingerprint, PageVectors, QueryVectors
from vrag.grid import WHOLE_PAGE, FloatArray, Grid
from vrag.pages import workers
from vrag.pages.page import Page, PageSpec

DIM = 32


class TinyEmbedder:
    """A word's vector is made of its letters and a little of the words beside it (implements `Embedder`)."""

    name = "builtin"
    dim = DIM
    page_spec = PageSpec(image=False, words=True)
    max_rows = None
    batch_size = 8
    options = ModelOptions()

    @property
    def mean(self) -> FloatArray:
        return mean()

    def embed_pages(self, pages: Sequence[Page]) -> list[PageVectors]:
        return [self._embed(page) for page in pages]

    def embed_query(self, text: str) -> QueryVectors:
        words = tuple(text.split())
        return QueryVectors(_rows(words), words)

    def fingerprint(self) -> Fingerprint:
        return Fingerprint({"model": "tiny", "dim": DIM, "vectors": 1})

    def _embed(self, page: Page) -> PageVectors:
        if not len(page.words):
            return PageVectors(np.zeros((1, DIM), np.float32), Grid.free([WHOLE_PAGE]))
        return PageVectors(_rows(page.words.texts), Grid.free(page.words.boxes))


@lru_cache(maxsize=1)
def mean() -> FloatArray:
    """Of words that no document has."""
    rows: FloatArray = np.stack([_word(f"vocabulary-{number}") for number in range(100)]).mean(axis=0)
    return rows


def install(pool: workers.PageWorkers | None = None) -> None:
    """Use it in this process for whatever asks for the built-in model.

    Args:
        pool: Reads the pages of every ingest, for a process whose threads forbid to fork; by default each ingest forks
            its own.
    """
    families = vrag.embedders.families.FAMILIES
    assert isinstance(families, dict)
    families[MINILM] = Backend(lambda name, options: TinyEmbedder(), lambda name, options: "builtin")
    vrag.embedders.mean.load_mean = mean
    if pool is None:
        workers.WorkerSpawn = ForkContext
    else:
        vrag.ingest.ingest.open_source = lambda ray, shares, embedder, spec: nullcontext(pool)


@lru_cache(maxsize=10_000)
def _word(text: str) -> FloatArray:
    row = np.random.default_rng(zlib.crc32(text.lower().encode())).normal(size=DIM).astype(np.float32)
    row[0] += 3  # as real vectors have it, all lie on one side
    return row


def _rows(words: Sequence[str]) -> FloatArray:
    """Unit rows [n, d]; only sums and quotients of single numbers, which are the same on every machine."""
    rows = np.stack([_word(word) for word in words])
    beside = np.zeros_like(rows)
    beside[1:] += rows[:-1]
    beside[:-1] += rows[1:]
    rows = rows + np.float32(0.3) * beside
    unit: FloatArray = rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return unit
