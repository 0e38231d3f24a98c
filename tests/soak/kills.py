"""Kill whatever writes an index, in every way and at every moment; then: is anything lost, or ranked otherwise?

python -m tests.soak.kills [KILLS [SEED [PROCESSES [KIND...]]]]

Rounds of some 25 kills. A round has a folder of PDFs and an index of its own. Files are written, replaced, renamed and
deleted, documents removed, the index is repooled, compacted, repaired, given another default cascade, kept as a
snapshot and restored, pushed to a server and pulled from it. Every operation is a process that is cut off: by SIGKILL
at a random time, after some acknowledged pages, while it opens or closes, or before the n-th change of a file; by
SIGTERM or SIGINT; its page worker may be killed, or no file may grow past a limit, as on a full disk. After each, every
page that was acknowledged must be there, unless its file was replaced or its document removed, with all its pages; what
was removed must be gone. At the end of a round everything is ingested once more, `verify` must find nothing, and
vectors, rankings and scores of every cascade must equal those of an index of the same files that was never interrupted.

Most rounds take a tiny model and forked processes, which makes a kill cheap; every 20th runs the installed thing: the
built-in model, real PDFs, processes that are started anew. A round that goes wrong prints what was done in it; its own
seed does the same again, as far as time lets it: `python -m tests.soak.kills 25 SEED 1`. Exit code 1 when anything was
lost, ranked otherwise, or strange.
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
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.pdfs import write_pdf
from tests.soak import driver
from tests.soak.counting import Summed, counts
from tests.soak.fork import INTERRUPTED, SENTENCE, Child, ChildError, ask
from tests.soak.parallel import fast_place, in_parallel, preload, tell
from tests.soak.state import State, as_model, finish, look
from vrag.runtime.file_facts import file_digest

SAMPLES = Path(__file__).parents[2] / "eval" / "samples" / "pdfs"
WITHOUT_OCR = ("bees-on-the-roof-slides.pdf", "ferry-annual-report.pdf", "solar-kiln-paper.pdf")
QUERIES = ("revenue from freight", "how do bees find nectar", "drying oak in a kiln", "edition 3", "word 17 word 4")
OPERATIONS = (
    *("ingest", "ingest", "replace", "replace", "rename", "watch", "rm", "rm", "repool", "repool"),
    *("compact", "compact", "repair", "cascade", "snapshot", "restore", "push", "pull"),
)
KINDS = ("time", "time", "acks", "opening", "closing", "step", "step", "term", "int", "worker", "limit")
DEFAULTS = ("exact", "best", "best-exact", "three-stage", "runs@bits:64 > full")
OTHER_RECIPE = """
[vectors.bands]
pooling = "bands"
count = 4
[cascades]
two-stage = "bands:50 > full"
[search]
cascade = "two-stage"
"""
LISTS = ("losses", "rankings", "problems", "strange", "histories")
A_ROUND = 25
REAL = 20  # every so-manieth round
ORPHANED_S, MOST_STRANGE = 15.0, 10


@dataclass
class Tally(Summed):
    """What has happened so far; each list must stay empty."""

    kills: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    rounds: int = 0
    searches: int = 0
    losses: list[str] = field(default_factory=list)
    rankings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    litter: Counter[str] = field(default_factory=Counter)
    histories: list[str] = field(default_factory=list)  # of rounds that went wrong

    @property
    def is_clean(self) -> bool:
        return not (self.losses or self.rankings or self.problems or self.strange)

    def __str__(self) -> str:
        return (
            f"kills: {self.kills.total()} ({counts(self.kills)})\n"
            f"while: {counts(self.operations)}\n"
            f"pages acknowledged: {self.acknowledged}; rounds: {self.rounds}; searches compared: {self.searches}\n"
            f"losses: {len(self.losses)}; other rankings: {len(self.rankings)}; "
            f"problems that verify finds: {len(self.problems)}; strange: {len(self.strange)}"
            f"{'; left behind: ' + counts(self.litter) if self.litter else ''}"
        )


class Round:
    """One folder and one index.

    Args:
        root: An empty folder: documents go to `d`, the index to `i`, what is copied beside them.
        seed: Of everything random.
        is_real: Whether it runs the built-in model in processes of their own.
        kinds: Of kills.
    """

    def __init__(self, root: Path, seed: int, is_real: bool = False, kinds: Sequence[str] = KINDS) -> None:
        self.root, self.seed, self.is_real, self.kinds = root, seed, is_real, kinds
        self.tally = Tally(rounds=1)
        self.documents, self.index, self.snapshot = root / "d", root / "i", root / "i.tar.gz"
        self._random = random.Random(seed)
        self._edition = 0
        self._state = State()
        self._standing: dict[str, str] = {}
        self._kept: set[str] = set()  # pages in the snapshot
        self._lost_on_purpose: set[str] = set()
        self._seconds: dict[tuple[str, str], float] = {}
        self._steps: dict[str, int] = {}
        self._history: list[str] = []
        self._server: Child | None = None
        self._url = ""
        self._fill()

    def run(self, kills: int) -> Tally:
        """Kill at least so many times, until something was acknowledged; then compare with an uninterrupted index."""
        try:
            while self.tally.kills.total() < kills or not self.tally.acknowledged:
                self._once()
                if len(self.tally.strange) > MOST_STRANGE:
                    break
            self._compare()
        except (ChildError, OSError) as error:
            self._note(self.tally.strange, f"{type(error).__name__}: {error}")
        finally:
            if self._server is not None:
                self._server.end()
        if not self.tally.is_clean:
            self._note(self.tally.histories, "; ".join(self._history))
        return self.tally

    def _fill(self) -> None:
        self.documents.mkdir(parents=True)
        (self.root / "other.toml").write_text(OTHER_RECIPE)
        if self._random.random() < 0.5:
            write_pdf(self.documents / "a.pdf", ["hello"])  # a first document that is like no other
        if self.is_real:
            for name in WITHOUT_OCR:
                shutil.copy(SAMPLES / name, self.documents)
        for number in range(3):
            self._rewrite(f"made-{number}.pdf")

    def _once(self) -> None:
        operation = self._random.choice(OPERATIONS)
        name, arguments = self._prepared(operation)
        removing = set(arguments[1:]) if name == "rm" else set()
        said = self._cut_off(operation, name, arguments[:1] if name == "rm" else arguments)
        self._hear(said)
        self._look(operation, name, removing, "removed" in said)

    def _prepared(self, operation: str) -> tuple[str, tuple[str, ...]]:
        """What the folder must be like for it, the driver's operation and its arguments."""
        made = sorted(self.documents.glob("made-*.pdf"))
        if operation in ("replace", "watch") and made:
            self._rewrite(self._random.choice(made).name)
        if operation == "watch" and len(made) > 4:
            self._random.choice(made).unlink()
        if operation == "rename" and made:
            self._edition += 1
            self._random.choice(made).rename(self.documents / f"made-{100 + self._edition}.pdf")
        if operation == "ingest":
            self._rewrite(f"made-{self._random.randrange(6)}.pdf")
        if not self._state.known:
            return "ingest", (str(self.documents),)
        return self._command(operation)

    def _command(self, operation: str) -> tuple[str, tuple[str, ...]]:
        if operation == "rm":
            path = self._random.choice(sorted({path for paths in self._state.paths.values() for path in paths}))
            return "rm", (path, *(document for document, paths in self._state.paths.items() if path in paths))
        if operation == "restore" and not self.snapshot.exists():
            operation = "snapshot"
        arguments: dict[str, tuple[str, ...]] = {
            "watch": (str(self.documents),),
            "repool": (self._random.choice(("builtin", str(self.root / "other.toml"))),),
            "compact": (),
            "repair": (),
            "cascade": (self._random.choice(DEFAULTS),),
            "snapshot": (str(self.snapshot),),
            "restore": (str(self.snapshot), str(self.root / "restored")),
        }
        if operation in ("push", "pull"):
            arguments |= {"push": (self._serve(),), "pull": (self._serve(), str(self.root / "copy"))}
        if operation == "snapshot":
            self.snapshot.unlink(missing_ok=True)
        if operation == "cascade" and self._state.pipeline != "builtin":
            return "repool", ("builtin",)
        return (operation, arguments[operation]) if operation in arguments else ("ingest", (str(self.documents),))

    def _rewrite(self, name: str) -> None:
        """A document nobody has seen before."""
        self._edition += 1
        pages = self._random.randrange(4, 24) if self.is_real else self._random.randrange(1, 14)
        lines = ["\n".join(f"word {self._random.randrange(99)}" for _ in range(6)) for _ in range(pages)]
        write_pdf(
            self.documents / name,
            [f"{self.seed} edition {self._edition} page {n}\n{line}" for n, line in enumerate(lines)],
        )

    def _serve(self) -> str:
        """The address of a server of this round."""
        if self._server is None:
            self._server = Child(_server)
            self._server.hear(lambda line: line.startswith("http"))
            self._url = self._server.lines[-1]
        return self._url

    # What follows cuts operations off.

    def _cut_off(self, operation: str, name: str, arguments: tuple[str, ...]) -> list[str]:
        """Run it and cut it off; what it said."""
        kind = self._random.choice(self.kinds)
        if kind in ("worker", "acks") and name not in ("ingest", "watch"):
            kind = "time"
        self._history.append(f"{name} {' '.join(Path(one).name for one in arguments)} by {kind}")
        child = self._start(kind, name, arguments)
        try:
            was_alive = getattr(self, f"_by_{kind}")(child, name)
            if kind not in ("int", "worker", "limit"):
                child.wait()
            elif child.wait() != 0:
                self._judge_end(child, kind, operation)
            self._orphans(child, f"{kind} while {operation}")
        finally:
            child.end()
        if was_alive:
            self.tally.kills[kind + (" (real)" if self.is_real else "")] += 1
            self.tally.operations[operation] += 1
        elif child.code not in (0, INTERRUPTED):
            self._note(self.tally.strange, f"{operation} ended by itself ({child.code}): {child.said_on_stderr()}")
        return child.lines

    def _start(self, kind: str, name: str, arguments: tuple[str, ...]) -> Child:
        last = self._random.randrange(1, self._steps.get(name, 20) + 3) if kind == "step" else None
        limit = int(2 ** self._random.uniform(10, 26)) if kind == "limit" else None
        if self.is_real and kind not in ("step", "limit"):
            return Child(lambda: _exec_driver(str(self.index), name, *arguments))
        work = as_model(self.is_real, lambda: driver.drive(str(self.index), name, arguments, last, limit))
        return Child(work)

    def _by_time(self, child: Child, name: str, number: int = signal.SIGKILL) -> bool:
        child.pause(self._random.uniform(0, 1.1 * self._usual(name, "all")))
        return child.kill(number)

    def _by_term(self, child: Child, name: str) -> bool:
        return self._by_time(child, name, signal.SIGTERM)

    def _by_int(self, child: Child, name: str) -> bool:
        if self.is_real:
            child.hear(lambda line: line == "ready")  # Python that is starting prints a traceback of its own
        return self._by_time(child, name, signal.SIGINT)

    def _by_opening(self, child: Child, name: str) -> bool:
        child.pause(self._random.uniform(0, 1.1 * self._usual(name, "opening")))
        return child.kill(signal.SIGKILL)

    def _by_closing(self, child: Child, name: str) -> bool:
        self._hear_until(child, name, "ready", "opening")
        self._hear_until(child, name, "closing", "work")
        child.pause(self._random.uniform(0, 1.1 * self._usual(name, "closing")))
        was_alive = child.kill(signal.SIGKILL)
        if not was_alive:
            self._seconds[name, "closing"] = max(0.001, 0.8 * self._usual(name, "closing"))
        return was_alive

    def _by_acks(self, child: Child, name: str) -> bool:
        wanted, heard = self._random.randrange(1, 30), 0

        def is_enough(line: str) -> bool:
            nonlocal heard
            heard += line.startswith("ack ")
            return heard >= wanted

        child.hear(is_enough)
        child.pause(self._random.uniform(0, 0.02))
        return child.kill(signal.SIGKILL)

    def _by_step(self, child: Child, name: str) -> bool:
        code = child.wait()
        child.hear(lambda line: line.startswith("steps "))
        counts = [int(line.split()[1]) for line in child.lines if line.startswith("steps ")]
        if counts:
            self._steps[name] = counts[0]
        return code == -signal.SIGKILL

    def _by_worker(self, child: Child, name: str) -> bool:
        child.hear(lambda line: line == "ready")
        child.pause(self._random.uniform(0, self._usual(name, "work")))
        others = child.others()
        if others:
            os.kill(self._random.choice(others), signal.SIGKILL)
        return bool(others)

    def _by_limit(self, child: Child, name: str) -> bool:
        self._hear_until(child, name, "ready", "opening")
        self._hear_until(child, name, "closing", "work")
        return child.wait() != 0

    def _judge_end(self, child: Child, kind: str, operation: str) -> None:
        """What was told to end, or met a limit, must end with a sentence."""
        fine = {INTERRUPTED, -signal.SIGINT} if kind == "int" else {SENTENCE}
        if child.code not in fine:
            said = child.said_on_stderr()
            self._note(self.tally.strange, f"{kind} while {operation} ended with {child.code}: {said}")

    def _orphans(self, child: Child, what: str) -> None:
        """Processes must not outlive the one they work for; those that were forked only for the soak's sake may."""
        until = time.monotonic() + (ORPHANED_S if self.is_real else 0)
        while self.is_real and child.others() and time.monotonic() < until:
            time.sleep(0.05)
        if self.is_real and child.others():
            self._note(self.tally.strange, f"{what}: {len(child.others())} processes live on")

    def _usual(self, name: str, phase: str) -> float:
        default = {"opening": 0.3, "work": 0.6, "closing": 0.1, "all": 0.8}[phase]
        return self._seconds.get((name, phase), default * (6 if self.is_real else 1))

    def _hear_until(self, child: Child, name: str, line: str, phase: str) -> None:
        started = time.monotonic()
        if child.hear(lambda one: one == line):
            before = self._usual(name, phase)
            self._seconds[name, phase] = 0.7 * before + 0.3 * (time.monotonic() - started)
            self._seconds[name, "all"] = sum(self._usual(name, part) for part in ("opening", "work", "closing"))

    # What follows looks whether anything is lost.

    def _hear(self, said: list[str]) -> None:
        for line in said:
            what, *ids = line.split()
            if what == "ack":
                self.tally.acknowledged += ids[0] not in self._standing
                self._standing[ids[0]] = ids[1]
                self._lost_on_purpose.discard(ids[0])
            elif what == "lost":
                self._standing.pop(ids[0], None)
                self._lost_on_purpose.add(ids[0])

    def _look(self, operation: str, name: str, removing: set[str], was_removed: bool) -> None:
        """Compare what is there with what must be."""
        before, now = self._state, ask(as_model(self.is_real, lambda: look(self.index)))
        assert isinstance(now, State)
        losses = now.missing.keys() - self._lost_on_purpose
        in_folder = {file_digest(file) for file in self.documents.iterdir()}
        removed = removing - now.known.keys()
        self._standing = {p: doc for p, doc in self._standing.items() if doc in in_folder and doc not in removed}
        losses |= self._standing.keys() - now.stored.keys()
        losses |= {page for page, doc in now.stored.items() if doc not in now.known}
        if losses:
            self._note(self.tally.losses, f"{operation}: {sorted(losses)}")
            for page in losses:
                self._standing.pop(page, None)
        if was_removed and removing & now.known.keys():
            self._note(self.tally.losses, f"{operation}: what was removed is back")
        if name == "snapshot" and self.snapshot.exists():
            self._kept = set(before.stored)
        if name == "restore":
            self._look_at_restored()
        self._state = now

    def _look_at_restored(self) -> None:
        restored = self.root / "restored"
        if restored.exists():
            state = ask(as_model(self.is_real, lambda: look(restored)))
            assert isinstance(state, State)
            if state.stored.keys() != self._kept:
                self._note(self.tally.losses, f"restored {len(state.stored)} of {len(self._kept)} pages")
            shutil.rmtree(restored)

    def _compare(self) -> None:
        url = self._serve() if self._server is not None else None
        verdict = ask(as_model(self.is_real, lambda: finish(self.root, QUERIES, url)))
        self.tally.searches += verdict.searches
        for name in ("losses", "rankings", "problems"):
            for text in getattr(verdict, name):
                self._note(getattr(self.tally, name), text)
        expected = {"d", "i", "i.tar.gz", "other.toml", "restored", "fresh", "pulled"}
        litter = {file.name for file in self.root.iterdir() if not file.name.startswith("copy-")} - expected
        if litter:
            self.tally.litter.update(_pattern(name) for name in litter)

    def _note(self, where: list[str], text: str) -> None:
        where.append(f"[round {self.seed}{' real' if self.is_real else ''}] {text}")


