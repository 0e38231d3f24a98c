"""The bits of every page of an index: appended to as pages are written, brought up to date from the store otherwise.

A page's id says its content (file, page, model), so the cache is up to date when it holds the ids that the store
holds. `changing` goes around every write of the store and leaves a mark on the disk; the mark is only taken away when
no write is in progress and the cache is known to hold what the store holds. What a crash leaves is therefore found, and
costs the pages that are missing. What is damaged is made again; what cannot be written is done without.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vrag.bits.cache.array_files import APPENDED, REWRITTEN, CacheFiles, DamagedError, not_emptied
from vrag.bits.cache.contents import CacheLayout, Contents
from vrag.bits.view import BitsView
from vrag.store.interface import PAGE, Condition, Record, Selection, Store

_LOG = logging.getLogger("vrag")
_FETCH = 64
_MANY_DEAD = 64
_MOST_GENERATIONS = 10**9  # it is part of the names of files
_PAGES = Selection((Condition("kind", (PAGE,)),))


class BitCache:
    """The bits beside one store.

    Args:
        folder: Made when the first page is written.
        layout: What is kept of a page; what was kept by another one is not used.
    """

    def __init__(self, folder: Path, layout: CacheLayout) -> None:
        self.layout = layout
        self._files = CacheFiles(folder)
        self._lock = threading.RLock()
        self._view: BitsView | None = None
        self._writes = 0  # of the store that are in progress: what they bring may be there and not be known here
        self._is_off = False  # the disk refused a write
        self._has_said = False  # and that was told
        self._has_changed = False  # and the store was written since
        self._damage: list[str] = []  # found where it was not looked for, and not made good yet
        self._load(1)

    @contextmanager
    def changing(self, records: Sequence[Record] = (), deleting: bool = False) -> Iterator[None]:
        """Around a write of the store; afterwards the pages are here too.

        Args:
            records: Pages that are written, with their vectors; those without vectors do not matter.
            deleting: Whether pages may disappear, which `update` will find out.

        Raises:
            StoreError: The cache's folder lets itself neither be written nor be emptied: it would go on to show what
                the store held before.
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

    def view(self, store: Store) -> BitsView | None:
        """All that the store holds, for one query; None while the cache cannot be written."""
        with self._lock:
            if self._is_off and not self._has_changed:
                return None
            try:
                self.update(store)
            except OSError as error:
                self._go_without(error)
                return None
            return self.committed()

    def committed(self) -> BitsView:
        """All that the last `update` has brought, or else what the disk has."""
        with self._lock:
            if self._view is None:
                self._view = self._contents.view()
            return self._view

    def update(self, store: Store) -> None:
        """Make the cache hold what the store holds; cheap when nothing has changed.

        Raises:
            OSError: The disk refuses.
        """
        with self._lock:
            if self._is_off:
                self._is_off = False
                self._load(self._contents.generation + 1)
            try:
                self._update(store)
            except DamagedError as damage:
                self._make_again(str(damage))
                self._update(store)

    def flush(self, store: Store) -> None:
        """Commit what was written, when that is all there is to do: nothing is read from the store."""
        with self._lock:
            if not self._marked or self._is_stale or self._is_off:
                return
            try:
                if self._contents.position.keys() == set(_pages_of(store)):
                    self._commit()
            except (OSError, DamagedError) as error:
                self._go_without(error)

    def compact(self, store: Store) -> None:
        """Keep nothing of pages that the store has no more, on the disk either."""
        with self._lock:
            try:
                if not len(self._contents):  # what is there is of another layout, if anything is
                    self._files.clear()
                    return
                self.update(store)
                if len(self._contents) > len(self._contents.position):
                    self._contents.keep_living()
                    self._commit()
            except (OSError, DamagedError) as error:
                self._go_without(error)

    def is_fresh(self, store: Store) -> bool:
        """Whether `update` has nothing to do; what a write in progress brings need not be seen yet."""
        with self._lock:
            is_settled = self._marked is None or self._writes > 0
            is_whole = self._is_trusted and not self._is_stale and len(self._contents) == self._contents.committed
            return is_settled and is_whole and self._has_count_of(store)

    def damage(self) -> list[str]:
        """A sentence for each file that is not what was written; every byte is read."""
        with self._lock:
            return [*self._damage, *self._contents.damage()]

    def discard(self) -> None:
        """Make all anew with the next `update`."""
        with self._lock:
            self._files.forget()
            self._begin()
            self._damage = []

    def _load(self, generation: int) -> None:
        """What the disk has; nothing, in files of this generation, where it has nothing that can be used."""
        self._contents, self._view = Contents(self.layout, self._files, generation), None
        self._marked = self._files.marked()
        self._is_trusted = False  # what is here was compared with the store, and every change since came in
        self._is_stale = self._marked == REWRITTEN  # pages may have other vectors, nobody knows which
        self._counted = False  # the store was seen to hold as many pages; asked once a change, it costs a millisecond
        try:
            self._read()
        except DamagedError as damage:
            self._make_again(str(damage))

    def _read(self) -> None:
        found = self._files.read()
        if found is None:
            return
        header, arrays = found
        try:
            generation = int(header["generation"])
            if not 0 <= generation < _MOST_GENERATIONS:
                raise ValueError(f"generation {generation:.3g}")
            self._contents = Contents(self.layout, self._files, generation)
            if header["facts"] != self.layout.told:
                self._begin()  # none of another's files is written to
                return
            self._contents.restore(arrays)
            self._is_trusted = self._marked is None
        except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
            raise DamagedError(f"index.npz makes no sense: {error!r}") from error
        if self._contents.lacks_rows:
            self._begin()  # they are few: soon read again

    def _begin(self) -> None:
        """Hold nothing, in new files."""
        self._contents = Contents(self.layout, self._files, self._contents.generation + 1)
        self._view, self._is_trusted, self._is_stale, self._counted = None, False, False, False

    def _make_again(self, why: str) -> None:
        _LOG.warning("The bits beside the index are damaged (%s): they are made again.", why)
        self._damage.append(why)
        self._begin()

    def _go_without(self, error: Exception) -> None:
        """The disk refuses: searches ask the engine, until the store was written to and it may be tried again."""
        if not self._has_said:
            _LOG.warning("The bits beside the index cannot be written (%s): searches do without them.", error)
        self._begin()
        self._is_off, self._has_said, self._has_changed = True, True, False

    def _announce(self, pages: Sequence[Record]) -> frozenset[str]:
        """Leave the mark before pages are written; ids of those that are here already."""
        with self._lock:
            rewritten = frozenset(page.id for page in pages if page.id in self._contents.position)
            change = REWRITTEN if rewritten or self._marked == REWRITTEN else APPENDED
            try:
                if change != self._marked and not self._is_off:
                    self._files.mark(change)
                    self._marked = change
            except OSError as error:
                self._go_without(error)
            if self._is_off:
                self._empty()
            self._writes += 1
            return rewritten

    def _empty(self) -> None:
        """Leave nothing on the disk that a change of the store would make wrong."""
        try:
            self._files.forget()
        except OSError as error:
            raise not_emptied(error) from error

    def _settle(
        self, pages: Sequence[Record], rewritten: Collection[str], is_known: bool, is_stale: bool = False
    ) -> None:
        """A write of the store is over, and brought these pages."""
        with self._lock:
            self._writes -= 1
            self._counted, self._has_changed = False, True
            self._is_trusted &= is_known
            self._is_stale |= is_stale
            if self._is_off:
                return
            try:
                self._take([page for page in pages if page.id in rewritten or page.id not in self._contents.position])
            except (OSError, DamagedError) as error:
                self._go_without(error)

    def _update(self, store: Store) -> None:
        if not self.is_fresh(store):
            if self._is_stale:
                self._begin()
            if not self._is_trusted or not self._has_count_of(store):
                self._compare(store)
                self._is_trusted = not self._writes  # one in progress may bring back what was deleted meanwhile
            self._commit()
        self.committed()  # now, before others write more

    def _has_count_of(self, store: Store) -> bool:
        """Whether the store has as many pages; cannot be told while it is written to."""
        if not self._counted and not self._writes:
            self._counted = store.count(_PAGES) == len(self._contents.position)
        return self._counted or self._writes > 0

    def _compare(self, store: Store) -> None:
        """Take in the pages that only the store has, let go of those that only the cache has."""
        stored = _pages_of(store)
        for gone in self._contents.position.keys() - set(stored):
            del self._contents.position[gone]
        missing = [page for page in stored if page not in self._contents.position]
        for start in range(0, len(missing), _FETCH):
            found = store.fetch(missing[start : start + _FETCH], self.layout.names)
            self._take([found[page] for page in missing[start : start + _FETCH] if page in found])
            store.trim()
        dead = len(self._contents) - len(self._contents.position)
        if dead > max(_MANY_DEAD, len(self._contents.position)):
            self._contents.keep_living()

    def _take(self, pages: Sequence[Record]) -> None:
        for page in pages:
            self._contents.add(page)

    def _commit(self) -> None:
        self._contents.commit()
        self._view = None
        self._damage = []
        if not self._writes:
            self._files.unmark()
            self._marked = None


def _pages_of(store: Store) -> list[str]:
    """Ids of all pages that the store holds."""
    return [record.id for record in store.scroll(_PAGES, keys=())]
