"""Qdrant servers that the tests start themselves: a program, as one node or as several that are a cluster.

The nodes of a cluster listen at 127.0.0.1, 127.0.0.2 and so on, at the same ports (on Linux all of them are this
machine), so that what is said of a port holds for every node. Each is a process of its own in a folder of its own, dies
with whoever started it, can be killed like one that lost its power, and be started again on what it had written.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.soak.fork import die_with_parent, leave_alone
from vrag.store.server.address import Server

PROGRAM_ENV, URL_ENV = "VRAG_TEST_QDRANT_BIN", "VRAG_TEST_QDRANT_URL"
DOCKER = "docker"  # as a program: containers are started
_STARTING_S, _LOOK_S = 90.0, 0.05
_COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"


class Node:
    """One server; it runs between `start` and `kill` or `end`.

    Args:
        program: Of the server.
        folder: Of its own; data, snapshots and what it says are kept there.
        host: Loopback address.
        ports: Of REST, gRPC and, in a cluster, the nodes among themselves.
        peers: Its command line in a cluster; none where it is alone.
        more: Of its environment.
    """

    def __init__(
        self,
        program: str,
        folder: Path,
        host: str,
        ports: Sequence[int],
        peers: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.host, self._ports, self._folder = host, ports, folder
        self.url = f"http://{host}:{ports[0]}"
        self.grpc_port = ports[1]
        self._command = [os.path.abspath(program), *peers]
        self._environment = {**_environment(folder, host, ports), **(more or {})}
        self._process: subprocess.Popen[bytes] | None = None
        if peers:
            cluster = {"QDRANT__CLUSTER__ENABLED": "true", "QDRANT__CLUSTER__P2P__PORT": str(ports[2])}
            self._environment = {**cluster, **self._environment}

    def server(self, **how: Any) -> Server:
        """It, as vrag is told of it."""
        return Server(self.url, grpc_port=self.grpc_port, **how)

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Run it, again where it ran before; `wait` says when it answers. To be called from the main thread."""
        self._folder.mkdir(exist_ok=True)
        with (self._folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                preexec_fn=die_with_parent,  # noqa: PLW1509  # a test that is killed leaves no server behind
            )

        leave_alone(self._process.pid)

    def wait(self) -> None:
        """Until it says that it is ready.

        Raises:
            RuntimeError: It died, or takes too long; with the end of what it said.
        """
        until = time.monotonic() + _STARTING_S
        while self.ask("/readyz") is None:
            if not self.is_running or time.monotonic() > until:
                raise RuntimeError(f"{self.url} does not start: {self.said()[-2000:]}")
            time.sleep(_LOOK_S)

    def ask(self, path: str) -> httpx.Response | None:
        """A look at it; None where the answer is no 200, or there is none."""
        try:
            headers = {"api-key": self._environment.get("QDRANT__SERVICE__API_KEY", "")}
            answer = httpx.get(self.url + path, headers=headers, timeout=5, trust_env=False)
        except httpx.TransportError:
            return None
        return answer if answer.status_code == 200 else None

    def kill(self) -> None:
        """With SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def remove(self) -> None:
        """For good: what it has written goes as well."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def said(self) -> str:
        """All that it has said."""
        return (self._folder / "said").read_text(errors="replace")