def _pattern(name: str) -> str:
    return name.rpartition("-")[0] + "-*" if "-" in name else name.rpartition(".")[0] + ".*"


def _exec_driver(*arguments: str) -> None:
    os.chdir(Path(__file__).parents[2])
    os.execv(sys.executable, [sys.executable, "-m", "tests.soak.driver", *arguments])


def _server() -> None:
    """Serve until killed."""
    from tests.store.backend import Backend
    from tests.store.rest import rest_server

    with rest_server(Backend()) as url:
        driver.say(url)
        signal.pause()


def soak(kills: int, seed: int, kinds: Sequence[str] = KINDS) -> Tally:
    """Rounds until there are so many kills."""
    total, number = Tally(), 0
    while total.kills.total() < kills:
        number += 1
        with tempfile.TemporaryDirectory(dir=fast_place(), ignore_cleanup_errors=True) as root:
            is_real = number % REAL == 0
            wanted = min(A_ROUND, kills - total.kills.total())
            tally = Round(Path(root), seed + number - 1, is_real, kinds).run(wanted)
        total += tally
        tell(f"round {seed + number - 1}: {total.kills.total()} kills{'' if tally.is_clean else ', NOT CLEAN'}")
        for name in LISTS:
            for text in getattr(tally, name)[:3]:
                tell(f"    {name}: {text[:1500]}")
    return total


def main() -> None:
    """Soak, and print what came of it."""
    kills, seed, processes = ([int(one) for one in sys.argv[1:4]] + [0, 0, 0])[:3]
    kinds = sys.argv[4:] or KINDS
    kills, processes = kills or 30, processes or os.cpu_count() or 1
    seed = seed or random.SystemRandom().randrange(10**6)
    preload()
    started = time.monotonic()
    total = in_parallel(lambda n: soak(-(-kills // processes), seed + 100_000 * n, kinds), processes, Tally())
    for name in LISTS:
        for text in getattr(total, name)[:20]:
            print(f"{name}: {text}")
    print(f"{total}; seed: {seed}; {time.monotonic() - started:.0f} s")
    sys.exit(0 if total.is_clean else 1)


if __name__ == "__main__":
    main()
