"""The commands of `server_figures.py`: whole ones, as a shell starts them, on an embedded index and on a server."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wire import Wire

from vrag.store.server.address import COLLECTION_ENV, GRPC_PORT_ENV, Server

COMMANDS = ("search", "status", "explain", "verify", "tune", "ingest")
SHELL_RUNS, TUNED = 5, 20
Rows = list[list[str]]


@dataclass(frozen=True)
class Here:
    """Where the pages are.

    Args:
        index: Folder of the embedded index.
        server: The server.
        collection: Its collection.
    """

    index: Path
    server: Server
    collection: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find the collection by the server's address."""
        return {GRPC_PORT_ENV: str(self.server.grpc), COLLECTION_ENV: self.collection}

    @property
    def on_server(self) -> list[str]:
        """Options that name the collection."""
        return ["--url", self.server.url, "--collection", self.collection, "--timeout", "600"]

    def run(self, *arguments: str, codes: Sequence[int] = (0,)) -> tuple[float, str]:
        """A command of vrag: seconds that it took, and what it printed."""
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "vrag", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, GRPC_PORT_ENV: str(self.server.grpc)},
        )
        seconds = time.perf_counter() - started
        if done.returncode not in codes:
            raise SystemExit(f"vrag {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return seconds, done.stdout + done.stderr

    @contextmanager
    def counted(self) -> Iterator[tuple[Server, list[Wire]]]:
        """The server behind wires that count."""
        with ExitStack() as last:
            rest = last.enter_context(Wire(_port(self.server.url)))
            wires, grpc = [rest], 0
            if self.server.grpc:
                wires.append(last.enter_context(Wire(self.server.grpc)))
                grpc = wires[-1].port
            yield Server(f"http://127.0.0.1:{rest.port}", self.server.api_key, grpc_port=grpc), wires


def copies(here: Here, pages: int, parts: Sequence[str], scratch: Path) -> Rows:
    """Push, which every other part needs; and push again, and pull."""
    rows = [["copying", "time", "pages/s"]]
    push = ["push", "--index", str(here.index), *here.on_server]
    more = {"`push` again": push, "`pull`": ["pull", *here.on_server, "--index", str(scratch / "pulled")]}
    for name, arguments in {"`push`": push, **(more if "copies" in parts else {})}.items():
        tell(name)
        seconds, _ = here.run(*arguments)
        rows.append([name, f"{seconds:.1f} s", f"{pages / seconds:.0f}"])
    return rows


def commands(here: Here, args: argparse.Namespace, question: str, scratch: Path) -> Rows:
    """Whole commands, embedded and on the server."""
    asked = {f"`search --cascade {name}`": ["search", question, "--cascade", name] for name in args.cascades[:2]}
    tuning = ["tune", "--queries", str(args.questions), "--sample", str(TUNED)]
    rest = {"`status`": ["status"], "`explain`": ["explain", question], "`verify`": ["verify"]}
    rows = [["command", "embedded", "server", "ratio"]]
    for name, arguments in {**asked, **rest, f"`tune`, {TUNED} questions": tuning}.items():
        if arguments[0] in args.parts:
            tell(name)
            runs = SHELL_RUNS if arguments[0] in ("search", "status") else 1
            embedded, server = (
                statistics.median(here.run(*arguments, "--json", *where)[0] for _ in range(runs))
                for where in (["--index", str(here.index)], here.on_server)
            )
            rows.append([name, f"{embedded:.2f} s", f"{server:.2f} s", f"{server / embedded:.1f} x"])
    if "ingest" in args.parts and args.pdfs is not None:
        rows.append(_ingest(here, args.pdfs, scratch))
    return rows


def _ingest(here: Here, pdfs: Path, scratch: Path) -> list[str]:
    """The same documents into a new folder and a new collection, in turns, so that both meet the same machine."""
    tell("ingest")
    other = Here(here.index, here.server, f"{here.collection}-ingest")
    seconds, pages = [], 0
    for where in (["--index", str(scratch / "ingested")], other.on_server):
        taken, said = here.run("ingest", str(pdfs), *where, "--json")
        pages = read_json(said)["added"]
        seconds.append(taken)
    cells = [f"{taken:.1f} s, {pages / taken:.2f} pages/s" for taken in seconds]
    return ["`ingest`", *cells, f"{seconds[1] / seconds[0]:.2f} x"]


def page_count(here: Here) -> int:
    """Pages of the embedded index."""
    return int(read_json(here.run("status", "--index", str(here.index), "--json")[1])["pages"])


def read_json(said: str) -> dict[str, Any]:
    """The object in what a command printed."""
    found: dict[str, Any] = json.loads(said[said.index("{") : said.rindex("}") + 1])
    return found


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def tell(text: str) -> None:
    """Say on standard error what is done."""
    print(f"    {text}", file=sys.stderr, flush=True)
