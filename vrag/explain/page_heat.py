"""The heat of one page for a query, without a search: what `vrag explain` paints, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vrag.catalog.kinds import reading
from vrag.catalog.payload import page_grid
from vrag.embedders.protocol import QueryVectors
from vrag.errors import UsageError
from vrag.explain.heatmap import paint, row_heat, transparent
from vrag.explain.matching import cosines
from vrag.grid import FloatArray, Grid
from vrag.pipeline.pipeline import FULL
from vrag.search.typed_words import typed_words
from vrag.store.interface import Record

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Heat:
    """Where each row of a query is answered on a page.

    Args:
        rows: float32 [m, n], heat of the page's n rows for each of the query's m rows.
        peak: The greatest heat that one word of the query has.
        grid: Where the n rows lie.
    """

    rows: FloatArray
    peak: float
    grid: Grid

    def picture(self, size: tuple[int, int], tokens: Sequence[int] = ()) -> Image:
        """The heat as a transparent picture to lay over the page: RGBA.

        Single words are shown as hot as they are beside the hottest one.

        Args:
            size: Width and height in pixels.
            tokens: Which of the query's m rows, from 0, are added up; without any, all of them.

        Raises:
            UsageError: The query has no such row.
        """
        wrong = next((token for token in tokens if not 0 <= token < len(self.rows)), None)
        if wrong is not None:
            raise UsageError(f"The query has {len(self.rows)} rows, and {wrong} is none of them.", "They count from 0.")
        values = self.rows[list(tokens)].sum(axis=0) if tokens else self.rows.sum(axis=0)
        raster = paint(values, self.grid, size)
        greatest = self.peak if tokens else float(raster.max(initial=0.0))
        return transparent(np.minimum(raster / max(greatest, 1e-12), 1))


def page_heat(query: str, embedded: QueryVectors, record: Record) -> Heat:
    """The heat of a page.

    Args:
        query: What is looked for.
        embedded: Its rows.
        record: Of the page, with `full`.
    """
    with reading("a page"):
        full = record.vectors[FULL]
    grid = page_grid(record.payload)
    rows = row_heat(*cosines(embedded, full), grid)
    words = typed_words(query, embedded.tokens)
    peak = max((float(rows[list(word.rows)].sum(axis=0).max(initial=0.0)) for word in words), default=0.0)
    return Heat(rows, peak, grid)