class Container(Node):
    """The same in docker, on the network of this machine; the image is the one of docker-compose.yml."""

    @property
    def is_running(self) -> bool:
        return self._docker("inspect", "--format", "{{.State.Running}}") == "true"

    def start(self) -> None:
        self._folder.mkdir(exist_ok=True)
        if self._docker("inspect", "--format", "{{.Id}}"):
            self._docker("start")
            return
        inside = {name: value for name, value in self._environment.items() if not name.endswith("_PATH")}
        settings = [part for name, value in inside.items() for part in ("--env", f"{name}={value}")]
        run = ["docker", "run", "--detach", "--name", self._name, "--network", "host", *settings, _image(), "./qdrant"]
        subprocess.run([*run, *self._command[1:]], check=True, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self._docker("kill")

    def remove(self) -> None:
        self._docker("rm", "--force", "--volumes")

    def said(self) -> str:
        return subprocess.run(["docker", "logs", self._name], capture_output=True, text=True).stdout

    @property
    def _name(self) -> str:
        return f"vrag-test-{self.host}-{self._ports[0]}"

    def _docker(self, *command: str) -> str:
        return subprocess.run(["docker", *command, self._name], capture_output=True, text=True).stdout.strip()


def _node(program: str, *arguments: Any) -> Node:
    return (Container if program == DOCKER else Node)(program, *arguments)


@contextmanager
def one_node(program: str, folder: Path, more: Mapping[str, str] | None = None) -> Iterator[Node]:
    """A server alone, once it is ready; it ends with the block."""
    node = _node(program, folder / "node", "127.0.0.1", _free_ports(["127.0.0.1"]), (), more)
    try:
        node.start()
        node.wait()
        yield node
    finally:
        node.remove()


@contextmanager
def cluster(program: str, folder: Path, count: int = 3, more: Mapping[str, str] | None = None) -> Iterator[list[Node]]:
    """Nodes that have found each other and have a leader; they end with the block, whichever of them live then."""
    hosts = [f"127.0.0.{number}" for number in range(1, count + 1)]
    ports = _free_ports(hosts)
    first, *others = [f"http://{host}:{ports[2]}" for host in hosts]
    peers = [["--uri", first], *(["--bootstrap", first, "--uri", uri] for uri in others)]
    with ExitStack() as last:
        nodes = []
        for number, host in enumerate(hosts):
            node = _node(program, folder / f"node-{number + 1}", host, ports, peers[number], more)
            last.callback(node.remove)
            node.start()
            node.wait()
            nodes.append(node)
        wait_for_leader(nodes)
        yield nodes


def wait_for_leader(nodes: Sequence[Node]) -> None:
    """Until every one of these nodes knows all of them, and follows one leader.

    Raises:
        RuntimeError: That takes too long.
    """
    until = time.monotonic() + _STARTING_S
    while not all(_follows(node, len(nodes)) for node in nodes):
        if time.monotonic() > until:
            raise RuntimeError(f"no leader: {[node.said()[-500:] for node in nodes]}")
        time.sleep(_LOOK_S)


def _follows(node: Node, count: int) -> bool:
    answer = node.ask("/cluster")
    if answer is None:
        return False
    status = answer.json()["result"]
    return status["raft_info"]["leader"] is not None and len(status["peers"]) >= count


def _environment(folder: Path, host: str, ports: Sequence[int]) -> dict[str, str]:
    return {
        "QDRANT__SERVICE__HOST": host,
        "QDRANT__SERVICE__HTTP_PORT": str(ports[0]),
        "QDRANT__SERVICE__GRPC_PORT": str(ports[1]),
        "QDRANT__STORAGE__STORAGE_PATH": str(folder / "storage"),
        "QDRANT__STORAGE__SNAPSHOTS_PATH": str(folder / "snapshots"),
        "QDRANT__STORAGE__WAL__WAL_CAPACITY_MB": "4",  # it is set aside for every shard
        "QDRANT__TELEMETRY_DISABLED": "true",
    }


def _image() -> str:
    return re.findall(r"image: (qdrant/\S+)", _COMPOSE.read_text())[0]


def _free_ports(hosts: Sequence[str], count: int = 3) -> list[int]:
    """Ports that are free at every host."""
    found: list[int] = []
    while len(found) < count:
        with ExitStack() as held:
            port = 0
            try:
                for host in hosts:
                    one = held.enter_context(socket.socket())
                    one.bind((host, port))
                    port = one.getsockname()[1]
            except OSError:  # somebody has it at another host
                continue
        if port not in found:
            found.append(port)
    return found
