"""Failures as data: what could not be indexed is remembered beside the pages, until it can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from vrag.catalog.documents import page_id
from vrag.catalog.kinds import FAILURE, reading
from vrag.runtime.pathtext import from_stored, to_stored
from vrag.store.interface import Condition, Payload, Record, Selection, Store

_ALL = Selection((Condition("kind", (FAILURE,)),))


@dataclass(frozen=True, slots=True)
class Failure:
    """A file (`page` None) or page that could not be indexed, and why.

    Args:
        path: The file.
        page: From 1.
        reason: What was wrong, in a sentence.
        hint: What to do about it; may be empty.
        times: How often it was tried.
    """

    path: str
    page: int | None
    reason: str
    hint: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True)
class Remembered:
    """A failure with what tells whether it still stands.

    Args:
        failure: For people.
        doc_id: The document whose page it is; empty for a file that could not be opened.
        stamp: The file's stamp when it failed: a file that changed deserves another try.
        needs_password: Whether another password deserves another try.
    """

    failure: Failure
    doc_id: str
    stamp: str
    needs_password: bool = False

    @property
    def record_id(self) -> str:
        """One record a page of a content, one a file."""
        place = self.doc_id or to_stored(self.failure.path)
        return page_id(place, self.failure.page or 0, FAILURE)

    def to_record(self) -> Record:
        """The store's record: payload only."""
        failure = self.failure
        payload: Payload = {
            "kind": FAILURE,
            "doc_id": self.doc_id,
            "path": to_stored(failure.path),
            "names": [to_stored(PurePath(failure.path).name)],
            "page": failure.page,
            "reason": to_stored(failure.reason),
            "hint": failure.hint,
            "times": failure.times,
            "stamp": self.stamp,
            "needs_password": self.needs_password,
        }
        return Record(self.record_id, payload)

    @classmethod
    def from_payload(cls, payload: Payload) -> Remembered:
        """Inverse of `to_record`.

        Raises:
            StoreError: The record is damaged.
        """
        with reading("a failure"):
            path, reason = from_stored(payload["path"]), from_stored(payload["reason"])
            failure = Failure(path, payload["page"], reason, payload["hint"], int(payload["times"]))
            needs_password = payload.get("needs_password", "encrypted" in reason)  # older records have only the reason
            return cls(failure, payload["doc_id"], payload["stamp"], bool(needs_password))


@dataclass(slots=True)
class Failures:
    """The failures of a store, read once and kept up to date by whoever ingests.

    Args:
        store: Where their records are.
    """

    store: Store
    _known: dict[str, Remembered] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = (Remembered.from_payload(record.payload) for record in self.store.scroll(_ALL))
        self._known = {remembered.record_id: remembered for remembered in found}

    def all(self) -> list[Failure]:
        """Every failure, by path and page."""
        failures = (remembered.failure for remembered in self._known.values())
        return sorted(failures, key=lambda failure: (failure.path, failure.page or 0))

    def of_file(self, path: str, stamp: str) -> Remembered | None:
        """Why this very file could not be opened; None when it never failed, or has changed since."""
        found = self._known.get(page_id(to_stored(path), 0, FAILURE))
        return found if found and found.stamp == stamp else None

    def by_document(self) -> Mapping[str, Mapping[int, Failure]]:
        """Failed pages of every document."""
        pages: dict[str, dict[int, Failure]] = {}
        for remembered in self._known.values():
            if remembered.failure.page is not None:
                pages.setdefault(remembered.doc_id, {})[remembered.failure.page] = remembered.failure
        return pages

    def add(self, failure: Failure, doc_id: str = "", stamp: str = "", needs_password: bool = False) -> Failure:
        """Remember a failure; returned with the number of times it has happened."""
        fresh = Remembered(failure, doc_id, stamp, needs_password)
        before = self._known.get(fresh.record_id)
        if before is not None:
            fresh = replace(fresh, failure=replace(failure, times=before.failure.times + 1))
        self._known[fresh.record_id] = fresh
        self.store.upsert([fresh.to_record()])
        return fresh.failure

    def clear_file(self, path: str) -> None:
        """This file can be opened after all, or is gone."""
        self._forget([page_id(to_stored(path), 0, FAILURE)])

    def clear_pages(self, doc_id: str, pages: Iterable[int]) -> None:
        """These pages of a document are in the index now."""
        self._forget([page_id(doc_id, page, FAILURE) for page in pages])

    def _forget(self, ids: Iterable[str]) -> None:
        gone = frozenset(ids) & self._known.keys()
        if gone:
            for record_id in gone:
                del self._known[record_id]
            self.store.delete(Selection(ids=gone))
