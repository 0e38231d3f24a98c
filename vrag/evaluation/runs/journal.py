"""Answers to a benchmark's questions, written down one by one so that an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from vrag.evaluation.benchmarks.benchmark import Query
from vrag.runtime.drafts import draft_file
from vrag.runtime.parsing import MalformedError, parse_json

JOURNALS = "journal"
Fields = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ranked:
    """What one search found.

    Args:
        hits: Score by corpus id, best first as trec_eval orders them.
        seconds: Of the timed search.
        snippet: What the first of them says nearest to the question, for people.
    """

    hits: dict[str, float]
    seconds: float
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """How answers are kept.

    Args:
        write: The fields of an answer, as JSON values.
        read: The answer of such fields.
    """

    write: Callable[[T], Fields]
    read: Callable[[Fields], T]


# Lines of an earlier vrag have no snippet.
RANKED: Form[Ranked] = Form(
    lambda answer: {"seconds": answer.seconds, "hits": list(answer.hits.items()), "snippet": answer.snippet},
    lambda row: Ranked(dict(row["hits"]), row["seconds"], row.get("snippet", "")),
)


@dataclass(frozen=True, slots=True)
class Journal(Generic[T]):
    """Answers by query id, kept in a file of JSON Lines while they come in.

    A first line says what the answers belong to; a file with another first line is begun anew, and a line that a
    crash cut short, or that is no answer, does not count.

    Args:
        path: The file.
        form: Of its answers.
        answers: Those there are, in the order they came.
    """

    path: Path
    form: Form[T]
    answers: dict[str, T]

    @classmethod
    def open(
        cls,
        path: Path,
        belongs_to: Mapping[str, Any],
        questions: Mapping[str, str],
        form: Form[T],
        resume: bool = True,
    ) -> Journal[T]:
        """The journal at `path`, with the answers it has to `questions`.

        Args:
            path: Made with its folder when missing.
            belongs_to: What decides the answers besides the question: index, cascade, corpus (JSON values).
            questions: Text by query id; an answer to another text of the same id does not count.
            form: Of its answers.
            resume: Whether answers that are there are kept.
        """
        head = json.dumps(dict(belongs_to), sort_keys=True)
        lines = list(_whole_lines(path)) if resume else []
        if not lines or lines[0] != head:
            lines = [head]
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft_file(path) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
        answers = {}
        for row in map(parse_json, lines[1:]):
            with suppress(AttributeError, KeyError, TypeError, ValueError):  # no row of ours: it is asked again
                if questions.get(row["query-id"]) == row["query"]:
                    answers[row["query-id"]] = form.read(row)
        return cls(path, form, answers)

    def add(self, query: Query, answer: T) -> None:
        """Write an answer down; once this returns, no kill of the process can lose it."""
        row = {"query-id": query.id, "query": query.text, **self.form.write(answer)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.answers[query.id] = answer


def _whole_lines(path: Path) -> Iterator[str]:
    """Lines that were written to their end and are JSON."""
    if not path.is_file():
        return
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            parse_json(line)
        except MalformedError:  # torn by a crash: what follows was written after it and is whole again
            continue
        yield line.decode()
