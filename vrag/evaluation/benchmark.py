"""A benchmark: pages to find, questions to ask, and which page answers which question."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from vrag.errors import UsageError, VragError
from vrag.evaluation.rows import read_rows

CORPUS = "corpus.jsonl"
QUERIES = "queries.jsonl"
QRELS = "qrels.jsonl"
PDFS = "pdfs"

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
    """

    id: str
    text: str
    doc: str | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Pages, questions and judgements.

    Args:
        name: The folder's name.
        corpus: Page of each corpus id.
        queries: The questions.
        qrels: Query id -> corpus id -> grade; only ids that `queries` and `corpus` know.
        pdfs: Folder of the documents.
    """

    name: str
    corpus: dict[str, PageRef]
    queries: list[Query]
    qrels: dict[str, dict[str, int]]
    pdfs: Path
    ids: dict[PageRef, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", {page: corpus_id for corpus_id, page in self.corpus.items()})

    @property
    def docs(self) -> list[str]:
        """File names of the corpus' documents, sorted."""
        return sorted({page.doc for page in self.corpus.values()})


def load_benchmark(folder: str | Path) -> Benchmark:
    """Read a benchmark folder.

    The layout: `pdfs/*.pdf`; `corpus.jsonl` {"corpus-id", "doc", "page" from 1}; `queries.jsonl`
    {"query-id", "query", and where known "doc", "type"}; `qrels.jsonl` {"query-id", "corpus-id", "score"}.

    Args:
        folder: The folder; its name becomes the benchmark's.

    Raises:
        UsageError: The folder or one of its files is missing.
        VragError: A row is malformed, repeated, or refers to what is not there; file and line are named.
    """
    path = Path(folder)
    if not path.is_dir():
        raise UsageError(f"There is no benchmark folder {path}.")
    corpus = _read_corpus(path / CORPUS, path / PDFS)
    queries = _read_queries(path / QUERIES, {page.doc for page in corpus.values()})
    qrels = _read_qrels(path / QRELS, {query.id for query in queries}, corpus.keys())
    return Benchmark(path.absolute().name, corpus, queries, qrels, path / PDFS)


def _read_corpus(path: Path, pdfs: Path) -> dict[str, PageRef]:
    corpus: dict[str, PageRef] = {}
    seen: set[PageRef] = set()
    present = {file.relative_to(pdfs).as_posix() for file in pdfs.rglob("*")}
    for row in read_rows(path):
        corpus_id = row.id("corpus-id")
        page = PageRef(row.text("doc"), row.integer("page", least=1))
        if page.doc not in present:
            raise row.error(f"there is no {page.doc!r} in {pdfs}")
        if corpus_id in corpus or page in seen:
            raise row.error(f"corpus id {corpus_id} or page {page.page} of {page.doc!r} is there twice")
        corpus[corpus_id] = page
        seen.add(page)
    return _filled(corpus, path)


def _read_queries(path: Path, docs: set[str]) -> list[Query]:
    queries: dict[str, Query] = {}
    for row in read_rows(path):
        query = Query(row.id("query-id"), row.text("query"), row.optional_text("doc"), row.optional_text("type") or "")
        if query.id in queries:
            raise row.error(f"query id {query.id} is there twice")
        if query.doc is not None and query.doc not in docs:
            raise row.error(f"no page of {query.doc!r} is in the corpus")
        queries[query.id] = query
    return list(_filled(queries, path).values())


def _read_qrels(path: Path, queries: set[str], corpus: AbstractSet[str]) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for row in read_rows(path):
        query_id, corpus_id = row.id("query-id"), row.id("corpus-id")
        if query_id not in queries:
            raise row.error(f"unknown query id {query_id}")
        if corpus_id not in corpus:
            raise row.error(f"unknown corpus id {corpus_id}")
        grades = qrels.setdefault(query_id, {})
        grade = row.integer("score")
        if grades.setdefault(corpus_id, grade) != grade:  # repeated rows that agree are common and harmless
            raise row.error(f"query {query_id} with corpus id {corpus_id} has grade {grades[corpus_id]} before")
    return _filled(qrels, path)


def _filled(rows: dict[str, T], path: Path) -> dict[str, T]:
    """The rows, of which there must be some."""
    if not rows:
        raise VragError(f"{path} is empty.")
    return rows
