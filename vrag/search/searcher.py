"""The reading side of an open index: a query becomes vectors, runs over what is stored, and comes back as hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vrag.cascade.cascade import Cascade, Stage
from vrag.catalog.page_bits import PageBits, asks_for_bits
from vrag.catalog.payload import page_words
from vrag.catalog.stored import Stored
from vrag.embedders.each import embed_queries
from vrag.embedders.protocol import Embedder, QueryVectors
from vrag.errors import UsageError
from vrag.grid import FloatArray
from vrag.pages.page import Words as PageWords
from vrag.pages.sentences import Span
from vrag.pipeline.pipeline import FULL
from vrag.reader.cross_encoder import cross_encoder
from vrag.search.bit_source import PointBits
from vrag.search.context import Answering, Contexts, ContextsInEngine, NoContexts
from vrag.search.found import check_least, relevant
from vrag.search.glance import Glance
from vrag.search.hit import Hit
from vrag.search.known_pages import KnownPages
from vrag.search.page_query import PageQuery
from vrag.search.passages import page_passages, page_snippet
from vrag.search.plan import Detail, Limits
from vrag.search.query_text import TypedQuery, Words, check_query, read_queries, read_query
from vrag.search.reading import Reading
from vrag.search.relevance import query_terms
from vrag.search.rescoring import Rescorer
from vrag.search.running import Runner
from vrag.search.search import search
from vrag.search.snippet import passage_text
from vrag.search.typed_words import typed_words
from vrag.search.watching import Watched, watch
from vrag.search.where import parse_where
from vrag.store.interface import AnyVector, Selection

MOST_HITS = 1_000_000
Where = str | Sequence[str]


class Searcher:
    """Searches one open index, for any number of threads; arguments are those of `Index`.

    Args:
        stored: The index.
        embedder: Its model.
    """

    def __init__(self, stored: Stored, embedder: Embedder) -> None:
        self.stored = stored
        self.embedder = embedder
        self._contexts = Contexts(stored.store)
        self._known = KnownPages(stored.store)
        self._point_bits = _bits_of(stored) if stored.on_server else None
        self._last_query: tuple[str, QueryVectors] | None = None

    def embed(self, text: str) -> QueryVectors:
        """The query's rows, read-only, with the words they stand for; the last query is remembered.

        Raises:
            UsageError: There is nothing in the query, or too much.
        """
        last = self._last_query  # read once: another thread may ask something else meanwhile
        if last is None or last[0] != text:
            check_query(text)
            embedded = self.embedder.embed_query(text)
            embedded.vectors.flags.writeable = False  # who writes into it would change the next search
            self._last_query = last = text, embedded
        return last[1]

    def like(self, wanted: PageQuery, k: int, cascade: str | None, where: Where) -> list[Hit]:
        """The `k` pages that are most like a page, best first, and not that page itself; nothing is read for it.

        Raises:
            UsageError: k below 1, an unknown cascade, filter key or document.
        """
        self._check(k, cascade)
        with self.stored.gate.reading():
            runner = replace(self.runner(wanted.text, wanted.rows, self.select(where)), reading=None)
            found = search(runner, self.stored.documents, self.stored.pipeline.cascade(cascade), k + 1)
        others = [hit for hit in found if hit.id != wanted.id][:k]
        return [replace(hit, rank=rank) for rank, hit in enumerate(others, 1)]

    def search(
        self, query: str, k: int, cascade: str | None, where: Where, words: Words, min_relevance: float = 0.0
    ) -> list[Hit]:
        """The `k` best pages, best first.

        Raises:
            UsageError: An empty query, k below 1, an unknown cascade, filter key or document, no least relevance.
        """
        check_least(min_relevance)
        self._check(k, cascade)  # before anything is embedded
        typed = read_query(query, words)
        return self._found(typed, self.embed(typed.text), k, cascade, where, min_relevance)

    def search_many(
        self, queries: Sequence[str], k: int, cascade: str | None, where: Where, words: Words, min_relevance: float
    ) -> list[list[Hit]]:
        """The hits of each query, in their order; all are embedded before the first is looked for.

        Raises:
            UsageError: As `search` does, for any of them; nothing is searched then.
        """
        check_least(min_relevance)
        self._check(k, cascade)
        typed = read_queries(queries, words)
        texts = list(dict.fromkeys(one.text for one in typed))
        embedded = dict(zip(texts, embed_queries(self.embedder, texts), strict=True))
        return [self._found(one, embedded[one.text], k, cascade, where, min_relevance) for one in typed]

    def _found(
        self,
        typed: TypedQuery,
        embedded: QueryVectors,
        k: int,
        cascade: str | None,
        where: Where,
        min_relevance: float,
    ) -> list[Hit]:
        """The best pages for a query that was embedded."""
        with self.stored.gate.reading():
            chosen = self.stored.pipeline.cascade(cascade)  # of the vectors there are now
            selection = replace(self.select(where), texts=typed.conditions)
            runner = self.runner(typed.text, embedded.vectors, selection)
            lane = self.stored.pipeline.text
            terms = query_terms(lane, typed.text) if lane else None
            meant = typed_words(typed.text, embedded.tokens)
            return relevant(search(runner, self.stored.documents, chosen, k, meant, terms), min_relevance)

    def _check(self, k: int, cascade: str | None) -> None:
        if not isinstance(k, int) or not 1 <= k <= MOST_HITS:
            raise UsageError(f"k must be a whole number from 1 to {MOST_HITS:,}, not {k!r}.")
        self.stored.pipeline.cascade(cascade)

    def watch(self, query: str, cascade: Cascade, k: int, detail: Detail) -> Watched:
        """A cascade step by step."""
        rows = self.embed(query).vectors
        with self.stored.gate.reading():
            runner = self.runner(query, rows, self.select(()))
            return watch(runner, cascade, Limits(k, runner.count_pages), detail)

    def snippet(self, query: str, hit: Hit) -> str:
        """The passage of a hit's page that answers best, as text."""
        if hit.words:
            page = Glance(self.stored.store, self._known).pages.pages([hit.id]).get(hit.id)
            return passage_text(page.words, hit.words, page.sentences) if page else ""
        record = self.stored.store.fetch([hit.id], [FULL]).get(hit.id)
        if record is None:
            return ""
        return page_snippet(record, hit.region, lambda: self.embed(query).vectors, self._answering)

    def passages(self, query: str, hit: Hit, count: int, most: int) -> tuple[PageWords, list[Span]]:
        """The words of a hit's page, and the passages among them that answer a query best, best first.

        Args:
            query: What was looked for.
            hit: Of a search.
            count: Passages wanted.
            most: Words of a passage.
        """
        record = self.stored.store.fetch([hit.id], [FULL]).get(hit.id)
        if record is None:  # it was replaced since it was found
            return PageWords(), []
        spans = page_passages(record, self.embed(query).vectors, self._answering, count, most)
        return page_words(record.payload), spans

    def forget(self) -> None:
        """Documents say something else of themselves now."""
        self._contexts.forget()

    @property
    def _answering(self) -> Answering:
        """What answers one query by contexts."""
        if not self.stored.pipeline.has_context:
            return NoContexts()
        return ContextsInEngine(self.stored.store) if self.stored.on_server else self._contexts

    def select(self, where: Where) -> Selection:
        """The pages that every filter allows.

        Raises:
            UsageError: An unknown filter key or document.
        """
        return parse_where([where] if isinstance(where, str) else where, self.stored.documents)

    def runner(self, query: str, rows: FloatArray, selection: Selection) -> Runner:
        """What runs cascades for a query; to be used inside the gate.

        Args:
            query: Its words.
            rows: Its rows, float32 [m, d].
            selection: Pages that take part.
        """
        stored, pipeline = self.stored, self.stored.pipeline

        def form(stage: Stage) -> AnyVector:
            return pipeline.query_form(stage, query, rows, self.embedder.mean)

        contexts = self._answering if pipeline.has_context else None
        rescorer = Rescorer(stored.store, contexts, pipeline.regions, pipeline.head_rows, self._point_bits)
        reading = Reading(query, stored.documents, cross_encoder)
        return Runner(stored.store, form, selection, stored.page_count, rescorer, reading, self._known)


def _bits_of(stored: Stored) -> PointBits:
    """The bits that travel with the points of a server."""
    of_pages = PageBits.of(stored.pipeline, stored.dim, stored.mean)
    return PointBits(stored.store, of_pages, asks_for_bits(stored.pipeline))
