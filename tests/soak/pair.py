"""Two processes on one store of a server: what one writes or removes the other sees at once.

python -m tests.soak.pair [SECONDS [SEED]]

Two processes open one collection of the test server, before anything is in it, and stay open. They ingest, replace and
remove in turn and at once, the same files and different ones; after every step both must find every page by its own
word in every cascade that a server has, count the same pages and documents, and find nothing that is gone. Exit code 1
when one of them saw anything else.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from tests.pdfs import write_pdf
from tests.soak.for_seconds import Outcome, run_for_seconds
from tests.soak.fork import Child, say
from tests.soak.tiny import install
from tests.store.backend import Backend
from tests.store.rest import rest_server
from vrag import Index
from vrag.places.place import ServerPlace
from vrag.store.server.address import Server

CASCADES = (None, "exact", "two-stage", "three-stage", "best-exact")
NAMES = ("ash.pdf", "birch.pdf", "cedar.pdf", "elm.pdf")
MOST_PAGES, LOOKED_FOR = 6, 5
_TIMEOUT_S = 120.0


class Peer:
    """A process with the collection open, which does what it is told."""

    def __init__(self, url: str) -> None:
        self._mine, theirs = Pipe()
        self._child = Child(lambda: _obey(theirs, url))

    def begin(self, what: str, *arguments: Any) -> None:
        """Tell it what to do."""
        self._mine.send((what, arguments))

    def answer(self) -> Any:
        """What came of it.

        Raises:
            RuntimeError: It raised something, died or hangs.
        """
        if not self._mine.poll(_TIMEOUT_S):
            raise RuntimeError(f"no answer: {self._child.said_on_stderr()}")
        is_fine, value = self._mine.recv()
        if not is_fine:
            raise RuntimeError(value)
        return value

    def do(self, what: str, *arguments: Any) -> Any:
        """Both."""
        self.begin(what, *arguments)
        return self.answer()

    def end(self) -> None:
        """Kill it."""
        self._child.end()


def _obey(orders: Any, url: str) -> None:
    install()
    place = ServerPlace(Server(url, grpc_port=0), "shared")
    with Index.open(place) if place.holds_index() else Index.create(place) as index:
        while True:
            what, arguments = orders.recv()
            try:
                orders.send((True, ORDERS[what](index, *arguments)))
            except Exception:  # noqa: BLE001  # the one who asked is told
                orders.send((False, traceback.format_exc()))


def _ingest(index: Index, *files: str) -> list[str]:
    return [str(failure) for failure in index.ingest(files, workers=1).failed]


def _remove(index: Index, *names: str) -> None:
    index.remove(index.find_documents(names))


def _see(index: Index, words: list[str]) -> dict[str, list[tuple[str, str, int]]]:
    """Hits by cascade and word."""
    return {
        f"{cascade}: {word}": [(hit.doc, word, hit.page) for hit in index.search(word, 1, cascade)]
        for word in words
        for cascade in CASCADES
    }


def _count(index: Index) -> tuple[int, list[str]]:
    return index.page_count, sorted(Path(document.paths[0]).name for document in index.documents.all())


def _ready(index: Index) -> bool:
    return True


ORDERS: dict[str, Callable[..., Any]] = {
    "ingest": _ingest,
    "remove": _remove,
    "see": _see,
    "count": _count,
    "ready": _ready,
}


@dataclass
class World:
    """Two peers and what must be in the collection.

    Args:
        folder: Of the files.
        peers: Two.
        seed: Of everything random.
    """

    folder: Path
    peers: tuple[Peer, Peer]
    seed: int
    pages: dict[str, list[str]] = field(default_factory=dict)  # words of each file's pages, one a page
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _number: int = 0

    def run(self, seconds: float) -> None:
        """Step after step until the time is up, and at least one of each."""
        chance, until, steps = random.Random(self.seed), time.monotonic() + seconds, 0
        kinds = (self._one_ingests, self._one_removes, self._both_ingest, self._both_ingest_the_same, self._one_each)
        while time.monotonic() < until or steps < len(kinds):
            step = kinds[steps] if steps < len(kinds) else chance.choice(kinds)
            steps += 1
            before = len(self.wrong)
            try:
                step(chance)
                self._look(chance)
            except RuntimeError as error:
                self.wrong.append(str(error))
            self.wrong[before:] = [f"step {steps}, {step.__name__}: {text}" for text in self.wrong[before:]]
            self.counts[step.__name__.strip("_").replace("_", " ")] += 1

    def _write(self, name: str, chance: random.Random) -> str:
        """A new content for a file: from now on its pages must be found by these words."""
        self._number += 1
        words = [f"edition{self._number}page{n}x" for n in range(1, chance.randint(1, MOST_PAGES) + 1)]
        write_pdf(self.folder / name, [f"{word}\ntree and leaf of {n}" for n, word in enumerate(words)])
        self.pages[name] = words
        return str(self.folder / name)

    def _one_ingests(self, chance: random.Random) -> None:
        self._fine(chance.choice(self.peers).do("ingest", self._write(chance.choice(NAMES), chance)))

    def _one_removes(self, chance: random.Random) -> None:
        if self.pages:
            name = chance.choice(sorted(self.pages))
            del self.pages[name]
            (self.folder / name).unlink()
            chance.choice(self.peers).do("remove", name)

    def _both_ingest(self, chance: random.Random) -> None:
        """At once, each a file of its own."""
        for peer, name in zip(self.peers, chance.sample(NAMES, 2), strict=True):
            peer.begin("ingest", self._write(name, chance))
        for peer in self.peers:
            self._fine(peer.answer())

    def _both_ingest_the_same(self, chance: random.Random) -> None:
        file = self._write(chance.choice(NAMES), chance)
        for peer in self.peers:
            peer.begin("ingest", file)
        for peer in self.peers:
            self._fine(peer.answer())

    def _one_each(self, chance: random.Random) -> None:
        """One removes while the other ingests another file."""
        if not self.pages:
            return
        gone = chance.choice(sorted(self.pages))
        file = self._write(chance.choice([name for name in NAMES if name != gone]), chance)
        del self.pages[gone]
        (self.folder / gone).unlink()
        one, other = self.peers if chance.random() < 0.5 else self.peers[::-1]
        one.begin("remove", gone)
        other.begin("ingest", file)
        one.answer()
        self._fine(other.answer())

    def _fine(self, failed: list[str]) -> None:
        self.wrong += failed

    def _look(self, chance: random.Random) -> None:
        """Both count everything, and find some pages."""
        words = {word: (name, n) for name, pages in self.pages.items() for n, word in enumerate(pages, 1)}
        counts = len(words), sorted(self.pages)
        for number, peer in enumerate(self.peers):
            if (seen := peer.do("count")) != counts:
                self.wrong.append(f"process {number} counts {seen}, not {counts}")
            for what, hits in peer.do("see", chance.sample(list(words), min(LOOKED_FOR, len(words)))).items():
                name, page = words[what.rpartition(" ")[2]]
                self.counts["searches"] += 1
                if [(hit[0], hit[2]) for hit in hits] != [(name, page)]:
                    self.wrong.append(f"process {number}: {what} finds {hits}, not page {page} of {name}")


def soak(root: Path, seconds: float, seed: int) -> Outcome:
    """Start a server and two processes, and let them work."""
    (root / "d").mkdir()
    server = Child(_serve)
    peers: list[Peer] = []
    try:
        server.hear(lambda line: line.startswith("http"))
        for _ in range(2):
            peers.append(Peer(server.lines[-1]))
            peers[-1].do("ready")
        world = World(root / "d", (peers[0], peers[1]), seed)
        world.run(seconds)
    finally:
        for peer in peers:
            peer.end()
        server.end()
    return world.counts, world.wrong


def _serve() -> None:
    with rest_server(Backend()) as url:
        say(url)
        signal.pause()


def main() -> None:
    """Soak, and print what came of it."""
    os.environ.pop("QDRANT_API_KEY", None)
    run_for_seconds(soak, "two processes", 60)


if __name__ == "__main__":
    main()
