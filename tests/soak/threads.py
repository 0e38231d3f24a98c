"""Threads that search while one ingests, replaces and removes; then: was any answer wrong?

python -m tests.soak.threads [SECONDS [SEED [THREADS]]]

Every page has words that no other has, so that what a search must find, and must not, is known. No search may raise
anything, find what was removed before it began, miss a page that was there before it began and still is when it ends,
find a page twice, or see a document that replaces another one but in part. At the end every page is found. Exit code 1
when anything was wrong.
"""

from __future__ import annotations

import random
import sys
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.pdfs import write_pdf
from tests.soak.for_seconds import Outcome, run_for_seconds
from tests.soak.tiny import install
from vrag import Index
from vrag.catalog.documents import page_id
from vrag.errors import UsageError
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers
from vrag.runtime.file_facts import file_digest
from vrag.search.hit import Hit

CASCADES = (None, "exact", "two-stage", "three-stage")
NAMES = tuple(f"{name}.pdf" for name in ("ash", "birch", "cedar", "elm", "fir", "oak"))
OTHER = "other.pdf"
MOST_PAGES = 12


@dataclass(frozen=True)
class Edition:
    """One content of a file.

    Args:
        word: On every page of it and nowhere else.
        name: Of the file.
        ids: Of its pages, in order.
        replaces: Whether the file had another content in the index before.
    """

    word: str
    name: str
    ids: tuple[str, ...]
    replaces: bool


