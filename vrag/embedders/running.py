"""What every model of page pictures needs around its forward pass: batches that shrink, and rows that are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vrag.embedders.base import PageVectors
from vrag.errors import ModelError, PageError
from vrag.grid import FloatArray, Grid
from vrag.pages.page import Page

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
        raise ModelError(f"Page {page.number} has no picture.", "The recipe's page settings leave it out.")
    return page.image


def refused(error: Exception) -> PageError:
    """The error for a picture that a processor does not take, as one that is 200 times as long as wide."""
    return PageError(f"the model's processor refuses the picture: {error}")
