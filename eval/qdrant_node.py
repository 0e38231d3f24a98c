"""Qdrant servers on loopback for programs that measure them: one node, or several that are one cluster.

The program itself is found by whoever measures; its data lies in a folder that is given.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from vrag.store.server.address import Server

START_S, POLL_S, END_S = 120.0, 0.1, 60.0
ENV = "VRAG_TEST_QDRANT_BIN"


class NodeError(Exception):
    """A server does not start, or does not settle."""


class Node(AbstractContextManager["Node"]):
    """One server process, ready from `with` on; entered again it starts again on the same data and ports.

    Args:
        program: The Qdrant server program.
        folder: Of its data.
        arguments: Of a node in a cluster, see `cluster`.
        peer: Port where other nodes reach it; 0 for a node alone.
        cores: Of its optimizers at once.
    """

    def __init__(
        self, program: Path, folder: Path, arguments: Sequence[str] = (), peer: int = 0, cores: int = 1
    ) -> None:
        self.rest, self.grpc = free_port(), free_port()
        self.folder = folder
        self._command = [str(program.absolute()), *arguments]
        settings = {
            "SERVICE__HOST": "127.0.0.1",
            "SERVICE__HTTP_PORT": self.rest,
            "SERVICE__GRPC_PORT": self.grpc,
            "STORAGE__STORAGE_PATH": folder / "storage",
            "STORAGE__SNAPSHOTS_PATH": folder / "snapshots",
            "STORAGE__PERFORMANCE__OPTIMIZER_CPU_BUDGET": cores,
            "TELEMETRY_DISABLED": "true",
            **({"CLUSTER__ENABLED": "true", "CLUSTER__P2P__PORT": peer} if peer else {}),
        }
        self._environment = {f"QDRANT__{name}": str(value) for name, value in settings.items()}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.rest}"

    def server(self, timeout: float = 600.0) -> Server:
        """The address as vrag takes it."""
        return Server(self.url, timeout=timeout, grpc_port=self.grpc)

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to reach it over gRPC."""
        return {**os.environ, "VRAG_QDRANT_GRPC_PORT": str(self.grpc)}

    def __enter__(self) -> Node:
        signal.signal(signal.SIGTERM, _leave)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as said:
            self._process = subprocess.Popen(
                self._command, cwd=self.folder, env={**os.environ, **self._environment}, stdout=said, stderr=said
            )
        until = time.monotonic() + START_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise NodeError(f"The server does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(POLL_S)
        return self

    def ask(self, path: str, change: Mapping[str, Any] | None = None) -> Any:
        """What it answers to GET, or to PATCH where something is to be changed."""
        body, method = (None, "GET") if change is None else (json.dumps(change).encode(), "PATCH")
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", body, kind, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["result"]

    def settle(self, collection: str, quiet_s: float = 5.0) -> float:
        """Wait until its optimizers have nothing left to do; seconds until then.

        Args:
            collection: Which.
            quiet_s: For so long it must say so, since work may be found a moment after it said there is none.
        """
        started = busy = time.perf_counter()
        while time.perf_counter() - busy < quiet_s:
            found = self.ask(f"/collections/{collection}")
            if found["optimizer_status"] != "ok":
                raise NodeError(f"The optimizer of the server fails: {found['optimizer_status']}")
            if found["status"] != "green":
                busy = time.perf_counter()
            if found["status"] == "grey":  # started again with work left, it waits until somebody changes something
                self.ask(f"/collections/{collection}", {"optimizers_config": {}})
            time.sleep(POLL_S)
        return busy - started

    def memory(self) -> dict[str, int]:
        """Bytes of memory by what is in them: "own", "program", and parts of the data that are mapped, as in `disk`."""
        assert self._process
        found: dict[str, int] = {}
        part = ""
        for line in Path(f"/proc/{self._process.pid}/smaps").read_text().splitlines():
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):  # a mapping begins, maybe of a file
                part = _part(words[5]) if len(words) > 5 and words[5].startswith("/") else "own"
            elif words[0] == "Rss:":
                found[part] = found.get(part, 0) + (int(words[1]) << 10)
        return found

    def disk(self) -> dict[str, int]:
        """Bytes that the disk has given its data, by part: a named vector, the payload, the log."""
        found: dict[str, int] = {}
        for file in (self.folder / "storage").rglob("*"):
            if file.is_file():
                part = _part(str(file))
                found[part] = found.get(part, 0) + file.stat().st_blocks * 512
        return found

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(END_S)
            self.kill()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


@contextmanager
def cluster(program: Path, folder: Path, count: int, cores: int = 1) -> Iterator[list[Node]]:
    """Nodes that know each other."""
    ports = [free_port() for _ in range(count)]
    with ExitStack() as last:
        nodes = []
        for number, port in enumerate(ports):
            first = [] if number == 0 else ["--bootstrap", f"http://127.0.0.1:{ports[0]}"]
            arguments = [*first, "--uri", f"http://127.0.0.1:{port}"]
            nodes.append(last.enter_context(Node(program, folder / str(number), arguments, port, cores)))
        until = time.monotonic() + START_S
        while any(len(node.ask("/cluster")["peers"]) < count for node in nodes):
            if time.monotonic() > until:
                raise NodeError("The nodes do not find each other.")
            time.sleep(POLL_S)
        yield nodes


def _leave(*_: object) -> None:
    sys.exit("Stopped.")  # by way of `__exit__`, so that no server is left behind


def _part(path: str) -> str:
    """What a file of a node holds: "full", "runs", "payload_storage", "wal"; "program" for what is not of its data."""
    _, is_data, below = path.partition("/storage/")
    if not is_data:
        return "program"
    _, in_segment, inside = below.partition("/segments/")
    names = inside.split("/")
    if not in_segment or len(names) < 3:
        return "wal" if "/wal/" in below else "rest"
    kind, _, vector = names[1].partition("-")
    return vector or kind


def free_port() -> int:
    """A port of loopback that nobody has just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
