"""What searches have read of an index's pages, kept for as long as nobody writes pages.

Questions meet the same pages again, and to read a page is much of what a search does: whose it is, its words as they
are compared, and how they are cut into passages. The view of an embedded index's bits is another one after every
change of its pages, so what was read belongs to one view. A server tells of no change: there each query reads anew.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from vrag.bits.view import BitsView
from vrag.catalog.kinds import TEXT_KEY
from vrag.catalog.payload import page_grid, page_words
from vrag.grid import Grid
from vrag.pages.page import Words
from vrag.pages.sentences import Span, sentences
from vrag.runtime.memo import Memo
from vrag.search.snippet import PassageParts, pieces
from vrag.search.wording_shares import plain_text
from vrag.store.interface import Payload, Record, Selection, Store

MOST_PLACES = 1 << 14  # pages whose document, number and tiles are kept, some 350 bytes each
MOST_CHARACTERS = 1 << 24  # of pages' words as they are compared, a byte each or up to four
MOST_BYTES = 32 << 20  # of pages that are cut up, some 40 kB each
_WORD_BYTES = 64  # of a word of Python


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page as passages are chosen and shown.

    Args:
        words: In reading order.
        grid: Of its multivector.
        sentences: Spans of its words, see `vrag.pages.sentences`.
        parts: What its passages are made of; None where its rows are patches, or it has no words.
    """

    words: Words
    grid: Grid
    sentences: Sequence[Span]
    parts: PassageParts | None

    @classmethod
    def of(cls, record: Record) -> ReadPage:
        """A page's record, read.

        Raises:
            StoreError: It is damaged.
        """
        words, grid = page_words(record.payload), page_grid(record.payload)
        spans = sentences(words)
        return cls(words, grid, spans, pieces(words, grid, spans) if grid.is_free and len(words) else None)

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return len(self.words) * _WORD_BYTES + 2 * (self.words.boxes.nbytes + self.grid.boxes.nbytes)


class PagesOfView:
    """What was read of the pages of one view; any number of threads may ask at once. Pages that are gone lack.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._places: Memo[Payload] = Memo(MOST_PLACES)
        self._texts: Memo[str] = Memo(MOST_CHARACTERS, size=len)
        self._read: Memo[ReadPage] = Memo(MOST_BYTES, size=lambda page: page.size)

    def places(self, ids: Sequence[str], keys: Sequence[str]) -> dict[str, Payload]:
        """What a ranking needs of pages, by id.

        Args:
            ids: Of their records.
            keys: Of their payloads, the same for every query.
        """
        return self._places.get(ids, lambda missing: {r.id: _shared(r.payload) for r in self._records(missing, keys)})

    def plain_texts(self, ids: Sequence[str]) -> dict[str, str]:
        """Their words, as `plain_text` has them, by id."""
        return self._texts.get(ids, self._plain_texts)

    def pages(self, ids: Sequence[str]) -> dict[str, ReadPage]:
        """The pages cut up, by id.

        Raises:
            StoreError: The record of one is damaged.
        """
        return self._read.get(ids, lambda missing: {i: ReadPage.of(r) for i, r in self._store.fetch(missing).items()})

    def _plain_texts(self, missing: Sequence[str]) -> dict[str, str]:
        return {r.id: plain_text(str(r.payload.get(TEXT_KEY, ""))) for r in self._records(missing, (TEXT_KEY,))}

    def _records(self, ids: Sequence[str], keys: Sequence[str]) -> list[Record]:
        return list(self._store.scroll(Selection(ids=frozenset(ids)), keys=keys))


class KnownPages:
    """What was read of the pages of the view that was looked at last.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: tuple[BitsView | None, PagesOfView] = (None, PagesOfView(store))

    def of(self, view: BitsView | None) -> PagesOfView:
        """What was read of this view's pages; nothing yet where there is none, or another one was looked at last."""
        seen, pages = self._last  # read once: another thread may look at a newer view meanwhile
        if seen is None or seen is not view:
            pages = PagesOfView(self._store)
            self._last = view, pages
        return pages


def _shared(payload: Payload) -> Payload:
    """The payload with an id of its document that all pages of that share."""
    return {**payload, "doc_id": sys.intern(str(payload["doc_id"]))} if "doc_id" in payload else payload
