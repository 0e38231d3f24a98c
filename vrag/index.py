"""`Index`: the whole of vrag behind one object, the same for programs and for the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vrag.catalog.contexts import refresh_contexts
from vrag.catalog.documents import Document
from vrag.catalog.giving import give
from vrag.embedders.families import ModelOptions, canonical_name
from vrag.errors import IndexExistsError, UsageError
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.pruning import Gone, forget
from vrag.ingest.report import IngestReport, Progress, Silent
from vrag.pipeline.pipeline import Pipeline, load_pipeline, make_pipeline
from vrag.places.known_names import write_names
from vrag.places.opening import Opened, create_index, open_index
from vrag.places.place import AnyPlace, FolderPlace, Place, address_of, as_place
from vrag.reading_index import ReadingIndex
from vrag.remote.any_index import AnyIndex
from vrag.remote.remote_index import served_or
from vrag.runtime.budget import budget
from vrag.runtime.forked import close_files_below, forget_in_child, inherited
from vrag.runtime.memory import give_back
from vrag.upkeep.problem import Problem
from vrag.upkeep.repool import RepoolReport, repool_open
from vrag.upkeep.verify import Verifier, VerifyProgress

if TYPE_CHECKING:
    from vrag.upkeep.copying import CopyProgress


class Index(ReadingIndex, AbstractContextManager["Index"]):
    """Pages of documents, searchable.

    Make one with `Index.create`, open one with `Index.open`; close it, or use it in a `with` block. What it answers
    stands in `ReadingIndex`, what opens, changes and closes it here.
    """

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened)
        self._lock, self._facts = opened.lock, opened.facts
        forget_in_child(self, Index._forget)

    @classmethod
    def create(
        cls,
        path: AnyPlace,
        pipeline: str | Pipeline | None = None,
        model: str | None = None,
        collection: str | None = None,
        options: ModelOptions | None = None,
        wait: float = 0.0,
    ) -> Index:
        """Make a new index.

        Args:
            path: A folder, empty or created when missing, or the `http://` or `https://` address of a Qdrant server;
                of a cluster also those of several nodes, as a list or with commas between them.
            pipeline: A shipped pipeline's name, a TOML file, or a `Pipeline`; by default the one that fits the model.
            model: Model to use instead of the pipeline's: a known one, a folder with a checkpoint, or a hub id.
            collection: On the server; `VRAG_COLLECTION` or "vrag" by default.
            options: How to run the model.
            wait: Seconds to wait for another process that is at it; a `Place` brings its own.

        Raises:
            UsageError: There is an index or something else in the folder already, or the pipeline is not valid.
            ModelError: The model cannot be loaded.
            BusyError: Another process is making it.
            StoreError: The server cannot be reached or used.
        """
        return cls(create_index(as_place(path, collection, wait), pipeline, model, options))

    @classmethod
    def open(
        cls,
        path: AnyPlace = ".vrag",
        force: bool = False,
        collection: str | None = None,
        options: ModelOptions | None = None,
        incomplete: bool = False,
        wait: float = 0.0,
    ) -> AnyIndex:
        """Open an index, or ask the service that has it open (`vrag serve`): what comes back is used the same way.

        Arguments and errors are those of `hold`; a service holds its index with options of its own, and may be named
        by its address: whether that is a service or a Qdrant server is found out by asking.
        """
        place = as_place(path, collection, wait)
        address = _address(path, place, collection)
        return served_or(place, wait, lambda: cls.hold(place, force, options=options, incomplete=incomplete), address)

    @classmethod
    def open_or_create(
        cls,
        path: AnyPlace = ".vrag",
        pipeline: str | Pipeline | None = None,
        model: str | None = None,
        collection: str | None = None,
        options: ModelOptions | None = None,
        wait: float = 0.0,
    ) -> AnyIndex:
        """Open an index as `open` does, and make it as `create` does where there is none.

        Whatever other process does the same at this moment, both have one index in the end; on a folder the slower one
        needs `wait`, or is told that the other one has it.

        Args:
            path: As in `create`.
            pipeline: As in `create`; an index that is there must have been made with it.
            model: The same.
            collection: As in `create`.
            options: As in `create`.
            wait: As in `create`.

        Raises:
            UsageError: There is something else at the place, or no such pipeline.
            IndexMismatchError: The index was made with another pipeline, model or format.
            ModelError: The model cannot be loaded.
            BusyError: Another process has it open, or is making it.
            StoreError: Files of the index are lost, or the server cannot be reached.
        """
        place = as_place(path, collection, wait)
        address = _address(path, place, collection)

        def held() -> Index:
            if not place.holds_index():
                with suppress(IndexExistsError):  # another process has made it meanwhile
                    return cls.create(place, pipeline, model, options=options)
            return cls.hold(place, options=replace(options or ModelOptions(), named=model))

        opened = served_or(place, wait, held, address)
        try:
            _check_agrees(opened, pipeline, model)
        except BaseException:
            opened.close()
            raise
        return opened

    @classmethod
    @budget()
    def hold(
        cls,
        path: AnyPlace = ".vrag",
        force: bool = False,
        collection: str | None = None,
        options: ModelOptions | None = None,
        incomplete: bool = False,
        wait: float = 0.0,
    ) -> Index:
        """Open an index for this process alone, or for one of many on a server.

        Args:
            path: Its folder, or the `http://` or `https://` address of a Qdrant server; of a cluster also those of
                several nodes, as a list or with commas between them.
            force: Open it although the model at hand is not the one that made it, or pages that were stored are gone.
            collection: On the server; `VRAG_COLLECTION` or "vrag" by default.
            options: How to run the model here; what vectors depend on is taken from the index.
            incomplete: Open it although pages that were stored are gone, e.g. to bring them back.
            wait: Seconds to wait for another process that has the folder open; a `Place` brings its own.

        Raises:
            UsageError: There is no index.
            IndexMismatchError: It was made by another model or format.
            BusyError: Another process, or another `Index` of this one, has the folder open.
            ServedError: A service has.
            StoreError: Files of the index are lost, or the server cannot be reached.
        """
        return cls(open_index(as_place(path, collection, wait), options, force, incomplete))

    def ingest(
        self,
        paths: Sequence[str | os.PathLike[str]],
        recursive: bool = True,
        renderer: str | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
        report: IngestReport | None = None,
        options: IngestOptions | None = None,
        ray: str | None = None,
    ) -> IngestReport:
        """Index files and folders; what is there already costs a look at its size, time and inode.

        Args:
            paths: PDFs, images, or folders of them.
            recursive: Whether folders are searched to the bottom.
            renderer: "pdfium" or "poppler", whichever shall try first.
            workers: Processes that read and render pages; by default one a core, as far as memory allows.
            progress: Told of every step.
            report: Filled while the work goes on, so that it can be read after an interruption.
            options: How to treat what is known already, and metadata.
            ray: Address of a Ray cluster that reads and embeds, or "local" for one on this machine.

        Raises:
            UsageError: A path is missing, there is nothing to index, or metadata of the wrong type is given.
        """
        report = report or IngestReport(index=self.place.name)
        from vrag.ingest.ingest import Ingest  # loads what reads PDFs, which no search needs

        ingest = Ingest(self.stored, self.embedder, options or IngestOptions(), progress or Silent(), report)
        with self._changing():
            ingest.run(paths, recursive, renderer, workers, ray)
        return report

    def forget(self, gone: Sequence[Gone]) -> int:
        """Forget files that are gone; the number of documents that went with their last file."""
        with self._changing():
            return forget(self.stored, gone)

    def remove(self, documents: Sequence[Document]) -> None:
        """Remove documents with all their pages, in one step."""
        with self.stored.changing(), self.stored.exchanging():
            self.documents.remove(documents)
        self._name_documents()
        give_back()

    def set_metadata(self, document: Document, values: Mapping[str, Any]) -> Document:
        """Give a document metadata, as `vrag.catalog.giving.give`; it is returned as it is then."""
        with self._changing():
            return give(self.stored, document, values)

    def verify(self, repair: bool = False, progress: VerifyProgress | None = None) -> list[Problem]:
        """Check every page against what the index says of it.

        Args:
            repair: Make again what is wrong, from what is stored of the page or from its file.
            progress: Told of every page; what it raises ends the check.

        Returns:
            The problems found; with `repair`, as they were before.
        """
        verifier = Verifier(self.stored, progress)
        problems = list(verifier.problems())
        if repair and problems:
            with self._changing():
                files = verifier.repair(problems)
            if files:
                self.ingest(files)
        return problems

    def compact(self) -> tuple[int, int]:
        """Merge segments and drop what was deleted; bytes on disk before and after, 0 on a server."""
        before = self.disk_bytes
        self.stored.store.compact()
        return before, self.disk_bytes

    def repool(self, pipeline: str | Pipeline, progress: CopyProgress | None = None) -> RepoolReport:
        """Give the index the pooled vectors and cascades of another pipeline; no page is embedded again.

        Args:
            pipeline: A pipeline's name, a TOML file, or a `Pipeline`. What it does not say of the model and the page
                stays as the index has it.
            progress: Told after every batch.

        Raises:
            UsageError: The index is on a server, the pipeline is not valid, or a pooling does not fit the pages.
            IndexMismatchError: The pipeline has another model or other page settings: that needs an ingest.
        """
        if not isinstance(self.place, FolderPlace):
            raise UsageError("On a server the pages go into a second collection.", "Use vrag repool --into COLLECTION.")
        try:
            return repool_open(self.place, self.stored, pipeline, progress)
        finally:
            self._searcher.forget()

    def set_default_cascade(self, text: str) -> None:
        """Make a cascade the one that searches take when they name none, in this index from now on.

        Args:
            text: A cascade's name, or its stages.

        Raises:
            UsageError: It is no cascade of this index.
        """
        table = {**self.pipeline.source, "search": {**self.pipeline.source.get("search", {}), "cascade": text}}
        self.stored.pipeline = make_pipeline(self.pipeline.name, table, self.place.name)
        self.place.write_facts(replace(self.place.facts(), table=table))

    def is_in_place(self) -> bool:
        """Whether this is still the index at its place: others may remove it, move it, or make another one there.

        Raises:
            UsageError: There is none on the server any more.
            StoreError: The server cannot be asked.
        """
        from vrag.store.edge.edge import EdgeStore

        store = self.stored.store
        return store.is_in_place if isinstance(store, EdgeStore) else self.place.facts() == self._facts

    def announce(self, door: str) -> None:
        """Say in the index's folder where other processes may use it while it is open here.

        Args:
            door: See `vrag.remote.door`.
        """
        if self._lock is not None:
            self._lock.announce(door)

    def close(self) -> None:
        """Flush and release the folder, or close the connection; end the process that draws pages.

        When one of them fails, the others are closed all the same.
        """
        self.is_closed = True
        with ExitStack() as last:
            if self._lock is not None:
                last.callback(self._lock.release)
            last.callback(self.stored.close)
            self._drawer.close()

    def _forget(self) -> None:
        """In a forked child: what has threads or a lock behind it is the parent's."""
        for name in ("stored", "embedder", "_searcher", "_drawer"):
            setattr(self, name, inherited(getattr(self, name)))
        if self.place.folder is not None:
            close_files_below(self.place.folder)

    def __exit__(self, *_: object) -> None:
        self.close()

    def _name_documents(self) -> None:
        """Say in the folder what its documents are called now."""
        if self.place.folder is not None:
            write_names(self.place.folder, self.documents.all())

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Documents come, change or go in the block; afterwards they say of themselves what is true then."""
        with self.stored.changing():
            yield
        try:
            refresh_contexts(self.stored, self.embedder)
            self._name_documents()
        finally:
            self._searcher.forget()
            give_back()


def _address(path: AnyPlace, place: Place, collection: str | None) -> str:
    """What was given, where it may be the address of a service; else nothing."""
    return path if isinstance(path, str) and address_of(place, collection) else ""


def _check_agrees(index: AnyIndex, pipeline: str | Pipeline | None, model: str | None) -> None:
    """Refuse an index that was made with another pipeline or model than is asked for.

    Raises:
        IndexMismatchError: It was.
    """
    made = index.pipeline
    chosen = load_pipeline(pipeline) if isinstance(pipeline, str) else pipeline
    asked = (chosen.over(made) if chosen else made).with_model(canonical_name(model) if model else None)
    for difference in index.differences(asked):
        if difference.parts_pages:
            raise difference.error(index.place.name, "Open it without, or name another place.")
