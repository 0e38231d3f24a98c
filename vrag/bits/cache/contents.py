"""The pages of one generation of files: their ids, and a column for everything that is kept of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vrag.bits.cache.array_files import Arrays, CacheFiles, DamagedError
from vrag.bits.cache.blocks import Blocks
from vrag.bits.cache.columns import BitColumn, Column, RowColumn, TermColumn
from vrag.bits.exact import bytes_of, fit
from vrag.bits.kernels.quantise import Signs
from vrag.bits.view import BitsView, PageTable
from vrag.grid import FloatArray
from vrag.store.interface import Record

AT_ONCE = 64  # pages that wait before they are written


@dataclass(frozen=True, slots=True)
class CacheLayout:
    """What is kept of every page.

    Args:
        dims: Dimension d of each multivector whose bits are kept, by name.
        facts: What the blocks depend on besides the pages' ids (model, pipeline).
        mean: float32 [d], the model's own mean; None for none.
        levels: Bits a value, for vectors with more than one.
        exact: Multivectors whose rows are kept too while they are few.
        sparse: Sparse vectors whose terms are kept.
    """

    dims: Mapping[str, int]
    facts: Mapping[str, Any] = field(default_factory=dict)
    mean: FloatArray | None = None
    levels: Mapping[str, int] = field(default_factory=dict)
    exact: Sequence[str] = ()
    sparse: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """Named vectors that blocks are made of."""
        return [*self.dims, *self.sparse]

    @property
    def told(self) -> dict[str, Any]:
        """What must be the same for files to be used: all but the kept rows, which come and go."""
        about = {"dims": dict(self.dims), "sparse": [*self.sparse], "levels": dict(self.levels), **self.facts}
        return {**about, "mean": None if self.mean is None else [round(float(x), 6) for x in self.mean]}

    def columns(self, generation: int) -> list[Column]:
        """Empty columns."""
        bits = [BitColumn(name, generation, self._signs(name)) for name in self.dims]
        rows = [RowColumn(name, generation, self.dims[name]) for name in self.exact]
        return [*bits, *rows, *(TermColumn(name, generation) for name in self.sparse)]

    def _signs(self, name: str) -> Signs:
        return Signs.around(self.mean, self.dims[name], self.levels.get(name, 1))


class Contents:
    """Pages in the order they came; those that the store has no more stay until the living are kept alone.

    Args:
        layout: What is kept of a page.
        files: Where.
        generation: Of the files.
    """

    def __init__(self, layout: CacheLayout, files: CacheFiles, generation: int) -> None:
        self.generation = generation
        self.position: dict[str, int] = {}  # of living pages
        self.committed = 0  # pages that the index file names
        self._layout, self._files = layout, files
        self._ids: list[str] = []
        self._columns = layout.columns(generation)

    def __len__(self) -> int:
        """Pages, dead ones included."""
        return len(self._ids)

    def add(self, page: Record) -> None:
        """Take a page in, in the place of what was known by its id."""
        self.position[page.id] = len(self._ids)
        self._ids.append(page.id)
        for column in self._columns:
            column.add(page)
        if len(self._columns[0].waiting) >= AT_ONCE:
            self.write()

    def write(self) -> None:
        """Write what waits to the data files."""
        for column in self._columns:
            column.write(self._files)

    def keep_living(self) -> None:
        """Leave the dead pages behind: new files with the blocks of the living ones."""
        self.write()
        self.generation += 1
        keep = sorted(self.position.values())
        for column in self._columns:
            column.keep(keep, self.generation, self._files)
        self._ids = [self._ids[i] for i in keep]
        self.position = {page: i for i, page in enumerate(self._ids)}

    def commit(self) -> None:
        """Make all of this what the next opening finds."""
        self.write()
        place = np.fromiter(self.position.values(), np.int64, len(self.position))
        arrays: Arrays = {"ids": np.array(self._ids, "S"), "place": place}
        for column in self._columns:
            arrays |= {f"{column.key}.{name}": array for name, array in column.blocks.arrays().items()}
        sizes = {column.blocks.file: column.blocks.size for column in self._columns if column.blocks.size}
        self._files.commit({"generation": self.generation, "facts": self._layout.told, "files": sizes}, arrays)
        self.committed = len(self._ids)

    def restore(self, arrays: Arrays) -> None:
        """As it was committed.

        Raises:
            DamagedError: That cannot have been.
        """
        self._ids = [page.decode() for page in arrays["ids"].tolist()]
        places, self.committed = arrays["place"].tolist(), len(self._ids)
        self.position = {self._ids[i]: i for i in places}
        if len(self.position) != len(places) or min(places, default=0) < 0:
            raise DamagedError("index.npz: its pages do not fit together")
        for column in self._columns:
            of_column = {name: arrays.get(f"{column.key}.{name}", np.zeros(0)) for name in ("ends", "sums")}
            column.restore(of_column, self.committed)
        damaged = [c.blocks.file for c in self._columns if c.blocks.damaged(self._files, _outermost(c.blocks))]
        if damaged:
            raise DamagedError(f"{damaged[0]}: it is not what was written")

    @property
    def lacks_rows(self) -> bool:
        """Whether the rows of a vector would find room that are not kept."""
        given_up = {c.name for c in self._columns if isinstance(c, RowColumn) and not c.is_kept}
        of_bits = [c for c in self._columns if isinstance(c, BitColumn) and c.name in given_up]
        return any(fit(bytes_of(np.diff(c.starts), c.signs.dim)) for c in of_bits)

    def view(self) -> BitsView:
        """All that is committed, which must be all that there is."""
        packed = {c.name: c.mapped(self._files) for c in self._columns if isinstance(c, BitColumn)}
        rows = {c.name: c.mapped(self._files) for c in self._columns if isinstance(c, RowColumn)}
        terms = {c.name: c.mapped(self._files) for c in self._columns if isinstance(c, TermColumn)}
        exact = {name: pages for name, pages in rows.items() if pages is not None}
        return BitsView(PageTable.of(self._ids, self.position), packed, exact, terms)

    def damage(self) -> list[str]:
        """A sentence for each data file that is not what was written; every byte is read."""
        found = []
        for column in self._columns:
            try:
                pages = column.blocks.damaged(self._files)
            except DamagedError as error:
                found.append(f"{error}")
                continue
            if pages:
                found.append(f"{column.blocks.file}: {len(pages)} of {len(column.blocks)} pages are damaged")
        return found


def _outermost(blocks: Blocks) -> list[int]:
    """Its first and its last page: where a torn or foreign file shows first, without reading all of it."""
    filled = np.flatnonzero(np.diff(blocks.ends))
    return sorted({int(filled[0]), int(filled[-1])}) if len(filled) else []
