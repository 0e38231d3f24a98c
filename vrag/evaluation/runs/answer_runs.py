"""Ask every question whose right answer is known, and look up what its score needs of the pages."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from vrag import __version__
from vrag.ask.answer import Answer
from vrag.errors import LlmError
from vrag.evaluation.benchmarks.answer_key import AnswerKey
from vrag.evaluation.benchmarks.task import DOCUMENT, UNION, Options, Task
from vrag.evaluation.runs.corpus import Corpus
from vrag.evaluation.runs.indexes import index_bytes
from vrag.evaluation.runs.journal import JOURNALS, Journal
from vrag.evaluation.runs.page_facts import PageFacts, facts_of
from vrag.evaluation.runs.ranking_memory import PeakMemory
from vrag.evaluation.runs.runner import corpus_pages_digest, file_name
from vrag.evaluation.runs.task_index import task_index
from vrag.evaluation.runs.task_run import TaskRun, Watcher
from vrag.evaluation.runs.timed_answer import TIMED, TimedAnswer
from vrag.index import Index
from vrag.llm.llm import MOST_FAILURES, Llm
from vrag.pages.page import PageSpec

SCOPES = (DOCUMENT, UNION)
PAGES = 5  # that `vrag ask` looks at


@dataclass(frozen=True, slots=True)
class AnswerRun:
    """The answers to the questions of one scope.

    Args:
        scope: "document" (the question's document is searched) or "union" (all pages).
        cascade: Of the searches: the index's default.
        stages: The cascade written out.
        pages: Looked at for each question.
        model: Name of the language model; None for quotes alone.
        keys: The questions with their right answers.
        answers: By query id.
        facts: By query id.
    """

    scope: str
    cascade: str
    stages: str
    pages: int
    model: str | None
    keys: Sequence[AnswerKey]
    answers: Mapping[str, TimedAnswer]
    facts: Mapping[str, PageFacts]


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How questions are asked.

    Args:
        run: Index, model of the index, folders, `limit_queries`, `resume`.
        pages: To look at for each question.
        scopes: "document", "union"; empty for both.
        llm: Language model that writes the answers; None for quotes alone.
    """

    run: Options
    pages: int = PAGES
    scopes: tuple[str, ...] = ()
    llm: Llm | None = None


@dataclass(frozen=True, slots=True)
class AnsweredTask:
    """A task whose questions were answered.

    Args:
        run: The task, its index and model.
        spec: How its pages are drawn.
        answers: One run a scope.
    """

    run: TaskRun
    spec: PageSpec
    answers: list[AnswerRun] = field(default_factory=list)


def answer_task(task: Task, keys: Sequence[AnswerKey], options: AnswerOptions, watcher: Watcher) -> AnsweredTask:
    """Index and ask one task; what an interrupted run has done is not done again.

    Raises:
        VragError: The index cannot be made or used, or a question cannot be asked.
    """
    with task_index(task, options.run, watcher) as (index, corpus, run):
        answered = AnsweredTask(run, index.pipeline.page_spec(index.embedder.page_spec))
        questioner = _Questioner(run, index, corpus, options, watcher)
        with PeakMemory() as memory:
            scopes = {scope: keys_of(keys, scope) for scope in options.scopes or SCOPES}
            answered.answers.extend(questioner.answers(scope, mine) for scope, mine in scopes.items() if mine)
        run.search_peak, run.index_bytes = memory.peak_bytes, index_bytes(index)
    return answered


def keys_of(keys: Sequence[AnswerKey], scope: str) -> list[AnswerKey]:
    """The questions that a scope asks.

    What one document does not answer another may: such a question is asked of its document alone.
    """
    if scope == DOCUMENT:
        return [key for key in keys if key.query.doc]
    return [key for key in keys if key.is_answerable or not key.query.doc]


@dataclass(frozen=True, slots=True)
class _Questioner:
    """Asks the questions of one task.

    Args:
        run: The task, its index and model.
        index: Of its pages.
        corpus: The index's pages as corpus ids.
        options: How questions are asked.
        watcher: Told of every step.
    """

    run: TaskRun
    index: Index
    corpus: Corpus
    options: AnswerOptions
    watcher: Watcher

    def answers(self, scope: str, keys: Sequence[AnswerKey]) -> AnswerRun:
        """The answers to the questions of a scope, those of an interrupted run among them."""
        journal = self._journal(scope, keys)
        open_keys = [key for key in keys if key.query.id not in journal.answers]
        self.watcher.searching(f"{scope}, answers", len(keys) - len(open_keys), len(keys))
        failed = self._ask_all(scope, open_keys, journal)
        answers = {key.query.id: journal.answers.get(key.query.id) or failed[key.query.id] for key in keys}
        model = next((one.answer.model for one in answers.values() if one.answer.model), None)
        facts = {
            key.query.id: facts_of(self.run, self.index, self.corpus, key, answers[key.query.id].answer) for key in keys
        }
        cascade = self.index.pipeline.default_cascade
        stages = str(self.index.pipeline.cascade(cascade))
        return AnswerRun(scope, cascade, stages, self.options.pages, model, keys, answers, facts)

    def _journal(self, scope: str, keys: Sequence[AnswerKey]) -> Journal[TimedAnswer]:
        index, llm = self.index, self.options.llm
        belongs_to = {
            "vrag": __version__,
            "task": self.run.task.name,
            "corpus": corpus_pages_digest(self.run.task, self.run.digests),
            "model": index.embedder.fingerprint().digest,
            "pipeline": dict(index.pipeline.source),
            "cascade": str(index.pipeline.cascade(index.pipeline.default_cascade)),
            "scope": scope,
            "pages": self.options.pages,
            "llm": llm and [llm.url, llm.model, llm.sees],
        }
        path = self.options.run.out / JOURNALS / f"{file_name(self.run.task.name, scope, 'answers')}.jsonl"
        texts = {key.query.id: key.query.text for key in keys}
        return Journal.open(path, belongs_to, texts, TIMED, self.options.run.resume)

    def _ask_all(self, scope: str, keys: Sequence[AnswerKey], journal: Journal[TimedAnswer]) -> dict[str, TimedAnswer]:
        """Ask the questions; those that the language model failed at, by query id.

        Raises:
            LlmError: It failed at several questions one after the other: nobody is there.
        """
        failed: dict[str, TimedAnswer] = {}
        in_a_row = 0
        for key in keys:
            started = time.perf_counter()
            try:
                answer = self._ask(scope, key)
            except LlmError as error:
                in_a_row += 1
                if in_a_row == MOST_FAILURES:
                    raise
                seconds = time.perf_counter() - started
                failed[key.query.id] = TimedAnswer(Answer(key.query.text, False, ""), seconds, str(error))
            else:
                in_a_row = 0
                journal.add(key.query, TimedAnswer(replace(answer, pages=()), time.perf_counter() - started))
            self.watcher.searched()
        return failed

    def _ask(self, scope: str, key: AnswerKey) -> Answer:
        """The answer to a question; of a document that is not in the index there is none."""
        name = self.corpus.names.get(key.query.doc or "")
        if scope == DOCUMENT and name is None:
            return Answer(key.query.text, False, "")
        where = (f"doc={name}",) if scope == DOCUMENT else ()
        return self.index.ask(key.query.text, self.options.pages, where, self.options.llm)
