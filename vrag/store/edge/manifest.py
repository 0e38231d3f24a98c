"""What an embedded store must hold, kept beside its segments: a file that the engine has lost does not go unnoticed.

The manifest promises documents and pages by number, and by a digest of their ids. It never promises more than what is
on the disk: it is written after the engine has flushed what came, and before the engine deletes what goes. A process
that dies leaves a store that has what was promised, or more. Fewer pages than promised are therefore always a loss.
"""

from __future__ import annotations

import contextlib
import json
import uuid
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vrag.errors import StoreError
from vrag.runtime.drafts import draft_file
from vrag.store.edge.edge import EdgeStore
from vrag.store.edge.edge_faults import edge_errors
from vrag.store.interface import ARRIVING, DOCUMENT, PAGE, Condition, Record, Selection, Store, VectorField

if TYPE_CHECKING:
    from qdrant_edge import EdgeShard
    from typing_extensions import Self

MANIFEST = "manifest.json"
_KINDS = (DOCUMENT, PAGE, ARRIVING)
_DOCUMENTS = Selection((Condition("kind", (DOCUMENT,)),))
_PAGES = Selection((Condition("kind", (PAGE, ARRIVING)),))
_COUNTED = Selection((Condition("kind", _KINDS),))


@dataclass(frozen=True, slots=True)
class Held:
    """Documents and pages of a store, and the sum of their ids without carry, whatever their order."""

    documents: int = 0
    pages: int = 0
    digest: int = 0

    @classmethod
    def of(cls, records: Iterable[Record]) -> Held:
        """What these records are, by their payload's kind; each counts once."""
        documents, pages, digest = 0, 0, 0
        for record in records:
            documents += record.payload["kind"] == DOCUMENT
            pages += record.payload["kind"] != DOCUMENT
            digest ^= uuid.UUID(record.id).int
        return cls(documents, pages, digest)

    def __add__(self, other: Held) -> Held:
        return Held(self.documents + other.documents, self.pages + other.pages, self.digest ^ other.digest)

    def __sub__(self, other: Held) -> Held:
        return Held(self.documents - other.documents, self.pages - other.pages, self.digest ^ other.digest)

    def has_less(self, promised: Held) -> bool:
        """Whether something that was promised is not there."""
        return self.documents < promised.documents or self.pages < promised.pages


class ManifestStore(EdgeStore):
    """An `EdgeStore` with a manifest. One that was made without gets it with the first change."""

    promised: Held | None
    _held: Held | None  # what is there; counted when it is first needed
    _lost: Held  # what was promised and is gone: promised until somebody accepts the loss
    _whole: int | None  # digest of what was there before, while something is lost

    def __init__(self, shard: EdgeShard, fields: Sequence[VectorField], folder: Path) -> None:
        super().__init__(shard, fields, folder)
        self._read_promise()

    @classmethod
    def create(cls, folder: Path, fields: Sequence[VectorField], keys: dict[str, str]) -> Self:
        """As `EdgeStore.create`, promising nothing yet."""
        store = super().create(folder, fields, keys)
        store._held = Held()
        store._promise()
        return store

    def counted(self) -> Held:
        """Documents and pages that are there, by number alone."""
        return Held(self.count(_DOCUMENTS), self.count(_PAGES))

    def upsert(self, records: Sequence[Record]) -> None:
        """Write records; they are promised once the engine has flushed them."""
        coming = {record.id: record for record in records if record.payload.get("kind") in _KINDS}
        if not coming:
            super().upsert(records)
            return
        with self._one_writer:
            held, there = self._now(), self._there(coming)
            self._held = None
            super().upsert(records)
            self._held = held + Held.of(record for key, record in coming.items() if key not in there)

    def delete(self, selection: Selection) -> None:
        """Delete the selected records, which are promised no more from before on."""
        with self._one_writer:
            going = [] if selection == Selection() else self.scroll(selection, keys=("kind",))
            gone = Held.of(record for record in going if record.payload.get("kind") in _KINDS)
            if gone == Held():
                super().delete(selection)
                return
            left = self._now() - gone
            if self._whole is not None:
                self._whole ^= gone.digest
            try:
                self._held = left
                self._promise()
            finally:
                self._held = None  # until it is deleted, or counted again
            super().delete(selection)
            self._held = left

    def optimize(self) -> None:
        """As `EdgeStore.optimize`; what is there is promised from now on."""
        with self._one_writer:  # what another thread writes after the flush is not on the disk yet
            super().optimize()
            self._promise()

    def exchange(self, fields: Sequence[VectorField], swap: Callable[[], None]) -> None:
        """As `EdgeStore.exchange`; the other shard brings its own manifest."""
        with self._one_writer:
            try:
                super().exchange(fields, swap)
            finally:
                self._read_promise()

    def close(self) -> None:
        """As `EdgeStore.close`; on a full disk the promise stays as it was, which is no more than there is."""
        with self._one_writer:
            if self.is_in_place:
                with contextlib.suppress(StoreError):
                    self._promise()
            super().close()

    def _read_promise(self) -> None:
        """What the folder's manifest says."""
        self.promised = read_manifest(self._folder)
        self._held = None
        self._lost = Held()
        self._whole = _read(self._folder, "whole")

    def accept_loss(self) -> None:
        """Promise no more than what is there."""
        with self._one_writer:
            self._now()
            self._lost, self._whole = Held(), None
            self._promise()

    def _now(self) -> Held:
        """What is there; the manifest is believed where it has the same numbers, else every id is read."""
        if self._held is None:
            counted, promised = self.counted(), self.promised
            if promised and (promised.documents, promised.pages) == (counted.documents, counted.pages):
                self._held = promised
            else:
                self._held = Held.of(self.scroll(_COUNTED, keys=("kind",)))
                if promised and self._held.has_less(promised):
                    self._lost = promised - self._held
                    self._whole = promised.digest if self._whole is None else self._whole
        return self._held

    def _there(self, ids: Iterable[str]) -> set[str]:
        """Those ids that the engine has already."""
        with self._reading("reading ids") as shard:
            return {str(found.id) for found in shard.retrieve(list(ids), with_payload=False, with_vector=False)}

    def _promise(self) -> None:
        """Write the manifest, after the engine has flushed what it promises; nothing when it is not known to differ."""
        if self._held is None or self._held + self._lost == self.promised:
            return
        # What comes back in parts is promised twice from the first part on, so it is told by what was there at first.
        if self.promised and self._held.digest in (self.promised.digest, self._whole):
            self._lost, self._whole = Held(), None
        with edge_errors("writing the manifest"):
            self._opened.require_in_place()
            self._open_shard.flush()
            promised = self._held + self._lost
            write_manifest(self._folder, promised, self._whole)
            self.promised = promised


