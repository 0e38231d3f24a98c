"""What an open index has in its store, in one record that whoever writes, checks or looks up pages is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from vrag.catalog.documents import Documents, page_id
from vrag.catalog.failures import Failures
from vrag.catalog.kinds import PAGE
from vrag.grid import FloatArray
from vrag.pipeline.pipeline import Pipeline
from vrag.runtime.gate import Gate
from vrag.runtime.memo import Memo
from vrag.store.interface import Record, Store
from vrag.store.limits import MULTIVECTOR_LIMIT


@dataclass(slots=True)
class Stored:
    """The records of one open index, and what is needed to write more of them and to find them again.

    All threads of a process share it: many read, and one change at a time is seen whole.

    Args:
        store: Where the records are.
        documents: Of that store.
        pipeline: Which vectors a page has, and how they are searched; only its default cascade may change.
        model_key: Digest of the fingerprint of the model that made them, part of every page's id.
        dim: Of every vector.
        mean: The model's mean vector [d], None when it has none.
        on_server: Whether the store is a server's, which other processes write to as well.
        gate: Closed to searches for the moment when documents change places.
    """

    store: Store
    documents: Documents
    pipeline: Pipeline
    model_key: str
    dim: int
    mean: FloatArray | None = None
    on_server: bool = False
    gate: Gate = field(default_factory=Gate)
    _counted: Memo[int] = field(default_factory=lambda: Memo(1))

    @property
    def most_numbers(self) -> int | None:
        """Numbers that a page's multivector must have fewer of; None when the store sets no limit."""
        return MULTIVECTOR_LIMIT if self.on_server else None

    def page_id(self, doc_id: str, page: int) -> str:
        """Id of a page's record: the same file, page and model always get the same one."""
        return page_id(doc_id, page, self.model_key)

    def page(self, doc_id: str, page: int, vectors: Sequence[str] = ()) -> Record | None:
        """The record of a page that searches can find; None when there is none.

        Args:
            doc_id: Its document.
            page: From 1.
            vectors: Named vectors wanted.
        """
        record = self.store.fetch([self.page_id(doc_id, page)], vectors).get(self.page_id(doc_id, page))
        return record if record is not None and record.payload.get("kind") == PAGE else None

    def failures(self) -> Failures:
        """What could not be indexed so far, read anew: other processes may have failed meanwhile."""
        return Failures(self.store)

    def page_count(self) -> int:
        """Pages in the index; counted anew where others may write meanwhile: by a thread, or to a server."""
        if self.on_server:
            return self.documents.page_count()
        return self._counted.get([PAGE], lambda _: {PAGE: self.documents.page_count()})[PAGE]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Pages come and go while the block runs: none that was counted before or meanwhile is relied on."""
        with self._counted.changing():
            yield

    @contextmanager
    def exchanging(self) -> Iterator[None]:
        """Documents change places in the block, which no search sees half done.

        Whoever writes is waited for first, so that searches wait for the change alone, and not for a merge before it.
        """
        with self.store.one_writer(), self.gate.changing():
            yield

    def close(self) -> None:
        """Flush the store, or end its connection."""
        self.store.close()
