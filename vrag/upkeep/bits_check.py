"""Whether the bits that travel with a server's pages are those of their `full`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vrag.catalog.kinds import ARRIVING, PAGE
from vrag.catalog.page_bits import PageBits, asks_for_bits
from vrag.catalog.stored import Stored
from vrag.store.interface import BITS_SUM, Condition, Record, Selection

_PAGES = Selection((Condition("kind", (PAGE, ARRIVING)),))


@dataclass(frozen=True, slots=True)
class BitsCheck:
    """Looks at the bits of those pages whose vectors were read.

    Args:
        stored: The index.
        of_pages: What their bits are; None where they have none.
    """

    stored: Stored
    of_pages: PageBits | None
    _expected: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Stored) -> BitsCheck:
        """Of an open index."""
        has_bits = stored.on_server and asks_for_bits(stored.pipeline)
        return cls(stored, PageBits.of(stored.pipeline, stored.dim, stored.mean) if has_bits else None)

    def expect(self, page: Record) -> None:
        """Take down what the bits of a page should be.

        Args:
            page: With a sound `full`.
        """
        if self.of_pages is not None:
            self._expected[page.id] = self.of_pages.payload(page)[BITS_SUM]

    def problems(self) -> Iterator[tuple[Record, str]]:
        """Pages that lack bits, or have others, with what is wrong."""
        if self.of_pages is None:
            return
        keys = ("doc_id", "page", *self.of_pages.keys, BITS_SUM)
        for record in self.stored.store.scroll(_PAGES, keys=keys):
            expected = self._expected.get(record.id)
            if expected is None:
                continue  # it has another problem, or came meanwhile
            if BITS_SUM not in record.payload:
                yield record, "its bits, by which a server's pages are searched, are missing"
            elif record.payload[BITS_SUM] != expected or self._are_damaged(record):
                yield record, "its bits are not those of its vectors"

    def _are_damaged(self, record: Record) -> bool:
        assert self.of_pages is not None
        return self.of_pages.more(record.payload, (), len(self.of_pages.keys)) is None
