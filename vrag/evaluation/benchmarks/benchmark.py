"""A benchmark: pages to find, questions to ask, and which page answers which question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from vrag.errors import VragError
from vrag.evaluation.benchmarks.question_rows import QUERY_ID, QuestionRow
from vrag.evaluation.benchmarks.rows import Row

CORPUS_ID = ("corpus-id", "corpus_id", "_id", "id")
_GRADE = "score"

T = TypeVar("T")


class PageRef(NamedTuple):
    """A page of the corpus: the document's file name, and the page number from 1."""

    doc: str
    page: int


@dataclass(frozen=True, slots=True)
class Query:
    """A question.

    Args:
        id: Unique within the benchmark.
        text: The question.
        doc: File name of the document it was written about; None when it was written about all.
        kind: What kind of question or evidence it is, as the benchmark says; may be empty.
        language: As the benchmark says it, e.g. "french"; empty where it says nothing.
    """

    id: str
    text: str
    doc: str | None = None
    kind: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Pages, questions and judgements.

    Args:
        name: The folder's name.
        corpus: Page of each corpus id; one picture may be there under several ids.
        queries: The questions.
        qrels: Query id -> corpus id -> grade; only ids that `queries` and `corpus` know.
        pdfs: Folder of the documents.
        ids: Corpus ids of each page, filled from `corpus`.
    """

    name: str
    corpus: dict[str, PageRef]
    queries: list[Query]
    qrels: dict[str, dict[str, int]]
    pdfs: Path
    ids: dict[PageRef, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids: dict[PageRef, tuple[str, ...]] = {}
        for corpus_id, page in self.corpus.items():
            ids[page] = (*ids.get(page, ()), corpus_id)
        object.__setattr__(self, "ids", ids)

    @property
    def docs(self) -> list[str]:
        """File names of the corpus' documents, sorted."""
        return sorted({page.doc for page in self.corpus.values()})

    @property
    def files(self) -> list[Path]:
        """Paths of the corpus' documents, sorted."""
        return [self.pdfs / doc for doc in self.docs]

    @property
    def judged(self) -> list[Query]:
        """The queries that have judgements; trec_eval leaves the others out, and so does vrag."""
        return [query for query in self.queries if query.id in self.qrels]

    @property
    def languages(self) -> list[str]:
        """Languages of the judged queries, sorted; [""] where the benchmark names none."""
        return sorted({query.language for query in self.judged})

    def narrowed(self, languages: Sequence[str] = (), limit: int | None = None) -> Benchmark:
        """The same pages with fewer questions.

        Args:
            languages: Keep these only; empty for all.
            limit: Keep the first `limit` judged questions of each language; None for all.
        """
        kept: list[Query] = []
        counts: dict[str, int] = {}
        for query in self.queries:
            if languages and query.language not in languages:
                continue
            if query.id in self.qrels:
                counts[query.language] = counts.get(query.language, 0) + 1
            if limit is None or counts.get(query.language, 0) <= limit:
                kept.append(query)
        ids = {query.id for query in kept}
        qrels = {query: grades for query, grades in self.qrels.items() if query in ids}
        return replace(self, queries=kept, qrels=qrels)


PlacePage = Callable[[Row], PageRef]


def build_benchmark(
    name: str,
    pdfs: Path,
    tables: tuple[Iterable[Row], Iterable[Row], Iterable[Row]],
    places: tuple[str, str, str],
    place_page: PlacePage,
    pages_once: bool = True,
) -> Benchmark:
    """A benchmark from its rows, whatever they were read from.

    Args:
        name: What it is called.
        pdfs: Folder of the documents.
        tables: Rows of the corpus, the queries and the judgements, in any of the known column schemas.
        places: What the three tables are called in messages.
        place_page: Document and page of a row of the corpus.
        pages_once: Whether a page may have one corpus id only; pictures may have several.

    Raises:
        VragError: A row is malformed, repeated, or refers to what is not there; table and row are named.
    """
    corpus = _filled(_read_corpus(tables[0], place_page, pages_once), places[0])
    queries = _filled(_read_queries(tables[1], {page.doc for page in corpus.values()}), places[1])
    qrels = _filled(_read_qrels(tables[2], queries.keys(), corpus.keys()), places[2])
    return Benchmark(name, corpus, list(queries.values()), qrels, pdfs)


def _filled(rows: dict[str, T], place: str) -> dict[str, T]:
    """The rows, of which there must be some."""
    if not rows:
        raise VragError(f"{place} is empty.")
    return rows


def _read_corpus(rows: Iterable[Row], place_page: PlacePage, pages_once: bool) -> dict[str, PageRef]:
    corpus: dict[str, PageRef] = {}
    seen: set[PageRef] = set()
    for row in rows:
        corpus_id = row.id(*CORPUS_ID)
        page = place_page(row)
        if corpus_id in corpus or (pages_once and page in seen):
            raise row.error(f"corpus id {corpus_id} or page {page.page} of {page.doc!r} is there twice")
        corpus[corpus_id] = page
        seen.add(page)
    return corpus


def _read_queries(rows: Iterable[Row], docs: set[str]) -> dict[str, Query]:
    queries: dict[str, Query] = {}
    for row in rows:
        asked = QuestionRow(row)
        query = Query(row.id(*QUERY_ID), asked.text, query_doc(asked, docs), asked.kind, asked.language)
        if query.id in queries:
            raise row.error(f"query id {query.id} is there twice")
        queries[query.id] = query
    return queries


def query_doc(asked: QuestionRow, docs: AbstractSet[str]) -> str | None:
    """The document of a question, None when it has none.

    Raises:
        VragError: It is not one of `docs`.
    """
    doc = asked.doc
    if doc is not None and doc not in docs:
        raise asked.row.error(f"no page of {doc!r} is in the corpus")
    return doc


def _read_qrels(rows: Iterable[Row], queries: AbstractSet[str], corpus: AbstractSet[str]) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for row in rows:
        query_id, corpus_id = row.id(*QUERY_ID[:2]), row.id(*CORPUS_ID[:2])
        if query_id not in queries:
            raise row.error(f"unknown query id {query_id}")
        if corpus_id not in corpus:
            raise row.error(f"unknown corpus id {corpus_id}")
        grades = qrels.setdefault(query_id, {})
        grade = row.integer(_GRADE)
        if grades.setdefault(corpus_id, grade) != grade:  # repeated rows that agree are common and harmless
            raise row.error(f"query {query_id} with corpus id {corpus_id} has grade {grades[corpus_id]} before")
    return qrels
