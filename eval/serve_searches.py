"""The searches of `serve_load.py`, and the process that asks them in a loop beside which the service is measured.

python eval/serve_searches.py ROOT alone|beside SECONDS

opens the index `ROOT/i`; for every line of standard input it searches in a loop for so many seconds, alone or beside an
ingest of its own, and prints one line of JSON. Between two lines the ingest rests.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from itertools import cycle
from pathlib import Path
from typing import Any

from memory_bound import write_pdf
from serve_client import ServiceError

from vrag import Index, VragError
from vrag.ingest.report import Silent

REPLACED, PAGES, ADDED, ADDED_PAGES = 4, 3, 4, 6  # files of a round of the ingest, and their pages
QUESTIONS, WORDS, ONE_IN = 70, 6, 8
WORD = "edition"  # on every page of every file that is replaced


@dataclass(frozen=True)
class Question:
    """A search.

    Args:
        text: Of the query.
        where: Filter; of a file that is being replaced, or empty.
    """

    text: str
    where: str = ""


Search = Callable[[Question], list[tuple[str, int]]]


@dataclass
class Asked:
    """What searches came to.

    Args:
        seconds: In which they were asked.
        answered: Of those that were answered in these seconds.
        latencies: Seconds of each.
        wrong: What was said instead of an answer, and answers with a part of a document.
    """

    seconds: float = 0.0
    answered: int = 0
    latencies: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: Asked) -> Asked:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self

    @property
    def rate(self) -> float:
        """Searches answered in a second."""
        return self.answered / self.seconds

    def quantile(self, share: float) -> float:
        """Seconds that so large a share of the searches took at most."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Files:
    """What is ingested: some files that are replaced in every round, and some that are new."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._round = folder, 0
        self._chance = random.Random(7)
        folder.mkdir()
        self._replace()

    def change(self) -> None:
        """Write the files of the next round."""
        self._replace()
        self._round += 1
        for number in range(ADDED):
            write_pdf(self.folder / f"new-{self._round}-{number}.pdf", ADDED_PAGES, self._words(300), self._chance)

    def _replace(self) -> None:
        for number in range(REPLACED):
            words = [WORD, *self._words(300)]
            write_pdf(self.folder / f"edition-{number}.pdf", PAGES, words, self._chance)

    def _words(self, count: int) -> list[str]:
        letters, chance = "abcdefghijklmnoprstu", self._chance
        return ["".join(chance.choices(letters, k=chance.randint(3, 8))) for _ in range(count)]


def questions(index: Index) -> list[Question]:
    """Some of words that stand side by side on its pages, and one in `ONE_IN` for a file that is being replaced."""
    pages = [texts for _, _, texts in index.texts() if len(texts) > 4 * WORDS]
    chance = random.Random(3)
    found = []
    for number, texts in enumerate(chance.choices(pages, k=QUESTIONS), 1):
        start = chance.randrange(len(texts) - WORDS)
        found.append(Question(" ".join(texts[start : start + WORDS])))
        if number % (ONE_IN - 1) == 0:
            found.append(Question(WORD, f"doc=edition-{number % REPLACED}.pdf"))
    return found


def ask(until: float, search: Search, asked: Sequence[Question]) -> Asked:
    """Ask one question after the other until the time (of `time.perf_counter`) has come."""
    found = Asked()
    for question in cycle(asked):
        started = time.perf_counter()
        if started >= until:
            return found
        wrong = _answer(search, question)
        ended = time.perf_counter()
        found.answered += ended <= until
        found.latencies.append(ended - started)
        found.wrong += [wrong] if wrong else []
    return found


def _answer(search: Search, question: Question) -> str:
    """What is wrong with an answer; empty when nothing is."""
    try:
        hits = search(question)
    except (VragError, ServiceError, HTTPException, OSError, ValueError) as error:
        return f"{question}: {type(error).__name__}: {error}"
    if not question.where:
        return "" if hits else f"nothing found for {question.text!r}"
    if len({doc for doc, _ in hits}) == 1 and sorted(page for _, page in hits) == [*range(1, PAGES + 1)]:
        return ""
    return f"{question.where}: pages {sorted((doc[:6], page) for doc, page in hits)}"


class _Resting(Silent):
    """An ingest that goes on while it may."""

    def __init__(self) -> None:
        self.may = threading.Event()

    def reading(self, path: Path, page: int) -> None:
        """Wait."""
        self.may.wait()


class _Ingest:
    """One round of files after the other, in a thread of this process."""

    def __init__(self, index: Index, files: Files) -> None:
        self._index, self._files = index, files
        self.progress = _Resting()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            self._files.change()
            self._index.ingest([self._files.folder], progress=self.progress)


def main() -> None:
    """Search whenever a line comes."""
    root, way, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    with Index.open(root / "i") as index:
        files, asked = Files(root / f"d-{way}"), questions(index)
        index.ingest([files.folder])

        def search(question: Question) -> list[tuple[str, int]]:
            return [(hit.doc_id, hit.page) for hit in index.search(question.text, 10, None, question.where or ())]

        ask(time.perf_counter() + 1, search, asked)
        ingest = _Ingest(index, files) if way == "beside" else None
        print(flush=True)
        for _ in sys.stdin:
            if ingest:
                ingest.progress.may.set()
                time.sleep(1)
            found = ask(time.perf_counter() + seconds, search, asked)
            found.seconds = seconds
            if ingest:
                ingest.progress.may.clear()
            _say(asdict(found))
        sys.stdout.flush()
    sys.exit(0)


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
