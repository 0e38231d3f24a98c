"""Kill the process that holds an index for others, while they use it; then: is anything lost that was promised?

python -m tests.soak.serve_kills [KILLS [SEED [PROCESSES]]]

Rounds of some 10 kills. In each the holder runs `vrag serve`; one person uploads, searches and deletes over HTTP, and
another ingests, searches and removes by commands, which ask the holder, until it is killed by SIGKILL at a random
moment: while it starts, or in the middle of all that. The next command finds the socket that was left behind, must know
at once that nobody is there, and do its work. What was acknowledged must be there: all pages of every document whose
job was done, and none of those whose removal was done. The next holder must take the place of the dead one, and what
the dead one had promised (an upload answered with 202) must be indexed or told of as a job. At the end of a round
`verify` must find nothing.

A tiny model and forked processes make a kill cheap; every 5th round runs the installed thing with the built-in model.
Exit code 1 when anything was lost or strange.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.pdfs import write_pdf
from tests.soak.asking import PATIENCE_S, Clerk, GoneError, Visitor, ask, command
from tests.soak.counting import Summed, counts
from tests.soak.fork import Child, ChildError
from tests.soak.fork import ask as ask_child
from tests.soak.parallel import fast_place, in_parallel, preload, tell
from tests.soak.state import State, as_model, look

A_ROUND, REAL, MOST_STRANGE = 10, 5, 5
AT_ONCE_S = 5.0  # a command beside a socket that was left behind: waiting for somebody would take 10 s and more
LISTS = ("losses", "strange")


@dataclass
class Tally(Summed):
    """What has happened so far; the lists must stay empty."""

    kills: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.losses or self.strange)

    def __str__(self) -> str:
        return (
            f"kills of the holder: {self.kills.total()} ({counts(self.kills)})\n{counts(self.seen)}\n"
            f"losses: {len(self.losses)}; strange: {len(self.strange)}"
        )


class Round:
    """One index and its holders.

    Args:
        root: An empty folder.
        seed: Of everything random.
        is_real: Whether it runs the built-in model in processes of their own.
    """

    def __init__(self, root: Path, seed: int, is_real: bool) -> None:
        self.root, self.index, self.folder = root, root / "i", root / "d"
        self.is_real, self.seed, self.tally = is_real, seed, Tally()
        self._chance = random.Random(seed)
        self._standing: set[str] = set()  # documents that must be there
        self._removed: set[str] = set()  # documents that must not
        self._promised: dict[str, str] = {}  # documents by job: to be indexed, or told of
        self._starting_s = 3.0 if is_real else 0.5

    def run(self, kills: int) -> Tally:
        """Kill so many holders."""
        write_pdf(self.folder / "first.pdf", ["a page"])
        try:
            self._command("ingest", str(self.folder))
            while self.tally.kills.total() < kills and len(self.tally.strange) < MOST_STRANGE:
                self._once()
            self._end()
        except (ChildError, OSError) as error:
            self._note(self.tally.strange, f"{type(error).__name__}: {error}")
        return self.tally

    def _once(self) -> None:
        port = _free_port()
        holder = Child(as_model(self.is_real, lambda: _hold(self.is_real, self.index, port)))
        people: list[Child] = []
        try:
            if self._chance.random() < 0.2:
                what = "starting"
                holder.pause(self._chance.uniform(0, 1.2 * self._starting_s))
            else:
                what = "working"
                self._await(holder, port)
                self._look_for_promises(port)
                people = [self._start(Visitor(port, self._seed())), self._start(self._clerk())]
                holder.pause(self._chance.uniform(0.05, 2.0 * self._starting_s + 1))
            if holder.kill(signal.SIGKILL):
                self.tally.kills[what + (" (real)" if self.is_real else "")] += 1
            else:
                self._note(self.tally.strange, f"the holder ended ({holder.code}): {holder.said_on_stderr()}")
            holder.wait()
        finally:
            holder.end()
            for person in people:
                self._part(person)
        self._look(what)

    def _await(self, holder: Child, port: int) -> None:
        """Until it answers."""
        started = time.monotonic()
        while not _is_ready(port):
            holder.pause(0.01)
            if holder.code is not None or time.monotonic() - started > PATIENCE_S:
                raise ChildError(f"the holder does not start ({holder.code}): {holder.said_on_stderr()}")
        self._starting_s = 0.7 * self._starting_s + 0.3 * (time.monotonic() - started)

    def _clerk(self) -> Clerk:
        return Clerk(self.index, self.folder, self._seed())

    def _seed(self) -> int:
        return self._chance.getrandbits(32)

    def _start(self, person: Visitor | Clerk) -> Child:
        return Child(as_model(self.is_real, person.live))

    def _part(self, person: Child) -> None:
        """What a person was told counts; what it waits for does not."""
        person.pause(0.2)  # for what was on its way
        person.end()
        for line in person.lines:
            what, *words = line.split(" ")
            self.tally.seen[what] += 1
            if what == "promised":
                self._promised |= dict.fromkeys(words[1:], words[0])
            elif what == "kept":
                self._standing.add(words[0])
                self._promised.pop(words[0], None)
            elif what == "removing":
                self._standing.discard(words[0])
            elif what == "removed":
                self._removed.add(words[0])
            elif what == "wrong":
                self._note(self.tally.strange, line)

    # What follows looks whether anything is lost.

    def _look(self, what: str) -> None:
        """The next command works at once, and what was acknowledged is there."""
        self.tally.seen["sockets left behind"] += any(file.is_socket() for file in self.index.iterdir())
        started = time.monotonic()
        self._command("ls")
        if time.monotonic() - started > AT_ONCE_S * (3 if self.is_real else 1):
            self._note(self.tally.strange, f"after {what}: vrag ls took {time.monotonic() - started:.1f} s")
        state = ask_child(as_model(self.is_real, lambda: look(self.index)))
        assert isinstance(state, State)
        if lost := [doc for doc in self._standing if not state.known.get(doc)]:
            self._note(self.tally.losses, f"{what}: documents {lost} are not there")
        if state.missing:
            self._note(self.tally.losses, f"{what}: pages {state.missing} are not there")
        if back := self._removed & state.known.keys():
            self._note(self.tally.losses, f"{what}: {sorted(back)} were removed and are back")
        self._standing.difference_update(lost)
        self._removed -= back

    def _look_for_promises(self, port: int) -> None:
        """What the dead holder had promised is indexed by this one, or told of."""
        until = time.monotonic() + PATIENCE_S
        while self._promised and any(job["state"] in ("queued", "running") for job in _jobs(port)):
            if time.monotonic() > until:
                self._note(self.tally.strange, "jobs do not end")
                break
            time.sleep(0.02)
        told = {job["id"]: job for job in _jobs(port)} if self._promised else {}
        for doc, job in self._promised.items():
            status, document = ask(port, "GET", f"/v1/documents/{doc}")
            if status == 200 and document["state"] == "complete":
                self._standing.add(doc)
                self.tally.seen["promises kept"] += 1
            elif told.get(job, {}).get("state") in ("failed", "cancelled"):
                self.tally.seen["promises told of as broken"] += 1
            else:
                about = f"{doc} of job {job} was promised: {status}, and the job is {told.get(job)}"
                self._note(self.tally.losses, about)
        self._promised.clear()

    def _end(self) -> None:
        """A last holder keeps what was promised and ends in order; then `verify` finds nothing.

        What was neither promised nor acknowledged, an ingest of a command for instance, may have stayed half done: it
        goes on when it is asked for again.
        """
        self._hold_to_the_end()
        state = ask_child(as_model(self.is_real, lambda: look(self.index)))
        assert isinstance(state, State)
        acknowledged = {path for doc in self._standing for path in state.paths.get(doc, ())}
        broken = [problem for problem in self._problems() if not problem["path"] or problem["path"] in acknowledged]
        self._command("ingest", str(self.folder))
        for problem in [*broken, *self._problems()]:
            self._note(self.tally.losses, f"verify: {problem}")

    def _hold_to_the_end(self) -> None:
        port = _free_port()
        holder = Child(as_model(self.is_real, lambda: _hold(self.is_real, self.index, port)))
        try:
            self._await(holder, port)
            self._look_for_promises(port)
            holder.kill(signal.SIGINT)
            if (code := holder.wait()) != 0:
                self._note(self.tally.strange, f"Ctrl-C ended the holder with {code}: {holder.said_on_stderr()}")
        finally:
            holder.end()
        if left := [file.name for file in self.index.iterdir() if file.is_socket()]:
            self._note(self.tally.strange, f"a holder that ended in order left {left} behind")

    def _problems(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(self._command("verify", codes=(0, 1)))["problems"]
        return found

    def _command(self, *arguments: str, codes: Sequence[int] = (0,)) -> str:
        """What a command prints on standard output, in a process of its own."""
        code, out, err = ask_child(
            as_model(self.is_real, lambda: command(*arguments, "--index", str(self.index), "--json"))
        )  # type: ignore[misc]
        if code not in codes:
            self._note(self.tally.strange, f"vrag {arguments[0]} ended with {code}: {out} {err}")
        return str(out)

    def _note(self, where: list[str], text: str) -> None:
        where.append(f"[round {self.seed}{' real' if self.is_real else ''}] {text}")


def _hold(is_real: bool, index: Path, port: int) -> None:
    """Be the holder."""
    arguments = ["serve", "--index", str(index), "--port", str(port)]
    if is_real:
        os.chdir(Path(__file__).parents[2])
        os.execv(sys.executable, [sys.executable, "-m", "vrag", *arguments])
    from tests.soak.tiny import install
    from vrag.cli.app import run
    from vrag.pages.page import PageSpec
    from vrag.pages.workers import PageWorkers

    with PageWorkers(PageSpec(image=False, words=True), 1) as pool:  # forked before there are threads
        pool.inspect(index.parent / "d" / "first.pdf").result()
        install(pool)
        if run(arguments):
            raise ChildError("vrag serve ended with an error")


def _is_ready(port: int) -> bool:
    try:
        return ask(port, "GET", "/readyz")[0] == 200
    except GoneError:
        return False


def _jobs(port: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = ask(port, "GET", "/v1/jobs")[1]["jobs"]
    return found


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def soak(kills: int, seed: int) -> Tally:
    """Rounds until there are so many kills."""
    total, number = Tally(), 0
    while total.kills.total() < kills:
        number += 1
        with tempfile.TemporaryDirectory(dir=fast_place(), ignore_cleanup_errors=True) as root:
            wanted = min(A_ROUND, kills - total.kills.total())
            tally = Round(Path(root), seed + number - 1, number % REAL == 0).run(wanted)
        total += tally
        tell(f"round {seed + number - 1}: {total.kills.total()} kills{'' if tally.is_clean else ', NOT CLEAN'}")
        for name in LISTS:
            for text in getattr(tally, name)[:3]:
                tell(f"    {name}: {text[:2000]}")
        if not tally.kills:
            break
    return total


def main() -> None:
    """Soak, and print what came of it."""
    kills, seed, processes = ([int(one) for one in sys.argv[1:4]] + [0, 0, 0])[:3]
    kills, processes = kills or 30, processes or os.cpu_count() or 1
    seed = seed or random.SystemRandom().randrange(10**6)
    preload()
    started = time.monotonic()
    total = in_parallel(lambda n: soak(-(-kills // processes), seed + 100_000 * n), processes, Tally())
    for name in LISTS:
        for text in getattr(total, name)[:20]:
            print(f"{name}: {text}")
    print(f"{total}; seed: {seed}; {time.monotonic() - started:.0f} s")
    sys.exit(0 if total.is_clean else 1)


if __name__ == "__main__":
    main()