def read_manifest(folder: Path) -> Held | None:
    """What the shard in a folder promises; None where nothing says it, or it cannot be trusted."""
    documents, pages, digest = (_read(folder, key) for key in ("documents", "pages", "digest"))
    return None if documents is None or pages is None or digest is None else Held(documents, pages, digest)


def _read(folder: Path, key: str) -> int | None:
    """A number of the manifest; digests stand there in hexadecimal digits."""
    try:
        text, _, check = (folder / MANIFEST).read_text(encoding="ascii").partition("\n")
        value = json.loads(text)[key] if zlib.crc32(text.encode()) == int(check) else None
        return int(value, 16) if isinstance(value, str) else value
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_manifest(folder: Path, held: Held, whole: int | None = None) -> None:
    """Write the manifest in one step: after a crash the old one or the new one is there.

    Args:
        folder: Of the shard.
        held: What is promised.
        whole: Digest of what was there before some of it was lost; None while nothing is.
    """
    found = {**asdict(held), "digest": f"{held.digest:032x}"}
    text = json.dumps(found if whole is None else {**found, "whole": f"{whole:032x}"})
    with draft_file(folder / MANIFEST) as file:
        file.write(f"{text}\n{zlib.crc32(text.encode())}\n".encode("ascii"))


def loss(store: Store) -> str:
    """What a store has less than it promised, in words; empty when nothing, or nobody knows."""
    if not isinstance(store, ManifestStore) or store.promised is None:
        return ""
    held, promised = store.counted(), store.promised
    if not held.has_less(promised):
        return ""
    return (
        f"{held.documents} of the {promised.documents} documents and {held.pages} of the {promised.pages} pages "
        "that were stored are there: files of the index are lost or damaged"
    )


def accept_loss(store: Store) -> None:
    """Let a store promise no more than what is there."""
    if isinstance(store, ManifestStore):
        store.accept_loss()


def require_whole(store: Store, name: str) -> None:
    """Refuse to go on with a store that has lost something.

    Args:
        store: Just opened.
        name: Of the place.

    Raises:
        StoreError: It has.
    """
    if lost := loss(store):
        raise StoreError(
            f"{name}: {lost}.",
            "Restore a snapshot; or bring back with vrag ingest what is gone, and let vrag verify --repair accept the "
            "rest. Until then --force searches what is left.",
        )
