"""Where the packed bits of a search's candidates come from: beside the store, or with the points of a server."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Protocol

import numpy as np

from vrag.bits.kernels.portable import IntArray
from vrag.bits.kernels.quantise import BitArray
from vrag.bits.packed import PackedPages
from vrag.bits.view import BitsView, PageTable
from vrag.catalog.page_bits import PageBits, Pieces
from vrag.pipeline.pipeline import FULL
from vrag.runtime.batching import batched
from vrag.store.interface import BITS_SUM, Scored, Selection, Store

MOST_BYTES = 256 << 20  # of bits of a server's pages that an open index keeps in memory
_AT_ONCE = 16  # pages without bits whose vectors are held as numbers of Python at a time
_LOG = logging.getLogger("vrag")


class Look(NamedTuple):
    """A view of some of the bits, by which it is chosen whose others are worth having.

    Args:
        pieces: Pieces of each page's bits.
        keeps: Candidates that go on.
    """

    pieces: int
    keeps: int


class BitSource(Protocol):
    """Gives a query the bits of its candidates."""

    @property
    def looks(self) -> Sequence[Look]:
        """What to look at before all bits of fewer candidates; nothing where bits cost nothing."""
        ...

    @property
    def keys(self) -> Sequence[str]:
        """Of the candidates' payloads: what `view` needs of them."""
        ...

    def view(self, vector: str, points: Sequence[Scored], pieces: int | None = None) -> BitsView | None:
        """The bits of the points that are there; None where this vector has none.

        Args:
            vector: Named vector.
            points: Candidates.
            pieces: As a look has them; None for all bits.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeptBits:
    """A `BitSource` of what is kept beside the store, as a query sees it.

    Args:
        look: Gives that; None where nothing is kept.
    """

    look: Callable[[], BitsView | None]
    looks: Sequence[Look] = ()
    keys: Sequence[str] = ()

    def view(self, vector: str, points: Sequence[Scored], pieces: int | None = None) -> BitsView | None:
        """All there is, when it holds all of the points."""
        seen = self.look()
        if seen is None or vector not in seen.packed:
            return None
        return seen if all(point.id in seen.table.position for point in points) else None


class _Known(NamedTuple):
    """First pieces of a page's bits, and the sum of all of them; None where the page was written without."""

    sum: int | None
    pieces: Pieces


class PointBits:
    """A `BitSource` of the bits that travel with a server's points, shared by all threads that search an open index.

    What was read is kept by page and by the sum of its bits, which comes with every candidate: of a page that another
    process has written meanwhile nothing old is scored. Where bits are missing or damaged, `full` is read instead.

    Args:
        store: Where the pages are.
        page_bits: What their bits are.
        are_written: Whether pages are written with bits, so that those without are worth a word.
    """

    def __init__(self, store: Store, page_bits: PageBits, are_written: bool) -> None:
        self._store, self._of, self._are_written = store, page_bits, are_written
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Known] = OrderedDict()  # the last used come last
        self._bytes = 0
        self._has_said = False

    @property
    def looks(self) -> Sequence[Look]:
        """Each piece but the last, and then fewer candidates (docs/reference/server.md: what that costs and loses)."""
        return [Look(1, 224), Look(2, 112)][: len(self._of.keys) - 1]

    @property
    def keys(self) -> Sequence[str]:
        """The sums."""
        return (BITS_SUM,)

    def view(self, vector: str, points: Sequence[Scored], pieces: int | None = None) -> BitsView | None:
        """The bits of those points that are still there."""
        if vector != FULL:
            return None
        wanted = len(self._of.keys) if pieces is None else pieces
        found = self._kept_of(points)
        lacking = {page: known for page, known in found.items() if len(known.pieces) < wanted}
        read = self._read(lacking, wanted)
        self._keep(read)
        found |= read
        blocks = {page: known.pieces[:wanted] for page, known in found.items() if len(known.pieces) >= wanted}
        return _view(blocks, PackedPages(self._of.signs_of(wanted), *_joined(list(blocks.values()))))

    def _kept_of(self, points: Sequence[Scored]) -> dict[str, _Known]:
        """What is known of each point as it was when it was found; nothing of one that was written since."""
        found = {}
        with self._lock:
            for point in points:
                sum_now, known = point.payload.get(BITS_SUM), self._kept.get(point.id)
                if known is None or known.sum != sum_now:
                    known = _Known(sum_now, ())
                else:
                    self._kept.move_to_end(point.id)
                found[point.id] = known
        return found

    def _read(self, lacking: Mapping[str, _Known], wanted: int) -> dict[str, _Known]:
        """The pages with so many pieces, those that are known not read again."""
        found: dict[str, _Known] = {}
        bare: dict[str, int | None] = {}  # with the sums they were seen with, so that later ones are read again
        missing = 0

        def known_pieces(page: str) -> int:
            return len(lacking[page].pieces)

        for first, pages in groupby(sorted(lacking, key=known_pieces), known_pieces):
            some = Selection(ids=frozenset(pages))
            for record in self._store.scroll(some, keys=(*self._of.keys[first:wanted], BITS_SUM)):
                before, sum_now = lacking[record.id], record.payload.get(BITS_SUM)
                is_same = first == 0 or before.sum == sum_now
                pieces = self._of.more(record.payload, before.pieces, wanted) if is_same else None
                if pieces is None:
                    bare[record.id] = sum_now
                    missing += is_same
                else:
                    found[record.id] = _Known(sum_now, pieces)
        self._warn(missing)
        return found | self._made(bare)

    def _warn(self, missing: int) -> None:
        if missing and self._are_written and not self._has_said:
            self._has_said = True
            says = "Searches read the vectors of pages whose bits the server lacks, %d of them just now: %s adds them."
            _LOG.warning(says, missing, "vrag verify --repair")

    def _made(self, pages: Mapping[str, int | None]) -> dict[str, _Known]:
        """Bits of pages that have none, or that are written just now, made of their `full`."""
        made = {}
        for some in batched(pages, _AT_ONCE):
            for page, record in self._store.fetch(some, [FULL]).items():
                if FULL in record.vectors:
                    made[page] = _Known(pages[page], self._of.pieces(record))
        return made

    def _keep(self, read: Mapping[str, _Known]) -> None:
        with self._lock:
            for page, known in read.items():
                before = self._kept.pop(page, None)
                if before is not None and before.sum == known.sum and len(before.pieces) > len(known.pieces):
                    known = before  # another thread has read more of it
                self._bytes += _bytes(known) - (_bytes(before) if before else 0)
                self._kept[page] = known
            while self._bytes > MOST_BYTES:
                self._bytes -= _bytes(self._kept.popitem(last=False)[1])


def _bytes(known: _Known) -> int:
    return sum(piece.nbytes for piece in known.pieces)


def _joined(pages: Sequence[Pieces]) -> tuple[BitArray, IntArray]:
    """Blocks as `PackedPages` has them, one behind the other, and the first row of each."""
    blocks = [piece.ravel() for pieces in pages for piece in pieces]  # a block is its pieces, one below the other
    rows = np.cumsum([0, *(pieces[0].shape[1] for pieces in pages)], dtype=np.int64)
    return np.concatenate(blocks) if blocks else np.zeros(0, np.uint32), rows


def _view(pages: Mapping[str, Pieces], packed: PackedPages) -> BitsView:
    position = {page: i for i, page in enumerate(pages)}
    return BitsView(PageTable.of(list(pages), position), {FULL: packed}, {}, {})
