"""What an index is for whoever uses it, wherever it is held: in this process, or by a service."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.ask.answer import Answer, Step
    from vrag.ask.following import History
    from vrag.catalog.documents import AnyDocuments, Document
    from vrag.catalog.failures import Failure
    from vrag.embedders.protocol import Fingerprint, QueryVectors
    from vrag.explain.explanation import Explanation, Match
    from vrag.grid import FloatArray
    from vrag.ingest.ingest_options import IngestOptions
    from vrag.ingest.pruning import Gone
    from vrag.ingest.report import IngestReport, Progress
    from vrag.llm.llm import Llm
    from vrag.pages.page import TextSource
    from vrag.pages.page import Words as PageWords
    from vrag.pipeline.differences import Difference
    from vrag.pipeline.pipeline import Pipeline
    from vrag.search.hit import Hit, Hits
    from vrag.search.query_picture import AnyPicture
    from vrag.search.query_text import Words
    from vrag.store.server.state import ServerState
    from vrag.upkeep.copying import CopyProgress
    from vrag.upkeep.problem import Problem
    from vrag.upkeep.repool import RepoolReport


class Located(Protocol):
    """Where an index is."""

    @property
    def name(self) -> str:
        """What people call it: the folder, or an address."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder of an embedded index on this machine; None for any other."""
        ...


class AnyIndex(Protocol):
    """An index that is open: `vrag.index.Index`, which holds it, or `RemoteIndex`, which asks who holds it.

    What the methods do, and their arguments, is said at `Index`.
    """

    @property
    def place(self) -> Located:
        """Where it is."""
        ...

    @property
    def path(self) -> Path | None:
        """Folder of an embedded index on this machine; None for any other."""
        ...

    @property
    def documents(self) -> AnyDocuments:
        """Its documents."""
        ...

    @property
    def pipeline(self) -> Pipeline:
        """How its pages become vectors, and how they are searched."""
        ...

    @property
    def default_cascade(self) -> str:
        """The cascade that searches take when they name none."""
        ...

    @property
    def model_name(self) -> str:
        """Model id as the user types it."""
        ...

    @property
    def fingerprint(self) -> Fingerprint:
        """Facts of the model in use."""
        ...

    @property
    def page_count(self) -> int:
        """Pages in it."""
        ...

    @property
    def disk_bytes(self) -> int:
        """Bytes that an embedded index takes up on disk; 0 on a server."""
        ...

    def server_state(self) -> ServerState | None:
        """What the Qdrant server of the index says of itself; None for an embedded index."""
        ...

    @property
    def lost(self) -> str:
        """What was stored and is gone, in words; empty when nothing is."""
        ...

    def search(
        self,
        query: str,
        k: int = 10,
        cascade: str | None = None,
        where: str | Sequence[str] = (),
        words: Words = "plain",
        min_relevance: float = 0.0,
    ) -> Hits:
        """The `k` best pages for a query, best first."""
        ...

    def search_many(
        self,
        queries: Sequence[str],
        k: int = 10,
        cascade: str | None = None,
        where: str | Sequence[str] = (),
        words: Words = "plain",
        min_relevance: float = 0.0,
    ) -> list[Hits]:
        """The hits of many queries, in their order."""
        ...

    def search_like(
        self, doc: str, page: int, k: int = 10, cascade: str | None = None, where: str | Sequence[str] = ()
    ) -> Hits:
        """The `k` pages that are most like a page of the index, best first."""
        ...

    def search_image(
        self, picture: AnyPicture, k: int = 10, cascade: str | None = None, where: str | Sequence[str] = ()
    ) -> Hits:
        """The `k` pages that are most like a picture, best first."""
        ...

    def ask(
        self,
        question: str,
        k: int = 5,
        where: str | Sequence[str] = (),
        llm: Llm | None = None,
        history: History = (),
    ) -> Answer:
        """What the pages say to a question."""
        ...

    def ask_stream(
        self,
        question: str,
        k: int = 5,
        where: str | Sequence[str] = (),
        llm: Llm | None = None,
        history: History = (),
    ) -> Generator[Step, None, None]:
        """The same, step by step."""
        ...

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
        """Why a page stands where it stands for a query."""
        ...

    def snippet(self, query: str, hit: Hit) -> str:
        """The passage of a hit's page that answers best."""
        ...

    def matches(self, query: str, hit: Hit) -> tuple[Match, ...]:
        """For each token of the query what answers it best on the hit's page."""
        ...

    def page_words(self, doc: str, page: int) -> PageWords:
        """The words of a page in reading order, with their places."""
        ...

    def page_text(self, doc: str, page: int) -> str:
        """The words of a page in reading order, line by line."""
        ...

    def page_source(self, doc: str, page: int) -> TextSource:
        """Where the words of a page come from: its text layer, pixels that were read, both, or "none"."""
        ...

    def page_image(self, doc: str, page: int, *, width: int | None = None) -> Image:
        """The page as the embedder saw it; with a width, all of it, as wide as that."""
        ...

    def embed_query_tokens(self, text: str) -> QueryVectors:
        """The query's rows, with the words they stand for."""
        ...

    def vectors(self, doc: str, page: int, name: str = "full") -> FloatArray:
        """What the store holds for a page."""
        ...

    def find_documents(self, docs: Sequence[str] = (), where: Sequence[str] = ()) -> list[Document]:
        """Documents of these names that meet every filter."""
        ...

    def failures(self) -> list[Failure]:
        """What could not be indexed so far."""
        ...

    def differences(self, asked: Pipeline) -> list[Difference]:
        """What a pipeline says otherwise than this index was made with."""
        ...

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
        """Index files and folders."""
        ...

    def gone(self, paths: Sequence[str | os.PathLike[str]]) -> list[Gone]:
        """Documents at or under these paths whose files are not there any more."""
        ...

    def forget(self, gone: Sequence[Gone]) -> int:
        """Forget files that are gone."""
        ...

    def remove(self, documents: Sequence[Document]) -> None:
        """Remove documents with all their pages."""
        ...

    def verify(self, repair: bool = False) -> list[Problem]:
        """Check every page against what the index says of it."""
        ...

    def compact(self) -> tuple[int, int]:
        """Drop what was deleted; bytes on disk before and after."""
        ...

    def repool(self, pipeline: str | Pipeline, progress: CopyProgress | None = None) -> RepoolReport:
        """Give it the pooled vectors and cascades of another pipeline."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...

    def __enter__(self) -> AnyIndex: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...