@dataclass
class World:
    """What is known of the index; what searches must see is read before they begin, and again after.

    Args:
        folder: Where the files are.
        index: Of them.
        seed: Of everything random.
        pool: Reads pages for every ingest; it keeps the last file open.
    """

    folder: Path
    index: Index
    seed: int
    pool: PageWorkers
    there: frozenset[Edition] = frozenset()  # ingested for certain, and neither being replaced nor removed
    gone: frozenset[str] = frozenset()  # pages removed or replaced for certain
    editions: dict[str, Edition] = field(default_factory=dict)  # by page id, of all that ever were
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)
    _number: int = 0

    def write(self, seconds: float) -> None:
        """Change the index until the time is up."""
        chance, until = random.Random(self.seed), time.monotonic() + seconds
        while time.monotonic() < until and not self.stop.is_set():
            name = chance.choice(NAMES)
            now = next((edition for edition in self.there if edition.name == name), None)
            if now is not None and chance.random() < 0.35:
                self._remove(now)
            else:
                self._ingest(name, now, chance)

    def _ingest(self, name: str, now: Edition | None, chance: random.Random) -> None:
        self._number += 1
        word, file = f"edition{self._number}x", self.folder / name
        texts = [f"{word} {word}page{n}\n{_words(chance)}" for n in range(1, chance.randint(1, MOST_PAGES) + 1)]
        write_pdf(file, texts)
        digest = file_digest(file)
        ids = tuple(page_id(digest, n, self.index.stored.model_key) for n in range(1, len(texts) + 1))
        new = Edition(word, name, ids, now is not None)
        self.editions |= dict.fromkeys(ids, new)
        self.there -= {now} if now else set()
        self.pool.inspect(self.folder / OTHER).result()  # not the file as it was before it was written
        report = self.index.ingest([file], workers=1)
        if report.failed or report.added != len(ids):
            self.wrong.append(f"ingest of {len(ids)} pages: {report}")
        self.gone |= set(now.ids) if now else set()
        self.there |= {new}
        self.counts["replaced" if now else "ingested"] += 1

    def _remove(self, edition: Edition) -> None:
        self.there -= {edition}
        (self.folder / edition.name).unlink()
        self.index.remove(self.index.find_documents([edition.name]))
        self.gone |= set(edition.ids)
        self.counts["removed"] += 1

    def read(self, number: int) -> None:
        """Search until told to stop."""
        chance = random.Random(self.seed * 1000 + number)
        while not self.stop.is_set():
            try:
                chance.choice((self._by_word, self._by_word, self._by_name, self._at_large))(chance)
            except Exception:  # noqa: BLE001  # whatever it is: that is what is looked for
                self.wrong.append(traceback.format_exc())

    def _by_word(self, chance: random.Random) -> None:
        """All pages of an edition are found by their word, in the first places."""
        if not self.there:
            return
        wanted, gone = chance.choice(list(self.there)), self.gone
        cascade = chance.choice(CASCADES)
        hits = self._search(wanted.word, MOST_PAGES, cascade, (), gone)
        missed = set(wanted.ids) - {hit.id for hit in hits}
        if missed and wanted in self.there:
            self.wrong.append(f"{cascade}: {len(missed)} of {len(wanted.ids)} pages of {wanted.word} were not found")

    def _by_name(self, chance: random.Random) -> None:
        """A file's pages are those of one edition, and of one that replaced another all of them."""
        name, gone = chance.choice(NAMES), self.gone
        try:
            hits = self._search("word", 4 * MOST_PAGES, chance.choice(CASCADES), (f"doc={name}",), gone)
        except UsageError:  # it is not there, or just now not
            if any(e.name == name for e in self.there):
                self.counts["told that a file is not there"] += 1
            return
        seen = {self.editions[hit.id] for hit in hits}
        if len(seen) > 1:
            self.wrong.append(f"{name}: pages of {sorted(edition.word for edition in seen)} at once")
        for edition in seen:
            if edition.replaces and len(hits) != len(edition.ids):
                self.wrong.append(f"{name}: {len(hits)} pages of {len(edition.ids)} of {edition.word}")

    def _at_large(self, chance: random.Random) -> None:
        """A question like any other, with a snippet and what matches of the first hits."""
        question, gone = _words(chance), self.gone
        where = chance.choice(((), ("page <= 3",), ("source=layer",)))
        for hit in self._search(question, 5, chance.choice(CASCADES), where, gone)[:2]:
            self.index.snippet(question, hit)
            self.index.matches(question, hit)

    def _search(
        self, question: str, k: int, cascade: str | None, where: tuple[str, ...], gone: frozenset[str]
    ) -> list[Hit]:
        hits = self.index.search(question, k, cascade, where)
        self.counts["searches"] += 1
        ids = [hit.id for hit in hits]
        if len(set(ids)) < len(ids):
            self.wrong.append(f"{cascade}: a page twice")
        back = [self.editions[page].word for page in ids if page in gone]
        if back:
            self.wrong.append(f"{cascade}: pages of {back}, which were gone before the search began")
        return hits

    def last_look(self) -> None:
        """Nobody writes any more: every page is found."""
        everything = {page for edition in self.there for page in edition.ids}
        if self.index.page_count != len(everything):
            self.wrong.append(f"{self.index.page_count} pages, not {len(everything)}")
        for cascade in CASCADES:
            hits = self._search("word", 10 * len(everything) + 10, cascade, (), self.gone)
            if {hit.id for hit in hits} != everything:
                self.wrong.append(f"at the end {cascade} finds {len(hits)} of {len(everything)} pages")
        self.wrong += [str(problem) for problem in self.index.verify()]


def _words(chance: random.Random) -> str:
    return " ".join(chance.choice(("word", "page", "tree", "leaf", "root", "bark")) for _ in range(6))


def soak(root: Path, seconds: float, seed: int, threads: int, pool: PageWorkers) -> Outcome:
    """Search in so many threads while one writes."""
    write_pdf(root / "d" / OTHER, ["other"])
    with Index.create(root / "i") as index:
        world = World(root / "d", index, seed, pool)
        readers = [threading.Thread(target=world.read, args=(number,)) for number in range(threads)]
        for reader in readers:
            reader.start()
        try:
            world.write(seconds)
        finally:
            world.stop.set()
            for reader in readers:
                reader.join()
        world.last_look()
    return world.counts, world.wrong


def main() -> None:
    """Soak, and print what came of it."""
    threads = int(sys.argv[3]) if len(sys.argv) > 3 else 32
    sys.setswitchinterval(2e-4)  # threads change places 25 times as often as they would
    with PageWorkers(PageSpec(image=False, words=True), 1) as pool:
        install(pool)
        run_for_seconds(partial(soak, threads=threads, pool=pool), f"{threads} threads", 60)


if __name__ == "__main__":
    main()
