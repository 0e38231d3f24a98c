"""The tables of the benchmark that a file of questions and its documents are: pages, questions, judgements, answers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vrag.errors import UsageError
from vrag.evaluation.benchmarks.answer_key import ANSWERS, UNANSWERABLE, AnswerKey, answer_keys
from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef, build_benchmark
from vrag.evaluation.benchmarks.folder import CORPUS, PDFS, QRELS, QUERIES
from vrag.evaluation.benchmarks.labels import Label, read_labels, together
from vrag.evaluation.benchmarks.rows import Row
from vrag.evaluation.numbers.short_answer import ShortAnswer
from vrag.pages.files import find_files
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers, count_pages

Fields = dict[str, Any]


def load_question_file(file: Path) -> Benchmark:
    """The benchmark that a file of questions is, with the documents in `pdfs/` beside it, else in its folder.

    Every page of every document is part of the corpus, those that answer nothing too.

    Raises:
        UsageError: There is no such file.
        VragError: Documents cannot be read, or rows are wrong: every one is named.
    """
    root = (file.parent / PDFS if (file.parent / PDFS).is_dir() else file.parent).absolute()
    pages = count_documents(root)
    tables = tables_of(pages, read_labels(file, pages))
    corpus, queries, qrels = (_rows(file, tables[name]) for name in (CORPUS, QUERIES, QRELS))
    return build_benchmark(file.stem, root, (corpus, queries, qrels), (str(file),) * 3, _place)


def question_file_keys(file: Path, benchmark: Benchmark, limit: int | None = None) -> list[AnswerKey]:
    """The questions of such a file whose right answer is known.

    Args:
        file: The file.
        benchmark: What `load_question_file` made of it.
        limit: The first so many questions that are answered, and as many that are not; None for all.

    Raises:
        UsageError: It has no answers.
    """
    pages: dict[str, int] = {}
    for doc, page in benchmark.corpus.values():
        pages[doc] = max(pages.get(doc, 0), page)
    tables = tables_of(pages, read_labels(file, pages))
    if ANSWERS not in tables:
        raise UsageError(f"{file} has no answers.", "Give the right ones in a column 'answer'.")
    return answer_keys(_rows(file, tables[ANSWERS]), _rows(file, tables[UNANSWERABLE]), benchmark, limit)


def count_documents(root: Path) -> dict[str, int]:
    """Pages of each document below a folder, by its path below it.

    Raises:
        VragError: One of them cannot be read.
    """
    files = find_files([root])
    with PageWorkers(PageSpec(), min(len(files), os.cpu_count() or 1)) as workers:
        counts, problems = count_pages(files, workers)
    if problems:
        raise together(problems, "documents cannot be read", "Take them out of the folder.")
    return {path.relative_to(root).as_posix(): pages for path, pages in counts.items()}


def tables_of(pages: Mapping[str, int], labels: Sequence[Label]) -> dict[str, list[Fields]]:
    """The rows of each file of a benchmark folder, those of answers only where there are some.

    Args:
        pages: Pages of each document.
        labels: Which of them answers what.
    """
    places = [(doc, page) for doc, count in pages.items() for page in range(1, count + 1)]
    ids: dict[tuple[str | None, int | None], str] = {place: f"p{number}" for number, place in enumerate(places)}
    named = _named([label for label in labels if not label.is_unanswerable])
    answers = [(name, answer) for name, mine in named for answer in [one.answer for one in mine if one.answer][:1]]
    nothing = [label for label in labels if label.is_unanswerable]
    judged = [(name, label) for name, mine in named for label in mine]
    tables = {
        CORPUS: [{"corpus-id": ids[place], "doc": place[0], "page": place[1]} for place in places],
        QUERIES: [_query(name, mine) for name, mine in named],
        QRELS: [{"query-id": name, "corpus-id": ids[at.doc, at.page], "score": at.grade} for name, at in judged],
    }
    if answers or nothing:
        tables[ANSWERS] = [_answer(name, answer) for name, answer in answers]
        tables[UNANSWERABLE] = [_query(label.id, [label]) for label in nothing]
    return tables


def _named(labels: Sequence[Label]) -> list[tuple[str, list[Label]]]:
    """The labels of each question, and its id: its own, or where one has none a number for each."""
    by_question: dict[str, list[Label]] = {}
    for label in labels:
        by_question.setdefault(label.question, []).append(label)
    numbered = any(mine[0].id is None for mine in by_question.values())
    return [(f"q{number}" if numbered else str(mine[0].id), mine) for number, mine in enumerate(by_question.values())]


def _query(name: str | None, labels: Sequence[Label]) -> Fields:
    """A question; it carries its document when all its pages are of one."""
    docs = {label.doc for label in labels}
    doc = labels[0].doc if len(docs) == 1 else None
    fields = {"doc": doc, "type": labels[0].kind, "language": labels[0].language}
    identity = {} if name is None else {"query-id": name}
    return {**identity, "query": labels[0].question, **{key: value for key, value in fields.items() if value}}


def _answer(name: str, answer: ShortAnswer) -> Fields:
    said = list(answer.parts) if answer.form == "List" else answer.parts[0]
    return {"query-id": name, "answer": said, "format": answer.form}


def _rows(file: Path, table: Iterable[Fields]) -> Iterator[Row]:
    return (Row(file, number, fields, "question") for number, fields in enumerate(table, 1))


def _place(row: Row) -> PageRef:
    return PageRef(row.text("doc"), row.integer("page"))
