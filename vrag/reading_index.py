"""What an open index answers: searches, pages, vectors, documents; nothing here changes it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vrag.ask.answer import Answer, Step, last, steps
from vrag.ask.following import History
from vrag.cascade.cascade import Cascade
from vrag.catalog.documents import Document, Documents
from vrag.catalog.failures import Failure
from vrag.catalog.kinds import reading
from vrag.catalog.payload import page_place, page_source, page_words
from vrag.embedders.protocol import Fingerprint, QueryVectors
from vrag.errors import PageError, UsageError
from vrag.explain.explanation import Explanation, Match
from vrag.explain.page_heat import Heat
from vrag.grid import FloatArray
from vrag.ingest.pruning import Gone, find_gone
from vrag.ingest.shares import divide
from vrag.ingest.sources import Originals
from vrag.llm.llm import Llm
from vrag.pages.drawing import PageDrawer, as_read, check_width, to_look_at
from vrag.pages.page import Page, TextSource
from vrag.pages.page import Words as PageWords
from vrag.pipeline.differences import Difference
from vrag.pipeline.pipeline import FULL, Pipeline
from vrag.places.opening import Opened
from vrag.runtime.budget import budget
from vrag.search.hit import Hit, Hits
from vrag.search.hit_reader import bound
from vrag.search.page_query import page_query, read_picture
from vrag.search.plan import Detail
from vrag.search.query_picture import AnyPicture, picture_bytes
from vrag.search.query_text import Words
from vrag.search.searcher import Searcher
from vrag.search.watching import Watched
from vrag.search.where import find_documents, parse_where
from vrag.settings import folder_bytes, passwords
from vrag.store.edge.manifest import loss
from vrag.store.interface import Scored

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.store.server.state import ServerState


class ReadingIndex:
    """The reading side of an index that is open in this process; any number of threads may use it at once.

    Args:
        opened: What the process holds.
    """

    is_closed = False

    def __init__(self, opened: Opened) -> None:
        self.place = opened.place
        self.stored = opened.stored
        self.embedder = opened.embedder
        self._searcher = Searcher(self.stored, self.embedder)
        self._originals = Originals()
        self._drawer = PageDrawer(divide(None, 1, self.embedder.page_spec).worker_bytes)

    @budget()
    def search(
        self,
        query: str,
        k: int = 10,
        cascade: str | None = None,
        where: str | Sequence[str] = (),
        words: Words = "plain",
        min_relevance: float = 0.0,
    ) -> Hits:
        """The `k` best pages for a query, best first.

        Args:
            query: What is looked for, in words.
            k: Hits wanted, at least 1.
            cascade: "exact", "two-stage", "three-stage", or stages as `vrag.cascade.cascade` writes them.
            where: Filters, all of which must hold, e.g. "doc=report.pdf" or "year >= 2020", see `vrag.search.where`.
            words: "plain": the query is a question; "typed": "phrases" must and -words must not be on a page;
                "exact": all words must be.
            min_relevance: Hits with less are left out, 0 to 1; those whose relevance is not known stay.

        Raises:
            UsageError: An empty query, k below 1, an unknown cascade, filter key or document, no least relevance.
        """
        return bound(self._searcher.search(query, k, cascade, where, words, min_relevance), self, query)

    @budget()
    def search_many(
        self,
        queries: Sequence[str],
        k: int = 10,
        cascade: str | None = None,
        where: str | Sequence[str] = (),
        words: Words = "plain",
        min_relevance: float = 0.0,
    ) -> list[Hits]:
        """The hits of many queries, in their order: what `search` gives for each, to the last bit.

        A model of words reads the queries on all cores at once, and a service is asked once for many of them.

        Args:
            queries: What is looked for.
            k: As in `search`, as are the others, which hold for every query.

        Raises:
            UsageError: As in `search`; of a query that cannot be asked, it says which one.
        """
        found = self._searcher.search_many(queries, k, cascade, where, words, min_relevance)
        return [bound(hits, self, query) for query, hits in zip(queries, found, strict=True)]

    @budget()
    def search_like(
        self, doc: str, page: int, k: int = 10, cascade: str | None = None, where: str | Sequence[str] = ()
    ) -> Hits:
        """The `k` pages that are most like a page of the index, best first, by stored vectors and words.

        Args:
            doc: Document name.
            page: From 1.
            k: Hits wanted, at least 1; the page itself is none.
            cascade: As in `search`; what a cascade reads is left unread.
            where: As in `search`.

        Raises:
            UsageError: No such page, one with nothing to compare, k below 1, an unknown cascade, filter or document.
        """
        with self.stored.gate.reading(), reading("a page"):
            record = self.documents.page_record(doc, page, [FULL])
            wanted = page_query(record.vectors[FULL], page_words(record.payload), f"{doc}, page {page},", record.id)
        return bound(self._searcher.like(wanted, k, cascade, where), self, (doc, page))

    def search_image(
        self, picture: AnyPicture, k: int = 10, cascade: str | None = None, where: str | Sequence[str] = ()
    ) -> Hits:
        """The `k` pages that are most like a picture, best first; a model that does not see reads its words.

        Args:
            picture: Bytes or path of a PNG or JPEG.
            k: Hits wanted, at least 1.
            cascade: As in `search_like`.
            where: As in `search`.

        Raises:
            UsageError: No picture, one with nothing to compare, k below 1, an unknown cascade, filter or document.
        """
        return self.search_read(self.read_image(picture), k, cascade, where)

    def read_image(self, picture: AnyPicture) -> Page:
        """A picture as the pages of the index are read, by a process of its own and within its bounds.

        Raises:
            UsageError: It cannot be read.
        """
        spec = self.pipeline.page_spec(self.embedder.page_spec)
        return read_picture(picture_bytes(picture), self._drawer, spec)

    @budget()
    def search_read(self, page: Page, k: int, cascade: str | None, where: str | Sequence[str]) -> Hits:
        """The rest of `search_image`, of what was read."""
        (vectors,) = self.embedder.embed_pages([page])
        found = self._searcher.like(page_query(vectors.full, page.words, "The picture"), k, cascade, where)
        return bound(found, self, None)

    def ask(
        self,
        question: str,
        k: int = 5,
        where: str | Sequence[str] = (),
        llm: Llm | None = None,
        history: History = (),
    ) -> Answer:
        """What the pages say to a question.

        Args:
            question: In words.
            k: Pages to look at, at least 1.
            where: Filters as in `search`.
            llm: Writes the answer, whose claims are checked against the pages; it is sent the pages. Without one the
                answer is made of quotes, word for word, and nothing leaves this machine.
            history: The conversation before: questions with their answers, the last one last.

        Raises:
            UsageError: An empty question, k below 1, an unknown filter key or document.
            LlmError: The model cannot be reached, refuses, or gives no answer that can be used.
        """
        return last(self.ask_stream(question, k, where, llm, history))

    def ask_stream(
        self,
        question: str,
        k: int = 5,
        where: str | Sequence[str] = (),
        llm: Llm | None = None,
        history: History = (),
    ) -> Generator[Step, None, None]:
        """The same, step by step: `Found` once, `Claimed` for every claim as soon as it is checked, the `Answer`.

        Who closes the iterator before its end takes the question back: the connection to the model is closed.
        """
        if llm is not None:
            from vrag.ask.writing import write  # loads what speaks HTTP, which no search needs

            yield from write(self, llm, question, k, where, history)
            return
        from vrag.ask.asking import ask

        with budget():
            answer = ask(self._searcher, question, k, where, history)
        bound(answer.pages, self, answer.searched or question)
        yield from steps(answer)

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
        from vrag.explain.explaining import explain  # here as in the other two: a search needs none of it

        return explain(self._searcher, query, doc, page, cascade, where, k, words)

    def snippet(self, query: str, hit: Hit) -> str:
        """The passage that a search with regions chose on the hit's page, else the one nearest to the query.

        Empty when no words stand there, or the page was replaced since it was found.
        """
        return self._searcher.snippet(query, hit)

    def matches(self, query: str, hit: Hit) -> tuple[Match, ...]:
        """For each token of the query the word or patch of the hit's page that answers it best.

        Empty when the page was replaced since it was found.
        """
        from vrag.explain.explaining import match_hit

        return match_hit(self._searcher, query, hit)

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

    @budget()
    def page_words(self, doc: str, page: int) -> PageWords:
        """The words of a page in reading order, with their places.

        Args:
            doc: Document name.
            page: From 1.
        """
        with self.stored.gate.reading():
            return page_words(self.documents.page_record(doc, page).payload)

    def page_text(self, doc: str, page: int) -> str:
        """The words of a page in reading order, a line of the page a line; empty where there are none.

        Args:
            doc: Document name.
            page: From 1.

        Raises:
            UsageError: There is no such page.
        """
        return "\n".join(self.page_words(doc, page).text_lines())

    @budget()
    def page_source(self, doc: str, page: int) -> TextSource:
        """Where the words of a page come from: its text layer, pixels that were read, both, or "none".

        Args:
            doc: Document name.
            page: From 1.
        """
        with self.stored.gate.reading():
            return page_source(self.documents.page_record(doc, page).payload)

    def texts(self) -> Iterator[tuple[str, int, tuple[str, ...]]]:
        """Document id, page number and words in reading order of every page, in order of record id."""
        for record in self.stored.store.scroll(parse_where((), self.documents)):
            yield *page_place(record.payload), page_words(record.payload).texts

    def page_image(self, doc: str, page: int, given: Sequence[str] = (), *, width: int | None = None) -> Image:
        """The page as the embedder saw it: an RGB picture rendered again from the file.

        Args:
            doc: Document name.
            page: From 1.
            given: Passwords for an encrypted file, besides those in the environment.
            width: Pixels, at most: the page with all its margins, as wide as that.

        Raises:
            PageError: It cannot be drawn, or its file is not what was indexed.
            UsageError: There is no such page, or the width is out of range.
        """
        check_width(width)
        with self.stored.gate.reading():
            payload = self.documents.page_record(doc, page).payload
            document = self.documents.get(page_place(payload)[0])
        path = self._originals.find(document) if document else None
        if path is None:
            is_gone = document is None or not any(os.path.exists(path) for path in document.paths)
            why = "there any more" if is_gone else "the one that was indexed"
            raise PageError(f"{doc}, page {page}: the file is not {why}.", "Ingest it again.")
        spec = replace(self.pipeline.page_spec(self.embedder.page_spec), passwords=passwords(given))
        spec = as_read(spec, payload.get("renderer"))
        return self._drawer.draw(path, page, to_look_at(spec, payload.get("width"), width) if width else spec)

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
        from vrag.explain.explaining import heat_of

        return heat_of(self._searcher, query, document, page, words)

    @property
    def documents(self) -> Documents:
        """The documents of the index."""
        return self.stored.documents

    def find_documents(self, docs: Sequence[str] = (), where: Sequence[str] = ()) -> list[Document]:
        """Documents of these names that meet every filter; without names all of those that do.

        Raises:
            UsageError: There is no document of a name, or a filter is not of documents.
        """
        return find_documents(docs, where, self.documents)

    def failures(self) -> list[Failure]:
        """What could not be indexed so far, by path and page."""
        return self.stored.failures().all()

    def gone(self, paths: Sequence[str | os.PathLike[str]]) -> list[Gone]:
        """Documents at or under these paths whose files are not there any more."""
        return find_gone(self.stored, [os.path.abspath(path) for path in paths])

    def differences(self, asked: Pipeline) -> list[Difference]:
        """What a pipeline says otherwise than this index was made with, the dearest first."""
        return self.pipeline.differences(asked, self.embedder.page_spec)

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

    @property
    def disk_bytes(self) -> int:
        """Bytes that an embedded index takes up on disk; 0 on a server."""
        return folder_bytes(self.place.folder) if self.place.folder else 0

    @budget()
    def server_state(self) -> ServerState | None:
        """What the server says of itself and of the index, nodes and copies among it; None for an embedded index.

        Raises:
            StoreError: It does not answer.
        """
        return self.place.server_state()

    def _repr_html_(self) -> str:
        from vrag.search.notebook import index_html

        return index_html(self)
