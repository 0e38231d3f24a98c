"""Does `vrag serve` answer while it works, and stay as small as it was? Ratios from one run on one machine.

python eval/serve_load.py INDEX [--rounds 5] [--seconds 6] [--clients 32] [--uploads 2000] [--batch 10] [--json FILE]

INDEX is copied, never written to. The same searches, one in eight of them for all pages of a file that is being
replaced, are asked in four ways: by `Index.search` in a loop of one process, alone and beside an ingest of its own, and
by clients that keep their connection over HTTP, without an ingest and beside one that a command has the service do. The
ways take turns, so that whatever else the machine does meets all of them. An answer for a file that is being replaced
must be one edition of it, with all its pages. Then small PDFs are uploaded and deleted in batches, while memory and
open files of the service are counted. Exit code 1 when a promise does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from memory_bound import write_pdf
from serve_client import Client, ServiceError, ServiceProcess
from serve_searches import Asked, Files, Question, ask, questions

from vrag import Index

LEAST_RATE, MOST_SPREAD = 0.8, 10.0  # of a loop's searches/s; p99 by the median
MOST_GROWTH, SLACK_BYTES, SLACK_FILES = 1.1, 16 << 20, 4  # from the first quarter of the uploads to the last
ALONE, BESIDE, IDLE, BUSY = "loop", "loop beside an ingest", "service", "service beside an ingest"


class Loop:
    """A process that searches in a loop, when told to (see `serve_searches.py`)."""

    def __init__(self, root: Path, way: str, seconds: float) -> None:
        program = Path(__file__).with_name("serve_searches.py")
        command = [sys.executable, str(program), str(root), way, str(seconds)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._hear()

    def run(self) -> Asked:
        """One turn."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Asked(**json.loads(self._hear()))

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _hear(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise ServiceError("A process that searches in a loop has died.")
        return line


class Clients:
    """Clients of a service that ask at once, each over a connection of its own.

    Args:
        port: Of the service.
        asked: What they ask, each from another place on.
        count: Of clients.
    """

    def __init__(self, port: int, asked: Sequence[Question], count: int) -> None:
        self._port, self._asked, self._count = port, asked, count

    def run(self, seconds: float) -> Asked:
        """One turn."""
        found, until = Asked(), time.perf_counter() + seconds
        with ThreadPoolExecutor(self._count) as pool:
            for one in pool.map(lambda number: self._one(number, until), range(self._count)):
                found += one
        found.seconds = seconds
        return found

    def _one(self, number: int, until: float) -> Asked:
        place = number * len(self._asked) // self._count
        with Client(self._port) as client:

            def search(question: Question) -> list[tuple[str, int]]:
                return [(hit["doc_id"], hit["page"]) for hit in client.search(question.text, 10, question.where)]

            return ask(until, search, [*self._asked[place:], *self._asked[:place]])


@contextmanager
def ingesting(index: Path, files: Files) -> Iterator[None]:
    """The service of an index ingests one round of files after the other, by commands, while the block runs."""
    command = [sys.executable, "-m", "vrag", "ingest", str(files.folder), "--index", str(index), "--json"]
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            files.change()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None:
                if ended.wait(0.02):
                    process.send_signal(signal.SIGTERM)
                    process.wait()

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1)
    try:
        yield
    finally:
        ended.set()
        thread.join()


def searches(indexes: dict[str, Path], rounds: int, seconds: float, clients: int) -> dict[str, Asked]:
    """The four ways, in turns.

    Args:
        indexes: Folders with an index `i`, of the two loops and of the service.
        rounds: Turns of each way.
        seconds: Of a turn.
        clients: Of the service.
    """
    root, found = indexes[IDLE], {way: Asked() for way in (ALONE, BESIDE, IDLE, BUSY)}
    with Index.open(root / "i") as index:
        asked, files = questions(index), Files(root / "d")
        index.ingest([files.folder])
    with ExitStack() as last:
        loops = {way: Loop(indexes[way], name, seconds) for way, name in ((ALONE, "alone"), (BESIDE, "beside"))}
        for loop in loops.values():
            last.callback(loop.close)
        people = Clients(last.enter_context(ServiceProcess(root / "i", root / "log")).port, asked, clients)
        people.run(1)
        for number in range(1, rounds + 1):
            for way, loop in loops.items():
                found[way] += loop.run()
            found[IDLE] += people.run(seconds)
            with ingesting(root / "i", files):
                found[BUSY] += people.run(seconds)
            rates = ", ".join(f"{way} {one.rate:.1f}" for way, one in found.items())
            print(f"    round {number}: {rates} searches/s", file=sys.stderr)
    return found


