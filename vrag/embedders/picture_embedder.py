"""What every model of page pictures needs around its forward pass: batches that shrink, and rows that are checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from vrag.embedders.options import ModelOptions
from vrag.embedders.protocol import PageVectors
from vrag.errors import ModelError, PageError, UsageError
from vrag.grid import FloatArray, Grid
from vrag.pages.page import Page, PageSpec

_DPI = 300  # the longest side decides: small pages are not rendered larger than this
Embed = Callable[[Sequence[Page]], list[PageVectors]]
SMALLER = "Use a smaller model, --device cpu, or --dtype bfloat16 for half the memory."


def _nothing(device: str) -> None:
    """No memory is cached that could be given back."""


class Batches:
    """Pages, a batch at a time; when memory runs out the batch is halved, for all that follow too.

    Args:
        size: Pages of one forward pass at first.
        device: Where the model runs, for messages.
        is_out_of_memory: Whether an exception says that memory ran out.
        free_memory: Gives cached memory of the device back.
        remedy: What to do when not even one page fits.
    """

    def __init__(
        self,
        size: int,
        device: str,
        is_out_of_memory: Callable[[BaseException], bool],
        free_memory: Callable[[str], None] = _nothing,
        remedy: str = SMALLER,
    ) -> None:
        self.size = size
        self._device = device
        self._is_out_of_memory = is_out_of_memory
        self._free_memory = free_memory
        self._remedy = remedy

    def run(self, pages: Sequence[Page], embed: Embed) -> list[PageVectors]:
        """Vectors of all pages, in order.

        Raises:
            ModelError: One page alone does not fit into memory.
        """
        done: list[PageVectors] = []
        while len(done) < len(pages):
            batch = pages[len(done) : len(done) + self.size]
            try:
                done += embed(batch)
            except (RuntimeError, MemoryError) as error:
                self._halve(error, batch)
        return done

    def run_query(self, run: Callable[[], FloatArray]) -> FloatArray:
        """The rows of a query.

        Raises:
            ModelError: It does not fit into memory.
        """
        try:
            return run()
        except (RuntimeError, MemoryError) as error:
            if not self._is_out_of_memory(error):
                raise
            raise ModelError(
                f"The query does not fit into the memory of {self._device}.", "Ask less at once."
            ) from error

    def _halve(self, error: Exception, batch: Sequence[Page]) -> None:
        """After running out of memory: half as many pages at once from now on."""
        if not self._is_out_of_memory(error):
            raise error
        if len(batch) == 1:
            raise ModelError(
                f"Page {batch[0].number} does not fit into the memory of {self._device}.",
                self._remedy,
            ) from error
        self.size = len(batch) // 2
        self._free_memory(self._device)


class PictureEmbedder(ABC):
    """What embedders of page pictures have in common; what runs the model adds the rest of `Embedder`.

    Args:
        name: As the user types it.
        device: Where it runs.
        batches: Runs its forward passes.
        options: Batch size and query mode.
    """

    mean: FloatArray | None = None  # these models ship no mean vector

    def __init__(self, name: str, device: str, batches: Batches, options: ModelOptions) -> None:
        self.name, self.device, self.options = name, device, options
        self._batches = batches

    @cached_property
    def dim(self) -> int:
        """Dimension of every vector, as the model gives it."""
        return int(self.token_rows("a").shape[1])

    @property
    def batch_size(self) -> int:
        """Pages of one forward pass; halved when memory runs out."""
        return self._batches.size

    @cached_property
    def page_spec(self) -> PageSpec:
        """A picture as large as the processor can use; the text layer's words, for people to read beside a hit."""
        return PageSpec(image=True, words=True, ocr="never", dpi=_DPI, max_side=self._longest_side())

    def embed_pages(self, pages: Sequence[Page]) -> list[PageVectors]:
        """One unit row a patch, float32 [n, d], with the grid of the patches (a dense model: one row, one cell).

        Batches of `batch_size`; when memory runs out the batch is halved, for all that follow too.

        Raises:
            ModelError: One page alone does not fit into memory, or a row is not a number or all zero.
            PageError: The processor refuses one of the pictures.
        """
        return self._batches.run(pages, self._embed_batch)

    @abstractmethod
    def token_rows(self, text: str) -> FloatArray:
        """The rows of all of a text's tokens, float32 [m, d], m = 1 for a dense model.

        Raises:
            ModelError: A row is not a number, or it does not fit into memory.
        """

    @abstractmethod
    def _embed_batch(self, pages: Sequence[Page]) -> list[PageVectors]:
        """Pages of one forward pass."""

    @abstractmethod
    def _longest_side(self) -> int:
        """Pixels of a page's longest side that the processor can make use of."""


def check_query(text: str) -> None:
    """Refuse a query without a word.

    Raises:
        UsageError: It is empty.
    """
    if not text.strip():
        raise UsageError("The query is empty.", "Say what you look for.")


def check_rows(rows: FloatArray, what: str, model: str, where: str) -> None:
    """Refuse rows [n, d] that match nothing, silently: not numbers, or all zero.

    Args:
        rows: Of a page or a query.
        what: Whose rows they are, to begin a sentence.
        model: Its name.
        where: Device and number format.

    Raises:
        ModelError: A row cannot be used.
    """
    bad = "not numbers" if not np.isfinite(rows).all() else "all zero" if not rows.any(axis=1).all() else ""
    if bad:
        raise ModelError(f"{what}: vectors of {model} are {bad} on {where}.", "Try --dtype float32, or --device cpu.")


def on_page(rows: FloatArray, grid: Grid, page: Page) -> PageVectors:
    """Rows with the grid of the page's picture, which may be a cropped part of the page."""
    return PageVectors(rows, grid.within(page.crop))


def picture(page: Page) -> Any:
    """The page's picture.

    Raises:
        ModelError: It was not rendered.
    """
    if page.image is None:
        raise ModelError(f"Page {page.number} has no picture.", "The pipeline's page settings leave it out.")
    return page.image


def refused(error: Exception) -> PageError:
    """The error for a picture that a processor does not take, as one that is 200 times as long as wide."""
    return PageError(f"the model's processor refuses the picture: {error}")
