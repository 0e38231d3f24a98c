"""Ingest: files become pages, pages become vectors, vectors become records.

Worker processes read and render pages ahead, this thread embeds them (`vrag.ingest.embedding`), and a thread one batch
behind writes them (`vrag.ingest.writer`): the three overlap. A page is acknowledged when its record is in the store,
and a page that is there is never embedded again, so an interrupted run goes on where it stopped. One bad file or page
never stops the others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from vrag.catalog.metadata import Types
from vrag.catalog.stored import Stored
from vrag.embedders.protocol import Embedder
from vrag.ingest.embedding import PageEmbedding
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.page_source import PageSource
from vrag.ingest.report import IngestReport, Progress
from vrag.ingest.shares import Division, divide
from vrag.ingest.worklist import Worklist
from vrag.ingest.writer import OneBehind, Writer
from vrag.pages.files import find_files
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers
from vrag.runtime.timing import OPTIMIZING, timed, watching


@dataclass(frozen=True, slots=True)
class Ingest:
    """One run over files and folders.

    Args:
        stored: The index, where pages go.
        embedder: Its model.
        options: How to treat what is known already.
        progress: Told of every step.
        report: Filled while the work goes on, so that it holds after an interruption too.
    """

    stored: Stored
    embedder: Embedder
    options: IngestOptions
    progress: Progress
    report: IngestReport

    def run(
        self,
        paths: Sequence[str | os.PathLike[str]],
        recursive: bool,
        renderer: str | None,
        workers: int | None,
        ray: str | None,
    ) -> None:
        """Index the files; arguments as of `Index.ingest`.

        Raises:
            UsageError: A path is missing, there is nothing to index, or metadata of the wrong type is given.
        """
        told = self.report.unreadable_folder, self.options.may_be_empty, self.report.leave_out
        files = find_files(map(Path, paths), recursive, *told)
        self._fit_metadata()
        with self._source(renderer, workers, ray) as source:
            started = time.perf_counter()
            with watching() as watch:
                try:
                    self._index(files, source)
                finally:
                    self.report.seconds = time.perf_counter() - started
                    self.report.timing = watch.seconds()

    def _fit_metadata(self) -> None:
        """Give the keys of the metadata that comes with the run their types, before anything is read."""
        types = Types(self.stored.store)
        for values in (self.options.given.for_all, *self.options.given.table.values()):
            types.fit({key: value for key, value in values.items() if value is not None})

    def _source(self, renderer: str | None, workers: int | None, ray: str | None) -> AbstractContextManager[PageSource]:
        wanted = self.stored.pipeline.with_page(renderer=renderer).page_spec(self.embedder.page_spec)
        spec = replace(wanted, passwords=self.options.all_passwords)
        shares = divide(self.options.max_memory, workers, spec)
        self.report.workers = 0 if ray else shares.workers
        return open_source(ray, shares, self.embedder, spec)

    def _index(self, files: Sequence[Path], source: PageSource) -> None:
        failures = self.stored.failures()
        worklist = Worklist(self.stored, failures, source, self.options, self.progress, self.report)
        documents = list(worklist.pending(files))
        self.progress.embedding(sum(len(document.missing) for document in documents))
        embedding = PageEmbedding(self.embedder, source, self.stored.most_numbers, self.progress)
        writer = Writer(self.stored, failures, worklist, self.progress, self.report)
        with OneBehind(writer.write) as behind:
            for batch in embedding.batches(documents):
                behind.put(batch)
        if self.report.added:
            with timed(OPTIMIZING):
                self.stored.store.optimize()


def open_source(
    ray: str | None, shares: Division, embedder: Embedder, spec: PageSpec
) -> AbstractContextManager[PageSource]:
    """The source of pages, from `with` on.

    Args:
        ray: Address of a Ray cluster that reads and embeds, "local" for one on this machine, None for none.
        shares: What processes that read pages on this machine may take.
        embedder: The index's model, which every worker of a cluster has to have too.
        spec: What is needed of a page.

    Raises:
        UsageError: Ray is not installed, or the cluster is not there.
        IndexMismatchError: A worker of the cluster has another model.
    """
    if ray is None:
        return PageWorkers(spec, shares.workers, memory_bytes=shares.worker_bytes, in_flight=shares.in_flight)
    from vrag.ingest.fleet.fleet import Fleet

    return Fleet(ray, embedder, spec)
