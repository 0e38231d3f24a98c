"""`RemoteIndex`: an index that a service holds, used as if it were open here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vrag.errors import ServedError, UsageError
from vrag.remote.channel import STEPS, Calls, Channel, StoppedError, Told
from vrag.remote.door import find_door
from vrag.runtime.batching import batched
from vrag.search.hit_reader import bound
from vrag.search.query_text import read_queries

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.ask.answer import Answer, Step
    from vrag.ask.following import History
    from vrag.catalog.documents import Document, Label
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
    from vrag.remote.any_index import Located
    from vrag.search.hit import Hit, Hits
    from vrag.search.query_picture import AnyPicture
    from vrag.search.query_text import Words
    from vrag.store.server.state import ServerState
    from vrag.upkeep.copying import CopyProgress
    from vrag.upkeep.problem import Problem
    from vrag.upkeep.repool import RepoolReport

MOST_QUERIES = 64  # of one call: more would keep a place of the service for seconds
_AGAIN_S, _SELDOM_S = 0.05, 2.0  # between two looks for a service, at first and later
Opened = TypeVar("Opened")


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """Where a remote index is.

    Args:
        name: What people call it.
        folder: On this machine; None when it is on another.
    """

    name: str
    folder: Path | None = None


class RemoteDocuments:
    """The documents of a remote index.

    Args:
        channel: To its holder.
    """

    def __init__(self, channel: Calls) -> None:
        self._channel = channel

    def all(self) -> list[Document]:
        """Every document, by first path."""
        found: list[Document] = self._channel.call("documents", {})
        return found

    def count(self) -> int:
        """Documents in the index."""
        return int(self._channel.call("document_count", {}))

    def get(self, doc_id: str) -> Document | None:
        """The document of these bytes, when the index knows it."""
        found: Document | None = self._channel.call("document", {"doc_id": doc_id})
        return found

    def labels(self, doc_ids: Sequence[str]) -> dict[str, Label]:
        """Name and path of each document, by id."""
        found: dict[str, Label] = self._channel.call("labels", {"doc_ids": [*doc_ids]})
        return found


class RemoteIndex(AbstractContextManager["RemoteIndex"]):
    """An index that another process holds (keeps `AnyIndex`); arguments and errors are those of `Index`.

    Files that an ingest names are read by the holder, which runs as the same user. Ctrl-C stops an ingest there at a
    page, and what is done is kept.

    Args:
        place: Where the index is.
        channel: To its holder.
    """

    is_closed = False

    def __init__(self, place: RemotePlace, channel: Calls) -> None:
        self.place = place
        self.documents = RemoteDocuments(channel)
        self._channel = channel

    @classmethod
    def find(cls, folder: Path) -> RemoteIndex | None:
        """The index of a folder, when a process holds it and lets others use it."""
        folder = folder.absolute()
        door = find_door(folder)
        return cls(RemotePlace(str(folder), folder), Channel(door)) if door else None

    @classmethod
    def at(cls, url: str) -> RemoteIndex | None:
        """The index of the service at an address; None when no vrag service answers there.

        Raises:
            UsageError: The service wants a token.
        """
        from vrag.remote.service_url import UrlChannel

        channel = UrlChannel.find(url) if url else None
        return cls(RemotePlace(url), channel) if channel else None

    @property
    def path(self) -> Path | None:
        """Folder of the index on this machine."""
        return self.place.folder

    @property
    def pipeline(self) -> Pipeline:
        """How its pages become vectors, and how they are searched."""
        from vrag.pipeline.pipeline import make_pipeline

        name, table = self._channel.call("pipeline", {})
        return make_pipeline(name, table, self.place.name)

    @property
    def default_cascade(self) -> str:
        """The cascade that searches take when they name none."""
        return str(self._channel.call("default_cascade", {}))

    @property
    def model_name(self) -> str:
        """Model id as the user types it."""
        return str(self._channel.call("model_name", {}))

    @property
    def fingerprint(self) -> Fingerprint:
        """Facts of the model in use there."""
        found: Fingerprint = self._channel.call("fingerprint", {})
        return found

    @property
    def page_count(self) -> int:
        """Pages in the index."""
        return int(self._channel.call("page_count", {}))

    @property
    def disk_bytes(self) -> int:
        """Bytes that the index takes up on disk; 0 on a server."""
        return int(self._channel.call("disk_bytes", {}))

    def server_state(self) -> ServerState | None:
        """What the Qdrant server of the index says of itself; None for an embedded index."""
        found: ServerState | None = self._channel.call("server_state", {})
        return found

    @property
    def lost(self) -> str:
        """What was stored and is gone, in words."""
        return str(self._channel.call("lost", {}))

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
        asked = {"query": query, "k": k, "cascade": cascade, "where": _clauses(where), "words": words}
        asked["min_relevance"] = min_relevance
        return bound(self._channel.call("search", asked), self, query)

    def search_many(
        self,
        queries: Sequence[str],
        k: int = 10,
        cascade: str | None = None,
        where: str | Sequence[str] = (),
        words: Words = "plain",
        min_relevance: float = 0.0,
    ) -> list[Hits]:
        """The hits of many queries, in their order; the holder is asked once for every `MOST_QUERIES` of them."""
        asked = {"k": k, "cascade": cascade, "where": _clauses(where), "words": words, "min_relevance": min_relevance}
        read_queries(queries, words)  # here, where it is known which one of all is wrong
        found: list[list[Hit]] = []
        for some in batched(queries, MOST_QUERIES):
            found += self._channel.call("search_many", {"queries": some, **asked})
        return [bound(hits, self, query) for query, hits in zip(queries, found, strict=True)]

    def search_like(
        self, doc: str, page: int, k: int = 10, cascade: str | None = None, where: str | Sequence[str] = ()
    ) -> Hits:
        """The `k` pages that are most like a page of the index, best first."""
        asked = {"doc": doc, "page": page, "k": k, "cascade": cascade, "where": _clauses(where)}
        return bound(self._channel.call("search_like", asked), self, (doc, page))

    def search_image(
        self, picture: AnyPicture, k: int = 10, cascade: str | None = None, where: str | Sequence[str] = ()
    ) -> Hits:
        """The `k` pages that are most like a picture, best first; it is read here and decoded by the holder."""
        from vrag.search.query_picture import picture_bytes

        asked = {"picture": picture_bytes(picture), "k": k, "cascade": cascade, "where": _clauses(where)}
        return bound(self._channel.call("search_image", asked), self, None)

    def ask(
        self,
        question: str,
        k: int = 5,
        where: str | Sequence[str] = (),
        llm: Llm | None = None,
        history: History = (),
    ) -> Answer:
        """What the pages say to a question; a model is asked by this process, and its holder is told nothing of it."""
        from vrag.ask.answer import last

        return last(self.ask_stream(question, k, where, llm, history))

    def ask_stream(
        self,
        question: str,
        k: int = 5,
        where: str | Sequence[str] = (),
        llm: Llm | None = None,
        history: History = (),
    ) -> Generator[Step, None, None]:
        """The same, step by step."""
        if llm is not None:
            from vrag.ask.writing import write

            yield from write(self, llm, question, k, where, history)
            return
        from vrag.ask.answer import steps

        asked = {"question": question, "k": k, "where": _clauses(where)}
        if history:
            asked["history"] = [(before, answer) for before, answer in history]
        answer: Answer = self._channel.call("ask", asked)
        bound(answer.pages, self, answer.searched or question)
        yield from steps(answer)

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
        asked = {"query": query, "doc": doc, "page": page, "cascade": cascade, "where": _clauses(where)}
        found: Explanation = self._channel.call("explain", {**asked, "k": k, "words": words})
        return found

    def snippet(self, query: str, hit: Hit) -> str:
        """The passage of a hit's page that answers best."""
        return str(self._channel.call("snippet", {"query": query, "hit": hit}))

    def matches(self, query: str, hit: Hit) -> tuple[Match, ...]:
        """For each token of the query what answers it best on the hit's page."""
        found: tuple[Match, ...] = self._channel.call("matches", {"query": query, "hit": hit})
        return found

    def page_words(self, doc: str, page: int) -> PageWords:
        """The words of a page in reading order, with their places."""
        found: PageWords = self._channel.call("page_words", {"doc": doc, "page": page})
        return found

    def page_text(self, doc: str, page: int) -> str:
        """The words of a page in reading order, line by line."""
        return str(self._channel.call("page_text", {"doc": doc, "page": page}))

    def page_source(self, doc: str, page: int) -> TextSource:
        """Where the words of a page come from."""
        found: TextSource = self._channel.call("page_source", {"doc": doc, "page": page})
        return found

    def page_image(self, doc: str, page: int, *, width: int | None = None) -> Image:
        """The page as the embedder saw it; passwords in this process's environment go along.

        With a width it comes as JPEG, a tenth of the bytes; without one to the last bit.
        """
        from io import BytesIO

        from PIL import Image

        from vrag.settings import passwords

        asked = {"doc": doc, "page": page, "passwords": passwords()}
        if width is not None:
            return Image.open(BytesIO(self._channel.call("page_jpeg", {**asked, "width": width})), formats=["JPEG"])
        size, pixels = self._channel.call("page_image", asked)
        return Image.frombytes("RGB", size, pixels)

    def embed_query(self, text: str) -> FloatArray:
        """The query's rows, float32 [m, d], read-only."""
        return self.embed_query_tokens(text).vectors

    def embed_query_tokens(self, text: str) -> QueryVectors:
        """The query's rows, read-only, with the words they stand for."""
        found: QueryVectors = self._channel.call("embed_query_tokens", {"text": text})
        return found

    def vectors(self, doc: str, page: int, name: str = "full") -> FloatArray:
        """What the store holds for a page, read-only."""
        found: FloatArray = self._channel.call("vectors", {"doc": doc, "page": page, "name": name})
        return found

    def find_documents(self, docs: Sequence[str] = (), where: Sequence[str] = ()) -> list[Document]:
        """Documents of these names that meet every filter."""
        found: list[Document] = self._channel.call("find_documents", {"docs": [*docs], "where": [*where]})
        return found

    def failures(self) -> list[Failure]:
        """What could not be indexed so far."""
        found: list[Failure] = self._channel.call("failures", {})
        return found

    def differences(self, asked: Pipeline) -> list[Difference]:
        """What a pipeline says otherwise than this index was made with."""
        about = {"name": asked.name, "table": dict(asked.source)}
        found: list[Difference] = self._channel.call("differences", about)
        return found

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
        """Index files and folders, which the holder reads; passwords in this process's environment go along."""
        from vrag.ingest.ingest_options import IngestOptions
        from vrag.ingest.report import IngestReport

        report = report or IngestReport(index=self.place.name)
        options = options or IngestOptions()
        asked = {
            "paths": _absolute(paths),
            "recursive": recursive,
            "renderer": renderer,
            "workers": workers,
            "options": replace(options, passwords=options.all_passwords),
            "ray": ray,
        }

        def fill(found: IngestReport) -> None:
            for field in fields(IngestReport):
                setattr(report, field.name, getattr(found, field.name))

        try:
            fill(self._channel.call("ingest", asked, _steps(progress), fill))
        except StoppedError as stopped:
            fill(stopped.found)
            raise
        return report

    def gone(self, paths: Sequence[str | os.PathLike[str]]) -> list[Gone]:
        """Documents at or under these paths whose files are not there any more."""
        found: list[Gone] = self._channel.call("gone", {"paths": _absolute(paths)})
        return found

    def forget(self, gone: Sequence[Gone]) -> int:
        """Forget files that are gone."""
        return int(self._channel.call("forget", {"gone": [*gone]}))

    def remove(self, documents: Sequence[Document]) -> None:
        """Remove documents with all their pages."""
        self._channel.call("remove", {"documents": [*documents]})

    def verify(self, repair: bool = False) -> list[Problem]:
        """Check every page against what the index says of it."""
        found: list[Problem] = self._channel.call("verify", {"repair": repair})
        return found

    def compact(self) -> tuple[int, int]:
        """Drop what was deleted; bytes on disk before and after."""
        before, after = self._channel.call("compact", {})
        return before, after

    def repool(self, pipeline: str | Pipeline, progress: CopyProgress | None = None) -> RepoolReport:
        """Give the index the pooled vectors and cascades of another pipeline."""
        from vrag.pipeline.pipeline import Pipeline, load_pipeline

        chosen = pipeline if isinstance(pipeline, Pipeline) else load_pipeline(pipeline)
        asked = {"name": chosen.name, "table": dict(chosen.source)}
        found: RepoolReport = self._channel.call("repool", asked, _steps(progress))
        return found

    def close(self) -> None:
        """Let go of it: its hits read no more pages. The index stays with its holder."""
        self.is_closed = True

    def _repr_html_(self) -> str:
        from vrag.search.notebook import index_html

        return index_html(self)

    def __exit__(self, *_: object) -> None:
        self.close()


