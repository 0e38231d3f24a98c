"""`Index`: the whole of vrag behind one object, the same for programs and for the command line."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vrag.cascade.cascade import Cascade
from vrag.catalog.contexts import refresh_contexts
from vrag.catalog.documents import Document, Documents
from vrag.catalog.failures import Failure
from vrag.catalog.giving import give
from vrag.catalog.kinds import reading
from vrag.catalog.payload import page_place, page_words
from vrag.embedders.families import ModelOptions
from vrag.embedders.protocol import Fingerprint, QueryVectors
from vrag.errors import ServedError, UsageError
from vrag.explain.explaining import explain, heat_of, match_hit
from vrag.explain.explanation import Explanation, Match
from vrag.explain.page_heat import Heat
from vrag.grid import FloatArray
from vrag.ingest.ingest import Ingest
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.pruning import Gone, find_gone, forget
from vrag.ingest.report import IngestReport, Progress, Silent
from vrag.ingest.shares import divide
from vrag.pages.drawing import PageDrawer, as_read, to_look_at
from vrag.pipeline.differences import Difference
from vrag.pipeline.pipeline import FULL, Pipeline, make_pipeline
from vrag.places.opening import Opened, create_index, open_index
from vrag.places.place import FolderPlace, Place, as_place
from vrag.remote.any_index import AnyIndex
from vrag.remote.remote_index import RemoteIndex
from vrag.runtime.budget import budget
from vrag.runtime.forked import close_files_below, forget_in_child, inherited
from vrag.search.hit import Hit
from vrag.search.plan import Detail
from vrag.search.query_text import Words
from vrag.search.searcher import Searcher
from vrag.search.watching import Watched
from vrag.search.where import find_documents, parse_where
from vrag.settings import folder_bytes, passwords
from vrag.store.edge.manifest import loss
from vrag.store.interface import Scored
from vrag.upkeep.problem import Problem
from vrag.upkeep.repool import RepoolReport, repool_open
from vrag.upkeep.verify import Verifier

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.upkeep.copying import CopyProgress

_AGAIN_S = 0.05  # between two looks for a service that is starting or ending


class Index(AbstractContextManager["Index"]):
    """Pages of documents, searchable.

    Make one with `Index.create`, open one with `Index.open`; close it, or use it in a `with` block.
    """

    def __init__(self, opened: Opened) -> None:
        self.place = opened.place
        self.stored = opened.stored
        self.embedder = opened.embedder
        self._lock = opened.lock
        self._searcher = Searcher(self.stored, self.embedder)
        self._drawer = PageDrawer(divide(None, 1, self.embedder.page_spec).worker_bytes)
        forget_in_child(self, Index._forget)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str] | Place,
        pipeline: str | Pipeline | None = None,
        model: str | None = None,
        collection: str | None = None,
        options: ModelOptions | None = None,
        wait: float = 0.0,
    ) -> Index:
        """Make a new index.

        Args:
            path: A folder, empty or created when missing, or the `http://` or `https://` address of a Qdrant server.
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
        path: str | os.PathLike[str] | Place = ".vrag",
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
        if isinstance(path, str) and path.startswith(("http://", "https://")) and collection is None:
            served = RemoteIndex.at(path)
            if served is not None:
                return served
        place = as_place(path, collection, wait)
        until = time.monotonic() + wait
        while True:
            served = RemoteIndex.find(place.folder) if place.folder else None
            if served is not None:
                return served
            try:
                return cls.hold(place, force, options=options, incomplete=incomplete)
            except ServedError:
                if time.monotonic() >= until:
                    raise
            time.sleep(_AGAIN_S)

    @classmethod
    @budget()
    def hold(
        cls,
        path: str | os.PathLike[str] | Place = ".vrag",
        force: bool = False,
        collection: str | None = None,
        options: ModelOptions | None = None,
        incomplete: bool = False,
        wait: float = 0.0,
    ) -> Index:
        """Open an index for this process alone, or for one of many on a server.

        Args:
            path: Its folder, or the `http://` or `https://` address of a Qdrant server.
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
        ingest = Ingest(self.stored, self.embedder, options or IngestOptions(), progress or Silent(), report)
        with self._changing():
            ingest.run(paths, recursive, renderer, workers, ray)
        return report

    def gone(self, paths: Sequence[str | os.PathLike[str]]) -> list[Gone]:
        """Documents at or under these paths whose files are not there any more."""
        return find_gone(self.stored, [os.path.abspath(path) for path in paths])

    def forget(self, gone: Sequence[Gone]) -> int:
        """Forget files that are gone; the number of documents that went with their last file."""
        with self._changing():
            return forget(self.stored, gone)

    def find_documents(self, docs: Sequence[str] = (), where: Sequence[str] = ()) -> list[Document]:
        """Documents of these names that meet every filter; without names all of those that do.

        Raises:
            UsageError: There is no document of a name, or a filter is not of documents.
        """
        return find_documents(docs, where, self.documents)

    def remove(self, documents: Sequence[Document]) -> None:
        """Remove documents with all their pages, in one step."""
        with self.stored.changing(), self.stored.gate.changing():
            self.documents.remove(documents)

    def set_metadata(self, document: Document, values: Mapping[str, Any]) -> Document:
        """Give a document metadata, as `vrag.catalog.giving.give`; it is returned as it is then."""
        with self._changing():
            return give(self.stored, document, values)

    def failures(self) -> list[Failure]:
        """What could not be indexed so far, by path and page."""
        return self.stored.failures().all()

    def verify(self, repair: bool = False) -> list[Problem]:
        """Check every page against what the index says of it.

        Args:
            repair: Make again what is wrong, from what is stored of the page or from its file.

        Returns:
            The problems found; with `repair`, as they were before.
        """
        verifier = Verifier(self.stored)
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

    @property
    def disk_bytes(self) -> int:
        """Bytes that an embedded index takes up on disk; 0 on a server."""
        return folder_bytes(self.place.folder) if self.place.folder else 0

    @budget()
    def search(
        self,
        query: str,
        k: int = 10,
        cascade: str | None = None,
        where: str | Sequence[str] = (),
        words: Words = "plain",
    ) -> list[Hit]:
        """The `k` best pages for a query, best first.

        Args:
            query: What is looked for, in words.
            k: Hits wanted, at least 1.
            cascade: "exact", "two-stage", "three-stage", or stages as `vrag.cascade.cascade` writes them.
            where: Filters, all of which must hold, e.g. "doc=report.pdf" or "year >= 2020", see `vrag.search.where`.
            words: "plain": the query is a question; "typed": "phrases" must and -words must not be on a page;
                "exact": all words must be.

        Raises:
            UsageError: An empty query, k below 1, an unknown cascade, filter key or document.
        """
        return self._searcher.search(query, k, cascade, where, words)

    def let_through(self, query: str, cascade: Cascade, step: int, k: int = 10) -> list[Scored]:
        """Every page that a step of a cascade lets through, best first.

        Args:
            query: What is looked for, in words.
            cascade: From `Pipeline.cascade`.
            step: Which of its steps, from 0.
            k: Hits wanted; no stage lets fewer through.
        """
        return self.watch(query, cascade, k).let_through(step)

    def watch(self, query: str, cascade: Cascade, k: int = 10, detail: Detail = "candidates") -> Watched:
        """A cascade step by step: every candidate with its score, and what goes on.

        Args:
            query: What is looked for, in words.
            cascade: From `Pipeline.cascade`.
            k: Hits wanted; no stage lets fewer through.
            detail: "steps" where it is enough to know what goes on.

        Pages that it did not see it scores later, when it is asked for them, in what the store holds then.
        """
        return self._searcher.watch(query, cascade, k, detail)

    def texts(self) -> Iterator[tuple[str, int, tuple[str, ...]]]:
        """Document id, page number and words in reading order of every page, in order of record id."""
        for record in self.stored.store.scroll(parse_where((), self.documents)):
            yield *page_place(record.payload), page_words(record.payload).texts

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

    def embed_query(self, text: str) -> FloatArray:
        """The query's rows, float32 [m, d], read-only; exact score = sum over m of the best dot product over n."""
        return self.embed_query_tokens(text).vectors

    def embed_query_tokens(self, text: str) -> QueryVectors:
        """The query's rows, read-only, with the words they stand for; the last query is remembered."""
        return self._searcher.embed(text)

    def vectors(self, doc: str, page: int, name: str = FULL) -> FloatArray:
        """What the store holds for a page: float32 [n, d], or [d] for a single vector.

        Args:
            doc: Document name.
            page: From 1.
            name: Named vector, e.g. "full".
        """
        if name not in self.pipeline.vector_names:
            raise UsageError(f"No vector {name!r}.", f"The index has: {', '.join(self.pipeline.vector_names)}.")
        with self.stored.gate.reading():
            record = self.documents.page_record(doc, page, [name])
        with reading("a page"):
            return record.vectors[name]

    def page_image(self, doc: str, page: int, given: Sequence[str] = ()) -> Image:
        """The page as the embedder saw it: an RGB picture rendered again from the file.

        Args:
            doc: Document name.
            page: From 1.
            given: Passwords for an encrypted file, besides those in the environment.
        """
        with self.stored.gate.reading():
            payload = self.documents.page_record(doc, page).payload
            path = Path(self.documents.label(page_place(payload)[0])[1])
        spec = replace(self.pipeline.page_spec(self.embedder.page_spec), passwords=passwords(given))
        return self._drawer.draw(path, page, as_read(spec, payload.get("renderer")))

    def draw(self, file: Path, document: Document, page: int, width: int) -> Image:
        """A page (from 1) as a file of its document shows it, margins included: RGB, `width` pixels wide at most.

        Raises:
            PageError: It cannot be drawn.
        """
        payload = record.payload if (record := self.stored.page(document.doc_id, page)) else {}
        spec = as_read(replace(self.embedder.page_spec, passwords=passwords()), payload.get("renderer"))
        return self._drawer.draw(file, page, to_look_at(spec, payload.get("width"), width))

    def heat(self, query: str, document: Document, page: int, words: Words = "plain") -> Heat:
        """Where each word of a query is answered on a page.

        Raises:
            UsageError: The index has no such page, or the query cannot be asked.
        """
        return heat_of(self._searcher, query, document, page, words)

    def snippet(self, query: str, hit: Hit) -> str:
        """The passage that a search with regions chose on the hit's page, else the one nearest to the query.

        Empty when no words stand there, or the page was replaced since it was found.
        """
        return self._searcher.snippet(query, hit)

    def matches(self, query: str, hit: Hit) -> tuple[Match, ...]:
        """For each token of the query the word or patch of the hit's page that answers it best.

        Empty when the page was replaced since it was found.
        """
        return match_hit(self._searcher, query, hit)

    @budget()
    def explain(
        self,
        query: str,
        doc: str | None = None,
        page: int | None = None,
        cascade: str | None = None,
        where: str | Sequence[str] = (),
        k: int = 10,
        words: Words = "plain",
    ) -> Explanation:
        """Why a page stands where it stands for a query, from stored vectors.

        Args:
            query: What is looked for, in words.
            doc: Document name; without it, and without `page`, the best hit is explained.
            page: From 1; without it the document's best page.
            cascade: As in `search`.
            where: The filters the search had.
            k: Hits the last stage lets through.
            words: As in `search`.

        Raises:
            UsageError: A page without a document, no such page, one that the filters leave out, or no hit at all.
        """
        return explain(self._searcher, query, doc, page, cascade, where, k, words)

    @property
    def documents(self) -> Documents:
        """The documents of the index."""
        return self.stored.documents

    @property
    def pipeline(self) -> Pipeline:
        """How its pages become vectors, and how they are searched."""
        return self.stored.pipeline

    @property
    def default_cascade(self) -> str:
        """The cascade that searches take when they name none."""
        return self.pipeline.default_cascade

    @property
    def model_name(self) -> str:
        """Model id as the user types it."""
        return self.embedder.name

    def differences(self, asked: Pipeline) -> list[Difference]:
        """What a pipeline says otherwise than this index was made with, the dearest first."""
        return self.pipeline.differences(asked, self.embedder.page_spec)

    @property
    def fingerprint(self) -> Fingerprint:
        """Facts of the model in use."""
        return self.embedder.fingerprint()

    @property
    def page_count(self) -> int:
        """Pages in the index; counted anew where others may write meanwhile: by a thread, or to a server."""
        return self.stored.page_count()

    @property
    def lost(self) -> str:
        """What was stored and is gone, in words; empty when nothing is."""
        return loss(self.stored.store)

    @property
    def path(self) -> Path | None:
        """Folder of an embedded index; None on a server."""
        return self.place.folder

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

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Documents come, change or go in the block; afterwards they say of themselves what is true then."""
        with self.stored.changing():
            yield
        try:
            refresh_contexts(self.stored, self.embedder)
        finally:
            self._searcher.forget()
