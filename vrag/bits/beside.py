"""The embedded store with its bits: every change goes to both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from vrag.bits.cache.cache import BitCache
from vrag.bits.view import BitsView
from vrag.store.edge.manifest import ManifestStore
from vrag.store.interface import PAGE, Payload, Record, Selection, Store


class BitsStore(ManifestStore):
    """A `ManifestStore` that keeps a `BitCache` up to date as it is written."""

    bits: BitCache | None = None
    outdated: Callable[[], None] | None = None  # called before a change while nobody keeps the bits on the disk

    def upsert(self, records: Sequence[Record]) -> None:
        """Write records, and the bits of those that are pages."""
        pages = [record for record in records if record.payload.get("kind") == PAGE]  # as the cache counts them
        with self._changing(pages) if pages else nullcontext():
            super().upsert(records)

    def set_payload(self, selection: Selection, payload: Payload) -> None:
        """Set keys of payloads; when pages appear or disappear by it, their bits do with the next search."""
        with self._changing(deleting=True) if "kind" in payload else nullcontext():
            super().set_payload(selection, payload)

    def delete(self, selection: Selection) -> None:
        """Delete the selected records; their bits go with the next search."""
        with self._changing(deleting=True):
            super().delete(selection)

    def compact(self) -> None:
        """As `ManifestStore.compact`; the bits keep nothing of what was deleted either."""
        super().compact()
        if self.bits is not None:
            self.bits.compact(self)

    def _changing(self, pages: Sequence[Record] = (), deleting: bool = False) -> AbstractContextManager[None]:
        if self.bits is not None:
            return self.bits.changing(pages, deleting)
        if self.outdated is not None:
            self.outdated()
        return nullcontext()

    def close(self) -> None:
        """Commit the bits, flush and release the folder, whatever becomes of the bits."""
        try:
            if self.bits is not None and self.is_in_place:
                self.bits.flush(self)
        finally:
            super().close()


def view_of(store: Store) -> BitsView | None:
    """What a query sees of the store's bits; None for a store that keeps none: a server, or one on a full disk."""
    if not isinstance(store, BitsStore) or store.bits is None:
        return None
    return store.bits.view(store)


def kept_alone(store: Store) -> tuple[str, ...]:
    """Vectors of which the store has nothing but bits."""
    return store.packed if isinstance(store, BitsStore) else ()


def bits_damage(store: Store) -> list[str]:
    """A sentence for each file of the store's bits that is not what was written; every byte is read."""
    return store.bits.damage() if isinstance(store, BitsStore) and store.bits is not None else []


def make_bits_again(store: Store) -> None:
    """Make the store's bits from its pages."""
    if isinstance(store, BitsStore) and store.bits is not None:
        store.bits.discard()
        store.bits.view(store)  # on a full disk it goes without them
