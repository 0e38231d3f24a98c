"""The bits of every page of an index: appended to as pages are written, brought up to date from the store otherwise.

A page's id says its content (file, page, model), so the cache is up to date when it holds the ids that the store
holds. `changing` goes around every write of the store and leaves a mark on the disk; the mark is only taken away when
no write is in progress and the cache is known to hold what the store holds. What a crash leaves is therefore found, and
costs the pages that are missing.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.bits.exact import ExactPages
from vrag.bits.files import APPENDED, REWRITTEN, Arrays, CacheFiles
from vrag.bits.portable import IntArray
from vrag.bits.scoring import PackedPages
from vrag.bits.vector import PackedVector
from vrag.grid import FloatArray
from vrag.payload import PAGE
from vrag.store.base import Condition, Record, Selection, Store

SAMPLE_PAGES = 64  # pages seen before a mean is fixed, and written at once
_FETCH = 64
_MANY_DEAD = 64
_PAGES = Selection((Condition("kind", (PAGE,)),))


@dataclass(frozen=True, slots=True)
class PageTable:
    """Pages in the order of the bits.

    Args:
        ids: Record ids.
        docs: Document id of each page.
        alive: bool [pages]; False where the store has the page no more.
        position: Place of each living id.
        order: int64 [pages], where each id stands among all, sorted as text.
    """

    ids: tuple[str, ...]
    docs: tuple[str, ...]
    alive: npt.NDArray[np.bool_]
    position: Mapping[str, int]
    order: IntArray


class BitCache:
    """The bits beside one store.

    Args:
        folder: Made when the first page is written.
        dims: Dimension d of each multivector to keep, by name.
        facts: What the bits depend on besides the pages' ids (model, recipe); others on the disk are not used.
        mean: float32 [d], the model's own mean; None to take that of the first pages.
        levels: Bits a value, for vectors with more than one.
        exact: Vectors whose rows are kept too while they are few, for exact scores; where they are not yet, all is made
            anew.
    """

    def __init__(
        self,
        folder: Path,
        dims: Mapping[str, int],
        facts: Mapping[str, Any],
        mean: FloatArray | None = None,
        levels: Mapping[str, int] | None = None,
        exact: Sequence[str] = (),
    ) -> None:
        self._files = CacheFiles(folder)
        self._levels = {name: count for name, count in (levels or {}).items() if count > 1}
        self._dims, self._mean, self._exact = dict(dims), mean, tuple(exact)
        self._facts = {**facts, "levels": self._levels}
        self._lock = threading.RLock()
        self._table: PageTable | None = None
        self._packed: dict[str, PackedPages] = {}
        self._rows: dict[str, ExactPages | None] = {}
        self._writes = 0  # of the store that are in progress: what they bring may be there and not be known here
        self._begin(1)
        self._read()
        self._marked = self._files.marked()
        self._trusted = self._marked is None  # every change of the store has come through `changing`
        self._is_stale = self._marked == REWRITTEN  # pages may have other vectors, nobody knows which
        self._counted = False  # the store was seen to hold as many pages; asked once a change, it costs a millisecond

    @contextmanager
    def changing(self, records: Sequence[Record] = (), deleting: bool = False) -> Iterator[None]:
        """Around a write of the store; afterwards the pages are here too.

        Args:
            records: Pages that are written, with their vectors; those without vectors do not matter.
            deleting: Whether pages may disappear, which `update` will find out.
        """
        pages = [record for record in records if record.vectors]
        if not pages and not deleting:
            yield
            return
        rewritten = self._announce(pages)
        try:
            yield
        except BaseException:
            self._settle((), (), is_known=False, is_stale=bool(rewritten))  # what the store has of it, nobody knows
            raise
        self._settle(pages, rewritten, is_known=not deleting)

    def _announce(self, pages: Sequence[Record]) -> frozenset[str]:
        """Leave the mark before pages are written; ids of those that are here already."""
        with self._lock:
            rewritten = frozenset(page.id for page in pages if page.id in self._position)
            change = REWRITTEN if rewritten or self._marked == REWRITTEN else APPENDED
            if change != self._marked:
                self._files.mark(change)
                self._marked = change
            self._writes += 1
            return rewritten

    def _settle(
        self, pages: Sequence[Record], rewritten: Collection[str], is_known: bool, is_stale: bool = False
    ) -> None:
        """A write of the store is over, and brought these pages."""
        with self._lock:
            self._writes -= 1
            self._counted = False
            self._trusted &= is_known
            self._is_stale |= is_stale
            for page in pages:
                if page.id in rewritten:
                    self._position.pop(page.id, None)
            self._append(pages)

    def update(self, store: Store) -> None:
        """Make the cache hold what the store holds; cheap when nothing has changed."""
        with self._lock:
            if self.is_fresh(store):
                return
            if self._is_stale:
                self._begin(self._generation + 1)
                self._is_stale, self._trusted = False, False
            if not self._trusted or not self._has_count_of(store):
                self._compare(store)
                # A write that has not come back yet may bring back what was deleted meanwhile.
                self._trusted = not self._writes
            self._commit()

    def flush(self, store: Store) -> None:
        """Commit what was written, when that is all there is to do: nothing is read from the store."""
        with self._lock:
            is_known = self._trusted and not self._is_stale
            if is_known and self._marked and store.count(_PAGES) == len(self._position):
                self._commit()

    def is_fresh(self, store: Store) -> bool:
        """Whether `update` has nothing to do; what a write in progress brings need not be seen yet."""
        with self._lock:
            is_settled = self._marked is None or self._writes > 0
            is_whole = self._trusted and not self._is_stale and len(self._ids) == self._committed
            return is_settled and is_whole and self._has_count_of(store)

    def _has_count_of(self, store: Store) -> bool:
        """Whether the store has as many pages; cannot be told while it is written to."""
        if not self._counted and not self._writes:
            self._counted = store.count(_PAGES) == len(self._position)
        return self._counted or self._writes > 0

    def table(self) -> PageTable:
        """Ids and documents of the pages, after `update`; without those that another thread has brought since."""
        with self._lock:
            if self._table is None:
                ids, docs = self._ids[: self._committed], self._docs[: self._committed]
                position = {page: i for page, i in self._position.items() if i < self._committed}
                alive = np.zeros(len(ids), bool)
                alive[list(position.values())] = True
                order = np.argsort(np.argsort(np.array(ids, "S"), kind="stable"), kind="stable")
                self._table = PageTable(tuple(ids), tuple(docs), alive, position, order)
            return self._table

    def pages(self, name: str) -> PackedPages:
        """The bits of a named vector, after `update`; mapped, so that asking costs nothing."""
        with self._lock:
            if name not in self._packed:
                self._packed[name] = self._vectors[name].mapped(self._files)
            return self._packed[name]

    def exact(self, name: str) -> ExactPages | None:
        """The rows of a named vector, as `pages`; None where they are not kept: too many, or nobody needs them."""
        with self._lock:
            if name not in self._rows:
                kept = self._vectors[name].exact
                self._rows[name] = None if kept is None else kept.mapped(self._files)
            return self._rows[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Named vectors that have bits."""
        return tuple(self._dims)

    @property
    def _waiting(self) -> int:
        return max(len(vector.waiting) for vector in self._vectors.values())

    def _begin(self, generation: int) -> None:
        """Hold nothing, in files of this generation."""
        self._generation = generation
        self._committed = 0  # pages that every vector's file has for certain
        self._ids: list[str] = []
        self._docs: list[str] = []
        self._position: dict[str, int] = {}
        self._vectors = {
            name: PackedVector(name, self._generation, dim, self._levels.get(name, 1), name in self._exact)
            for name, dim in self._dims.items()
        }
        self._forget_views()

    def _forget_views(self) -> None:
        self._table = None
        self._packed, self._rows = {}, {}

    def _append(self, pages: Iterable[Record]) -> None:
        """Take pages in that are not here yet."""
        for page in pages:
            if page.id not in self._position:
                self._add(page)
        if self._waiting >= SAMPLE_PAGES:
            self._write()

    def _add(self, record: Record) -> None:
        self._position[record.id] = len(self._ids)
        self._ids.append(record.id)
        self._docs.append(str(record.payload.get("doc_id", "")))
        for name, vector in self._vectors.items():
            vector.add(record.vectors.get(name))

    def _compare(self, store: Store) -> None:
        """Take in the pages that only the store has, let go of those that only the cache has."""
        stored = [record.id for record in store.scroll(_PAGES, keys=())]
        for gone in self._position.keys() - set(stored):
            del self._position[gone]
        missing = [page for page in stored if page not in self._position]
        for start in range(0, len(missing), _FETCH):
            found = store.fetch(missing[start : start + _FETCH], list(self._dims))
            self._append(found[page] for page in missing[start : start + _FETCH] if page in found)
            store.trim()
        dead = len(self._ids) - len(self._position)
        if dead > max(_MANY_DEAD, len(self._position)):
            self._compact()

    def _compact(self) -> None:
        """Leave the dead pages behind: new files with the blocks of the living ones."""
        self._write()
        self._generation += 1
        keep = sorted(self._position.values())
        self._vectors = {
            name: vector.kept(keep, self._generation, self._files) for name, vector in self._vectors.items()
        }
        self._ids, self._docs = [self._ids[i] for i in keep], [self._docs[i] for i in keep]
        self._position = {page: i for i, page in enumerate(self._ids)}

    def _write(self) -> None:
        for vector in self._vectors.values():
            vector.write(self._files, self._mean)

    def _commit(self) -> None:
        self._write()
        docs, codes = np.unique(np.array(self._docs, dtype="S"), return_inverse=True)
        arrays: Arrays = {"ids": np.array(self._ids, dtype="S"), "docs": docs, "doc": codes.astype(np.int32)}
        arrays["place"] = np.array(list(self._position.values()), np.int64)
        header = {
            "generation": self._generation,
            "facts": self._facts,
            "dims": self._dims,
            "files": {file: size for vector in self._vectors.values() for file, size in vector.files()},
            "vectors": {name: vector.state() for name, vector in self._vectors.items()},
        }
        for name, vector in self._vectors.items():
            arrays[f"rows.{name}"] = np.array(vector.rows, np.int64)
            arrays[f"mean.{name}"] = vector.signs.mean
        self._files.commit(header, arrays)
        if not self._writes:
            self._files.unmark()
            self._marked = None
        self._committed = len(self._ids)
        self._forget_views()

    def _read(self) -> None:
        found = self._files.read()
        if found is None:
            return
        header, arrays = found
        is_ours = header["facts"] == self._facts and header["dims"] == self._dims
        self._begin(int(header["generation"]) + (not is_ours))  # none of another's files is written to
        if not is_ours:
            return
        self._ids = [page.decode() for page in arrays["ids"].tolist()]
        self._committed = len(self._ids)
        names = [doc.decode() for doc in arrays["docs"].tolist()]
        self._docs = [names[code] for code in arrays["doc"].tolist()]
        self._position = {self._ids[i]: i for i in arrays["place"].tolist()}
        for name, vector in self._vectors.items():
            vector.restore(header["vectors"][name], arrays[f"rows.{name}"], arrays[f"mean.{name}"])
        if any(vector.exact and vector.exact.is_missing for vector in self._vectors.values()):
            self._begin(self._generation + 1)  # they are few: soon read again