@dataclass
class Size:
    """What the service takes after each batch: bytes of memory, open files."""

    memory: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Medians of the first and the last quarter."""
        quarter = len(self.memory) // 4 or 1
        return {
            name: [statistics.median(values[:quarter]), statistics.median(values[-quarter:])]
            for name, values in vars(self).items()
        }


def uploads(root: Path, count: int, batch: int) -> Size:
    """Upload and delete so many small PDFs."""
    size, chance, page = Size(), random.Random(11), root / "page.pdf"
    with ServiceProcess(root / "i", root / "log") as service, Client(service.port) as client:
        for start in range(0, count, batch):
            files = {}
            for number in range(start, min(count, start + batch)):
                write_pdf(page, 1, [f"upload{number}", "small", "page"], chance, lines=3)
                files[f"small-{number}.pdf"] = page.read_bytes()
            done = client.finish(client.upload(files))
            if done["state"] != "done" or done["result"]["failed"]:
                raise ServiceError(f"An upload ended so: {done}")
            jobs = [client.delete(sha256(content).hexdigest()) for content in files.values()]
            if any(client.finish(job)["state"] != "done" for job in jobs):
                raise ServiceError("A document could not be deleted.")
            size.memory.append(service.rss)
            size.files.append(service.descriptors)
            taken = f"{service.rss >> 20} MiB, {service.descriptors} files"
            print(f"    {start + len(files)} uploads: {taken}", file=sys.stderr)
    return size


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        indexes = {way: Path(folder) / way.replace(" ", "-") for way in (ALONE, BESIDE, IDLE)}
        for root in indexes.values():
            root.mkdir()
            shutil.copytree(args.index, root / "i")
        found = searches(indexes, args.rounds, args.seconds, args.clients) if args.rounds else {}
        sizes = {"uploads": uploads(indexes[IDLE], args.uploads, args.batch).to_json()} if args.uploads else {}
    runs = {way: _figures(one) for way, one in found.items()}
    return {"index": args.index.name, "clients": args.clients, "cores": os.cpu_count(), "runs": runs, **sizes}


def _figures(one: Asked) -> dict[str, Any]:
    median, p99 = (1000 * one.quantile(share) for share in (0.5, 0.99))
    figures = {"searches": len(one.latencies), "searches_per_s": one.rate, "median_ms": median, "p99_ms": p99}
    return {**figures, "wrong": one.wrong}


def promises(found: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Each promise, what was measured, and whether it holds."""
    held = _of_searches(found["runs"]) if found["runs"] else []
    for name, unit, word, slack in (("memory", 1 << 20, " MiB", SLACK_BYTES), ("files", 1, "", SLACK_FILES)):
        if "uploads" in found:
            first, last = found["uploads"][name]
            text = f"{first / unit:.0f}{word}, then {last / unit:.0f}{word}"
            holds = last <= max(MOST_GROWTH * first, first + slack)
            held.append((f"{name} of the service over the uploads: level", text, holds))
    return held


def _of_searches(runs: dict[str, Any]) -> list[tuple[str, str, bool]]:
    busy, held = runs[BUSY], []
    for way in (ALONE, BESIDE):
        ratio = busy["searches_per_s"] / runs[way]["searches_per_s"]
        what = f"searches/s of the {BUSY}, by those of a {way}"
        held.append((f"{what}, at least {LEAST_RATE}", f"{ratio:.2f}", ratio >= LEAST_RATE))
    spread = busy["p99_ms"] / busy["median_ms"]
    held.append((f"its p99 by its median, under {MOST_SPREAD:.0f}", f"{spread:.2f}", spread < MOST_SPREAD))
    wrong = sum(len(run["wrong"]) for run in runs.values())
    held.append(("errors, and answers with a part of a document: none", str(wrong), wrong == 0))
    return held


def main() -> None:
    """Measure, print, and say whether the promises hold."""
    parser = argparse.ArgumentParser(description="vrag serve under load.")
    parser.add_argument("index", type=Path, help="folder of an index; it is copied")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each way to search; 0 for none")
    parser.add_argument("--seconds", type=float, default=6.0, help="of a turn")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--uploads", type=int, default=2000, help="0 for none")
    parser.add_argument("--batch", type=int, default=10, help="files of one upload")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    args = parser.parse_args()
    found = measure(args)
    held = promises(found)
    found["promises"] = [{"promise": name, "measured": value, "holds": holds} for name, value, holds in held]
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")
    _print(found, held)
    sys.exit(0 if all(holds for _, _, holds in held) else 1)


def _print(found: dict[str, Any], held: Sequence[tuple[str, str, bool]]) -> None:
    if found["runs"]:
        print("| searches | searches/s | median ms | p99 ms | wrong |\n| --- | --- | --- | --- | --- |")
    for name, run in found["runs"].items():
        figures = f"{run['searches_per_s']:.2f} | {run['median_ms']:.0f} | {run['p99_ms']:.0f} | {len(run['wrong'])}"
        print(f"| {name} | {figures} |")
    print("\n| promise | measured | |\n| --- | --- | --- |")
    for name, value, holds in held:
        print(f"| {name} | {value} | {'holds' if holds else 'BROKEN'} |")
    for text in [text for run in found["runs"].values() for text in run["wrong"]][:10]:
        print(f"wrong: {text}")


if __name__ == "__main__":
    main()
