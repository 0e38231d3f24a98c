"""Pages a second of an ingest, stage by stage, beside pdf2image alone and a loop that takes one page at a time."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from vrag.bench.peers import CPUS
from vrag.catalog.documents import KEYS, page_id
from vrag.catalog.payload import page_payload
from vrag.embedders.families import load_embedder
from vrag.embedders.protocol import PageVectors
from vrag.errors import PageError, UsageError
from vrag.index import Index
from vrag.pages.files import find_files
from vrag.pages.load import PageLoader
from vrag.pages.page import Page
from vrag.pages.workers import PageWorkers
from vrag.pipeline.pipeline import FULL, Pipeline, load_pipeline
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Record

_BATCH = 8
T = TypeVar("T")
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class IngestRow:
    """One stage.

    Args:
        stage: What was done.
        pages: Pages it was done to.
        seconds: Wall time.
        pages_per_s: Their quotient.
    """

    stage: str
    pages: int
    seconds: float
    pages_per_s: float


class IngestBench:
    """Stages measured one after another over the same pages, which are kept in memory between them.

    Args:
        folder: PDFs.
        most: Pages to take at most, from the first file on.
        tell: Told what is being done.
    """

    def __init__(self, folder: Path, most: int, tell: Tell) -> None:
        self._pipeline: Pipeline = load_pipeline()
        self._embedder = load_embedder(self._pipeline.model)
        self._spec = self._pipeline.page_spec(self._embedder.page_spec)
        self._files = find_files([folder])
        self._most = most
        self._tell = tell
        self._rows: list[IngestRow] = []

    def run(self) -> list[IngestRow]:
        """All stages.

        Raises:
            UsageError: No page of the folder can be read.
        """
        asked, pages = self._read()
        if not pages:
            raise UsageError("No page of these files could be read.", "See: vrag ingest")
        vectors = self._embed(pages)
        with tempfile.TemporaryDirectory() as place:
            self._store(pages, vectors, Path(place) / "store")
            self._whole(asked, Path(place))
            self._one_by_one(asked, Path(place) / "loop")
        self._pdf2image(asked)
        return self._rows

    @contextmanager
    def _stage(self, name: str, pages: int) -> Iterator[None]:
        self._tell(name)
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        self._rows.append(IngestRow(name, pages, round(seconds, 3), round(pages / seconds, 2)))

    def _read(self) -> tuple[list[tuple[Path, int]], list[Page]]:
        """The pages asked for, and those that could be read."""
        with PageWorkers(self._spec, CPUS) as workers:
            counts = [(path, _result(workers.inspect(path))) for path in self._files]
            asked = [(path, n) for path, info in counts if info for n in range(1, info.pages + 1)][: self._most]
            with self._stage(f"read and OCR, {CPUS} processes", len(asked)):
                futures = [workers.load(path, number) for path, number in asked]
                pages = [page for future in futures if (page := _result(future)) is not None]
        return asked, pages

    def _embed(self, pages: Sequence[Page]) -> list[PageVectors]:
        with self._stage("embed", len(pages)):
            batches = [pages[i : i + _BATCH] for i in range(0, len(pages), _BATCH)]
            return [vectors for batch in batches for vectors in self._embedder.embed_pages(batch)]

    def _store(self, pages: Sequence[Page], vectors: Sequence[PageVectors], folder: Path) -> None:
        with self._stage("pool", len(pages)):
            records = [self._record(i, page, made) for i, (page, made) in enumerate(zip(pages, vectors, strict=True))]
        store = EdgeStore.create(folder, self._pipeline.schema(self._embedder.dim), KEYS)
        with self._stage("write to Qdrant Edge", len(pages)):
            for start in range(0, len(records), _BATCH):
                store.upsert(records[start : start + _BATCH])
        store.close()

    def _record(self, place: int, page: Page, vectors: PageVectors) -> Record:
        pooled = {spec.name: spec.of_page(vectors, self._embedder.mean) for spec in self._pipeline.vectors}
        payload = page_payload(page, vectors.grid, "bench")
        return Record(page_id("bench", place, "bench"), payload, {FULL: vectors.full, **pooled})

    def _whole(self, asked: Sequence[tuple[Path, int]], place: Path) -> None:
        """`vrag ingest` as it is, of the files that were taken whole."""
        whole = sorted({path for path, _ in asked})
        with Index.create(place / "index") as index:
            self._tell("vrag ingest")
            report = index.ingest(whole)
        pages, seconds = report.added, report.seconds
        self._rows.append(IngestRow("vrag ingest", pages, round(seconds, 3), round(pages / seconds, 2)))

    def _one_by_one(self, asked: Sequence[tuple[Path, int]], folder: Path) -> None:
        """Read, embed, pool and write each page before the next is begun, in this process."""
        store = EdgeStore.create(folder, self._pipeline.schema(self._embedder.dim), KEYS)
        with self._stage("reference loop, one page at a time", len(asked)), PageLoader(self._spec) as loader:
            for i, (path, number) in enumerate(asked):
                try:
                    page = loader.load(path, number)
                except PageError:
                    continue
                store.upsert([self._record(i, page, self._embedder.embed_pages([page])[0])])
        store.close()

    def _pdf2image(self, asked: Sequence[tuple[Path, int]]) -> None:
        """Only rendering, as most tools begin; needs poppler."""
        if shutil.which("pdftoppm") is None:
            return
        from pdf2image import convert_from_path

        last = {path: number for path, number in asked if path.suffix.lower() == ".pdf"}
        with self._stage(f"pdf2image alone, {self._spec.dpi} dpi", sum(last.values())):
            for path, number in last.items():
                convert_from_path(path, dpi=int(self._spec.dpi), last_page=number)


def _result(future: Future[T]) -> T | None:
    try:
        return future.result()
    except PageError:
        return None