def served_or(place: Located, wait: float, otherwise: Callable[[], Opened], address: str = "") -> RemoteIndex | Opened:
    """The index of a place from the service that holds it; what `otherwise` gives where there is none.

    A service that is starting has the index and no door yet, and one that is ending has it still: it is waited for.

    Args:
        place: Where the index is.
        wait: Seconds; a place that says so itself brings its own.
        otherwise: Opens the index here.
        address: Where a service may be, when the place is no folder; whether it is one is found out by asking.

    Raises:
        ServedError: A service has it that does not answer, or is still not there.
    """
    until, pause = time.monotonic() + max(wait, getattr(place, "wait", 0.0)), _AGAIN_S
    while True:
        served = RemoteIndex.find(place.folder) if place.folder else RemoteIndex.at(address)
        if served is not None:
            return served
        try:
            return otherwise()
        except ServedError:
            if time.monotonic() >= until:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _SELDOM_S)


def _clauses(where: str | Sequence[str]) -> list[str]:
    return [where] if isinstance(where, str) else [*where]


def _absolute(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Paths as the holder finds them, which works in another folder."""
    return [os.path.abspath(path) for path in paths]


def _steps(progress: Progress | CopyProgress | None) -> Told | None:
    """Passes the steps of long work on."""
    if progress is None:
        return None

    def told(step: str, arguments: tuple[Any, ...]) -> None:
        if step not in STEPS:
            raise UsageError(f"The service tells of a step that this version does not know: {step}.")
        getattr(progress, step)(*arguments)

    return told
