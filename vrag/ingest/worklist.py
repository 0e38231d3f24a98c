"""What an ingest has to do: which files are known, which have changed, and which pages are missing."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from vrag.catalog.documents import CURRENT, Document
from vrag.catalog.failures import Failure, Failures
from vrag.catalog.kinds import ARRIVING
from vrag.catalog.metadata import Types, as_filtered, of_file, together
from vrag.catalog.stored import Stored
from vrag.errors import EncryptedError, PageError, UsageError
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.metadata_files import read_sidecar
from vrag.ingest.page_source import PageSource
from vrag.ingest.report import IngestReport, Progress
from vrag.ingest.sources import SourceFile, changed_meanwhile, is_gone, read_source, stamp_of
from vrag.pages.files import where
from vrag.pages.reader import DocumentInfo
from vrag.runtime.pathtext import shown

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PendingDocument:
    """A document with work to do.

    Args:
        document: Its record.
        source: A file with its content.
        missing: Pages still to be embedded.
        contested: Paths where another document is known, which it shall replace.
    """

    document: Document
    source: SourceFile
    missing: tuple[int, ...]
    contested: tuple[str, ...]

    @property
    def doc_id(self) -> str:
        """Of its content."""
        return self.document.doc_id


@dataclass(slots=True)
class Worklist:
    """Finds out what one ingest has to do, and writes down what it learns of files on the way.

    Args:
        stored: The index.
        failures: What has failed before, and does now.
        source: Opens files.
        options: How to treat what is known.
        progress: Told of every file.
        report: Filled.
    """

    stored: Stored
    failures: Failures
    source: PageSource
    options: IngestOptions
    progress: Progress
    report: IngestReport
    _by_id: dict[str, Document] = field(default_factory=dict)
    _at: dict[str, list[Document]] = field(default_factory=dict)
    _failed_pages: Mapping[str, Mapping[int, Failure]] = field(default_factory=dict)

    def pending(self, files: Sequence[Path]) -> Iterator[PendingDocument]:
        """Every document with work to do; one that is whole already only takes over its paths."""
        self._remember()
        self.progress.looking(len(files))
        by_content: dict[str, list[SourceFile]] = {}
        for path in files:
            source = self._look(path)
            if source is not None:
                by_content.setdefault(source.doc_id, []).append(source)
            if source is None or source.doc_id in self._by_id:
                self.progress.looked()
        for sources, asked in self._asked(by_content.values()):
            pending = self._pending(sources, asked)
            if asked is not None:
                for _ in sources:
                    self.progress.looked()
            if pending is not None:
                yield pending

    def _asked(
        self, contents: Iterable[Sequence[SourceFile]]
    ) -> Iterator[tuple[Sequence[SourceFile], Future[DocumentInfo] | None]]:
        """Contents in order, those that are new looked into ahead: some have to be printed for that."""
        waiting: deque[tuple[Sequence[SourceFile], Future[DocumentInfo] | None]] = deque()
        for sources in contents:
            first = sources[0]
            waiting.append((sources, None if first.doc_id in self._by_id else self.source.inspect(first.path)))
            if len(waiting) >= self.source.in_flight:
                yield waiting.popleft()
        yield from waiting

    def fail_file(self, path: Path, error: PageError, stamp: str = "") -> None:
        """Report, log and remember that a file could not be indexed."""
        _log.info("%s", shown(where(path, None)), exc_info=error)
        locked = isinstance(error, EncryptedError)
        failure = self.failures.add(_failure(path, None, error), stamp=stamp, needs_password=locked)
        self.report.failed.append(failure)

    def fail_page(self, pending: PendingDocument, page: int, error: PageError) -> None:
        """Report, log and remember that a page could not be indexed."""
        _log.info("%s", shown(where(pending.source.path, page)), exc_info=error)
        failure = _failure(pending.source.path, page, error)
        self.report.failed.append(self.failures.add(failure, pending.doc_id, pending.source.stamp))

    def _remember(self) -> None:
        """What the index knows of documents, by content and by path: one look instead of one a file."""
        for document in self.stored.documents.all():
            self._by_id[document.doc_id] = document
            for path in document.paths:
                self._at.setdefault(path, []).append(document)
        self._failed_pages = self.failures.by_document()

    def _look(self, path: Path) -> SourceFile | None:
        """The file's content; None when it cannot be had."""
        stamp = ""
        try:
            stamp = stamp_of(path)
            if not self.options.check:
                for document in self._at.get(str(path), ()):
                    if document.stamps.get(str(path)) == stamp:
                        return SourceFile(path, stamp, document.doc_id)
            known = self.failures.of_file(str(path), stamp)
            if known and not (self.options.retry or (known.needs_password and self.options.all_passwords)):
                self.report.failed.append(known.failure)
                return None
            return read_source(path, stamp)
        except PageError as error:
            self.fail_file(path, error, stamp)
            return None

    def _pending(self, sources: Sequence[SourceFile], asked: Future[DocumentInfo] | None) -> PendingDocument | None:
        first = sources[0]
        try:
            info = None if asked is None else _answer(asked, first)
        except PageError as error:
            said = type(error)(error.message.removeprefix(f"{where(first.path, None)}: "), error.hint)
            said.__cause__ = error
            for source in sources:
                self.fail_file(source.path, said, source.stamp)
            return None
        document = self._register(sources, info)
        missing = self._missing(document)
        failed = {} if self.options.retry else self._failed_pages.get(document.doc_id, {})
        self.report.failed.extend(failed.values())
        self.report.documents += 1
        self.report.copies += len(sources) - 1
        self.report.unchanged += document.pages - len(missing) - len(failed)
        paths = (str(source.path) for source in sources)
        contested = tuple(p for p in paths if any(d.doc_id != document.doc_id for d in self._at.get(p, ())))
        if missing or contested or not document.complete or document.state != CURRENT:
            return PendingDocument(document, first, missing, contested)
        return None

    def _register(self, sources: Sequence[SourceFile], info: DocumentInfo | None) -> Document:
        """The record of a content, made or brought up to date with its files; equal content has one record."""
        known = self._by_id.get(sources[0].doc_id)
        stamps = {str(source.path): source.lasting_stamp for source in sources}
        paths = tuple(stamps)
        lasting = {path: stamp for path, stamp in stamps.items() if stamp}
        if known is None:
            assert info is not None
            state = ARRIVING if any(self._at.get(path) for path in paths) else CURRENT
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            document = Document(sources[0].doc_id, paths, info.pages, state=state, stamps=lasting, added=now)
            document = self._described(document, sources, {"own": of_file(info.title, info.author, info.created)})
        else:
            before = set(known.paths)
            new = tuple(path for path in paths if path not in before)
            kept = tuple(path for path in known.paths if path in stamps or not is_gone(path)) if new else known.paths
            lasting = {path: lasting.get(path) or known.stamps.get(path, "") for path in (*kept, *new)}
            document = replace(known, paths=kept + new, stamps={p: stamp for p, stamp in lasting.items() if stamp})
            document = self._described(document, sources, known.layers)
        self._write(document, known)
        return document

    def _write(self, document: Document, known: Document | None) -> None:
        for path in document.paths:
            self.failures.clear_file(path)
        if known is not None and document.meta != known.meta:
            self.stored.documents.describe(document)
        elif document != known:
            self.stored.documents.put(document)
        self._by_id[document.doc_id] = document

    def _described(
        self, document: Document, sources: Sequence[SourceFile], layers: Mapping[str, Mapping[str, Any]]
    ) -> Document:
        """The document with its metadata as the files and the options say now."""
        given = {k: v for source in reversed(sources) for k, v in self.options.given.of(source.path).items()}
        kept = {key: value for key, value in {**layers.get("given", {}), **given}.items() if value is not None}
        raw = {"own": layers.get("own", {}), "sidecar": self._sidecar(sources), "given": kept}
        fitted = {name: self._fit(sources[0].path, layer) for name, layer in raw.items()}
        fitted = {name: layer for name, layer in fitted.items() if layer}
        return replace(document, layers=fitted, meta=as_filtered(together(fitted)))

    def _sidecar(self, sources: Sequence[SourceFile]) -> dict[str, Any]:
        for source in sources:
            try:
                values = read_sidecar(source.path)
            except UsageError as error:
                self.report.failed.append(Failure(str(source.path), None, error.message, error.hint))
                continue
            if values:
                return values
        return {}

    def _fit(self, path: Path, layer: Mapping[str, Any]) -> dict[str, Any]:
        """Values in the types of the index; what does not fit is reported, and the document goes without it."""
        if not layer:
            return {}
        try:
            return Types(self.stored.store).fit(layer)
        except UsageError as error:
            self.report.failed.append(Failure(str(path), None, error.message, error.hint))
            return {}

    def _missing(self, document: Document) -> tuple[int, ...]:
        failed = self._failed_pages.get(document.doc_id, {})
        if document.complete and not (failed and self.options.retry):
            return ()
        ids = {self.stored.page_id(document.doc_id, page): page for page in range(1, document.pages + 1)}
        stored = self.stored.store.fetch(ids).keys()
        missing = tuple(page for point, page in ids.items() if point not in stored)
        self.failures.clear_pages(document.doc_id, failed.keys() - set(missing))
        return missing if self.options.retry else tuple(page for page in missing if page not in failed)


def _answer(asked: Future[DocumentInfo], file: SourceFile) -> DocumentInfo:
    info = asked.result()
    if not file.unchanged():
        raise changed_meanwhile()
    return info


def _failure(path: Path, page: int | None, error: PageError) -> Failure:
    reason = error.message.removeprefix(f"{where(path, page)}: ")
    return Failure(str(path), page, reason[:1].upper() + reason[1:], error.hint)
