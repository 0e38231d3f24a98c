"""Three real nodes with the recipe `cluster`, one of which is killed again and again; then: is anything lost or other?

VRAG_TEST_QDRANT_BIN=PROGRAM python -m tests.soak.cluster [KILLS [SEED [OPERATION...]]]

A folder of PDFs and a collection on a cluster of three nodes on loopback. Files are ingested, replaced and removed, an
index in a folder is pushed and pulled, pages are searched for and verified; each is a process that is told of all three
addresses, and in the middle of it, at a random moment, one of the nodes is killed with SIGKILL, the addressed one as
often as another. Now and then the process is told of that one node alone, or is killed itself: then it is begun again
with another node. After each kill the two nodes that are left must hold every page that was acknowledged, and nothing
that was removed; the killed one is started again, must catch up until every replica is active, and must then give,
asked alone, the rankings and scores of an embedded index of the same files. Exit code 1 when anything was lost, other
or strange.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.pdfs import write_pdf
from tests.qdrant.nodes import PROGRAM_ENV, Node, cluster, wait_for_leader
from tests.soak.counting import Summed, counts
from tests.soak.driver import _Silent, tell_acknowledged
from tests.soak.fork import SENTENCE, Child, ChildError, ask, say
from tests.soak.parallel import preload
from tests.soak.state import Hits, State, as_model, compare, hits, state_of
from vrag import Index
from vrag.places.place import FolderPlace, ServerPlace
from vrag.runtime.file_facts import file_digest
from vrag.store.server.address import Server
from vrag.upkeep.transfer import transfer

CASCADES = ("exact", "two-stage", "three-stage")
QUERIES = ("word 3 word 17", "edition 2", "word 40 word 41 word 42")
OPERATIONS = ("ingest", "replace", "replace", "remove", "push", "pull", "search", "verify")
MAIN, COPY = "soak", "soak-copy"
PATIENCE_S = 10.0  # of a writer that knows one node alone, for that node to come back
CATCHING_UP_S, LOOK_S = 60.0, 0.1
ALONE, WITH_WRITER = 0.15, 0.15  # shares of kills where one address is known, or the process is killed as well
MOST_PAGES, FILES, AT_FIRST = 8, 6, 4


@dataclass
class Tally(Summed):
    """What has happened; the lists must stay empty."""

    kills: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    rankings: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.losses or self.rankings or self.strange)

    def __str__(self) -> str:
        return (
            f"kills of a node: {self.kills.total()} ({counts(self.kills)})\n{counts(self.seen)}\n"
            f"losses: {len(self.losses)}; other rankings: {len(self.rankings)}; strange: {len(self.strange)}"
        )


Rankings = dict[tuple[str, str], Hits]


# What follows is run in processes of its own, with the tiny model.


def opened(server: Server, collection: str = MAIN) -> Index:
    """The index there, made where there is none."""
    place = ServerPlace(server, collection)
    return Index.hold(place) if place.holds_index() else Index.create(ServerPlace(server, collection), "cluster")


def _ingest(server: Server, root: Path, *files: str) -> None:
    with opened(server) as index:
        tell_acknowledged(index)
        say("ready")
        failed = index.ingest(files, workers=1).failed
        if failed:
            raise RuntimeError(str(failed))


def _remove(server: Server, root: Path, *names: str) -> None:
    with opened(server) as index:
        say("ready")
        index.remove([one for one in index.documents.all() if Path(one.paths[0]).name in names])


def _push(server: Server, root: Path) -> None:
    say("ready")
    transfer(FolderPlace(root / "i"), ServerPlace(server, COPY), _Silent())


def _pull(server: Server, root: Path) -> None:
    say("ready")
    transfer(ServerPlace(server, COPY), FolderPlace(root / "pulled"), _Silent())


def _search(server: Server, root: Path, seconds: str) -> None:
    """Search for so long: every answer must come, and be the first one."""
    with opened(server) as index:
        first = rankings_of(index)
        say("ready")
        until = time.monotonic() + float(seconds)
        while time.monotonic() < until:
            if difference := differences(rankings_of(index), first):
                say("wrong", *difference[0].split())
            say("searched")


def _verify(server: Server, root: Path) -> None:
    with opened(server) as index:
        say("ready")
        for problem in index.verify():
            say("wrong", *str(problem).split())


DOING: dict[str, Callable[..., None]] = {
    "ingest": _ingest,
    "replace": _ingest,
    "remove": _remove,
    "push": _push,
    "pull": _pull,
    "search": _search,
    "verify": _verify,
}


def rankings_of(index: Index) -> Rankings:
    """Every query in every cascade."""
    return {(query, cascade): hits(index, query, cascade) for query in QUERIES for cascade in CASCADES}


def differences(some: Rankings, others: Rankings) -> list[str]:
    """What is different, in words."""
    found = ((what, compare(some[what], others[what])) for what in others)
    return [f"{what}: {text}" for what, text in found if text]


def _look(server: Server) -> tuple[State, Rankings]:
    with opened(server) as index:
        return state_of(index), rankings_of(index)


def _embedded(root: Path, folder: Path) -> Rankings:
    """Of an embedded index of the same files, made anew."""
    with tempfile.TemporaryDirectory(dir=root) as place, Index.create(Path(place) / "fresh") as index:
        index.ingest([folder], workers=1)
        return rankings_of(index)


def _tiny(work: Callable[[], Any]) -> Callable[[], Any]:
    return as_model(False, work)


class Round:
    """One cluster and one folder.

    Args:
        root: An empty folder.
        nodes: Three that run.
        seed: Of everything random.
        say: Told of every kill, in words.
    """

    def __init__(self, root: Path, nodes: Sequence[Node], seed: int, say: Callable[[str], None] = print) -> None:
        self.root, self.folder, self.nodes = root, root / "d", nodes
        self.tally, self.seed = Tally(), seed
        self._say = say
        self._chance = random.Random(seed)
        self._edition = 0
        self._acknowledged: dict[str, str] = {}  # page to document, as long as that is to stay
        self._usual = dict.fromkeys(OPERATIONS, 1.5)

    def run(self, kills: int, operations: Sequence[str] = ()) -> Tally:
        """Kill a node so many times, in the middle of these operations first, then of any."""
        try:
            self._fill()
            for number in range(kills):
                what = operations[number] if number < len(operations) else self._chance.choice(OPERATIONS)
                self._once(what)
        except (ChildError, RuntimeError, OSError) as error:
            self._note(self.tally.strange, f"{type(error).__name__}: {error}")
        return self.tally

    def _fill(self) -> None:
        for number in range(AT_FIRST):
            self._write(f"{number}.pdf")
        self._finish(self._start("ingest", (str(self.folder),), self._all()), "ingest")
        ask(_tiny(lambda: _folder_index(self.root / "i", self.folder)))
        self._finish(self._start("push", (), self._all()), "push")

    def _once(self, what: str) -> None:
        arguments, gone = self._prepared(what)
        node = self._chance.choice(self.nodes)
        kind = self._chance.random()
        is_alone, is_with_writer = kind < ALONE, ALONE <= kind < ALONE + WITH_WRITER
        told = self._server([node]) if is_alone else self._all(self._chance.choice((node, *self.nodes)))
        child = self._start(what, arguments, told)
        try:
            pause = self._chance.uniform(0, self._usual[what])
            child.pause(pause)
            node.kill()
            self.tally.kills[what] += 1
            self._say(
                f"{self.tally.kills.total()}: {node.host} killed after {pause:.2f} s of {what}"
                f"{', known alone' if is_alone else ', and the process' if is_with_writer else ''}"
            )
            if is_with_writer:
                child.kill(signal.SIGKILL)
            child.wait()
        finally:
            child.end()
        self._hear(child, gone)
        self._judge(child, what, is_alone, is_with_writer)
        others = [one for one in self.nodes if one is not node]
        if child.code != 0:
            self._look_for_what_was_acknowledged(others, what)
            self._finish(self._start(what, arguments, self._server(others)), what, gone)
        embedded = ask(_tiny(lambda: _embedded(self.root, self.folder)))
        self._look_at_all(others, embedded, what)
        node.start()
        node.wait()
        self._catch_up()
        self._look_at_all([node], embedded, f"{what}, by the node that was killed")

    def _prepared(self, what: str) -> tuple[tuple[str, ...], set[str]]:
        """Arguments of an operation, its files made ready, and documents that it takes away."""
        there = sorted(file.name for file in self.folder.iterdir())
        if what == "search":
            return (str(self._usual[what] + 1.0),), set()
        if what == "pull":
            shutil.rmtree(self.root / "pulled", ignore_errors=True)
        if what == "remove" and len(there) > 1:
            name = self._chance.choice(there)
            gone = {file_digest(self.folder / name)}
            (self.folder / name).unlink()
            return (name,), gone
        if what in ("ingest", "replace", "remove"):
            name = self._chance.choice(there) if what == "replace" else f"{self._chance.randrange(FILES)}.pdf"
            gone = {file_digest(self.folder / name)} if name in there else set()
            self._write(name)
            return (str(self.folder / name),), gone
        return (), set()

    def _write(self, name: str) -> None:
        """A content that nobody has seen before."""
        self._edition += 1
        lines = [
            "\n".join(f"word {self._chance.randrange(99)}" for _ in range(6))
            for _ in range(self._chance.randint(1, MOST_PAGES))
        ]
        write_pdf(self.folder / name, [f"edition {self._edition} page {n}\n{text}" for n, text in enumerate(lines)])

    # What follows starts processes, and judges how they ended.

    def _start(self, what: str, arguments: tuple[str, ...], server: Server) -> Child:
        name = "ingest" if what == "remove" and os.sep in arguments[0] else what
        return Child(_tiny(lambda: DOING[name](server, self.root, *arguments)))

    def _finish(self, child: Child, what: str, gone: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        """Let an operation that nobody disturbs come to its end."""
        started = time.monotonic()
        try:
            if child.wait() != 0:
                self._note(self.tally.strange, f"{what} again: {child.said_on_stderr()}")
            self._usual[what] = 0.5 * (self._usual[what] + time.monotonic() - started)
        finally:
            child.end()
        self._hear(child, gone)

    def _hear(self, child: Child, gone: set[str]) -> None:
        self._acknowledged = {page: doc for page, doc in self._acknowledged.items() if doc not in gone}
        for line in child.lines:
            what, *words = line.split(" ")
            if what == "ack":
                self._acknowledged[words[0]] = words[1]
            elif what == "searched":
                self.tally.seen["searches while a node died"] += len(QUERIES) * len(CASCADES)
            elif what == "wrong":
                self._note(self.tally.rankings, line)

    def _judge(self, child: Child, what: str, is_alone: bool, is_with_writer: bool) -> None:
        if child.code == 0:
            self.tally.seen["went on"] += 1
        elif is_with_writer and child.code == -signal.SIGKILL:
            self.tally.seen["killed and begun again"] += 1
        elif is_alone and child.code == SENTENCE and "is not reachable" in child.said_on_stderr():
            self.tally.seen["ended in a sentence and begun again"] += 1
        else:
            self._note(self.tally.strange, f"{what} ended with {child.code}: {child.said_on_stderr()}")

    # What follows looks whether anything is lost.

    def _look_for_what_was_acknowledged(self, nodes: Sequence[Node], what: str) -> None:
        state, _ = ask(_tiny(lambda: _look(self._server(nodes))))
        if lost := self._acknowledged.keys() - state.stored.keys():
            self._note(self.tally.losses, f"{what}: pages {sorted(lost)} were acknowledged")

    def _look_at_all(self, nodes: Sequence[Node], embedded: Rankings, what: str) -> None:
        """These nodes hold the folder, with all that was acknowledged, and rank as an embedded index of it does."""
        state, found = ask(_tiny(lambda: _look(self._server(nodes))))
        wanted = {file_digest(file) for file in self.folder.iterdir()}
        if state.known.keys() != wanted or state.missing or not all(state.known.values()):
            self._note(self.tally.losses, f"{what}: {state.known} with {state.missing} missing, not {wanted}")
        if lost := self._acknowledged.keys() - state.stored.keys():
            self._note(self.tally.losses, f"{what}: pages {sorted(lost)} were acknowledged")
        self.tally.seen["rankings compared"] += len(embedded)
        for text in differences(found, embedded):
            self._note(self.tally.rankings, f"{what}: {text}")

    def _catch_up(self) -> None:
        """Until every replica of every collection is active, as every node sees it."""
        wait_for_leader(self.nodes)
        until = time.monotonic() + CATCHING_UP_S
        while waiting := [text for node in self.nodes for name in (MAIN, COPY) for text in _inactive(node, name)]:
            if time.monotonic() > until:
                raise RuntimeError(f"a node does not catch up: {waiting[:3]}")
            time.sleep(LOOK_S)

    def _server(self, nodes: Sequence[Node]) -> Server:
        first, *others = (node.server(patience=PATIENCE_S) for node in nodes)
        return Server(first.url, None, first.timeout, PATIENCE_S, first.grpc_port, tuple(others))

    def _all(self, first: Node | None = None) -> Server:
        return self._server(sorted(self.nodes, key=lambda node: node is not first))

    def _note(self, where: list[str], text: str) -> None:
        self._say(f"NOT CLEAN: {text[-3000:]}")
        where.append(f"[seed {self.seed}, kill {self.tally.kills.total()}] {text}")


def _folder_index(path: Path, folder: Path) -> None:
    with Index.create(path, "cluster") as index:
        index.ingest([folder], workers=1)


def _inactive(node: Node, collection: str) -> list[str]:
    """Replicas of a collection that a node does not call active, and transfers that go on."""
    answer = node.ask(f"/collections/{collection}/cluster")
    if answer is None:
        return [f"{node.host} does not answer"]
    told = answer.json()["result"]
    replicas = [*told["local_shards"], *told["remote_shards"]]
    return [str(one) for one in replicas if one["state"] != "Active"] + [str(one) for one in told["shard_transfers"]]


def soak(kills: int, seed: int, operations: Sequence[str] = (), say: Callable[[str], None] = print) -> Tally:
    """A cluster, and so many kills."""
    program = os.environ[PROGRAM_ENV]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root, cluster(program, Path(root)) as nodes:
        return Round(Path(root), nodes, seed, say).run(kills, operations)


def main() -> None:
    """Soak, and print what came of it."""
    if not os.environ.get(PROGRAM_ENV):
        sys.exit(f"{PROGRAM_ENV} names no server program.")
    kills, seed = ([int(one) for one in sys.argv[1:3]] + [0, 0])[:2]
    kills, seed = kills or 50, seed or random.SystemRandom().randrange(10**6)
    preload()
    started = time.monotonic()
    tally = soak(kills, seed, sys.argv[3:])
    print(f"{tally}; seed: {seed}; {time.monotonic() - started:.0f} s")
    sys.exit(0 if tally.is_clean else 1)


if __name__ == "__main__":
    main()
