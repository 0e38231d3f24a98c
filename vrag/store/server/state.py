"""What a server, or a cluster, says of itself and of one collection: nodes, copies of shards, optimizer, sizes.

What a key may not ask, what an older server has not, and what cannot be told while a node is gone, is not known: None.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from vrag.store.server.connect import Connection
from vrag.store.server.indexing import is_off
from vrag.store.server.server_faults import UNREADABLE, fault_of
from vrag.store.server.within import within

T = TypeVar("T")
_EACH = 5.0  # seconds for each thing that is asked beside the first
_PEERS = 2  # seconds in which a node answers another
_SIZES = 3  # detail of telemetry from which it has sizes
_OFF = "off"
_LEFT_OFF = (
    "The optimizer is off, as it is while a copy runs: where none does, one was cut off. "
    "The next command that writes switches it on."
)
_IN_USE = "active"


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node of a cluster.

    Args:
        node: Its address within the cluster.
        answers: Whether it answers the node that was asked; None when that is not known.
    """

    node: str
    answers: bool | None


@dataclass(frozen=True, slots=True)
class CopyState:
    """A copy of a shard.

    Args:
        shard: Its number.
        node: Where the copy is.
        state: As the server calls it, in small letters: "active", "dead", "partial", ...
    """

    shard: int
    node: str
    state: str


@dataclass(frozen=True, slots=True)
class ServerState:
    """A collection and the nodes it is on.

    Args:
        status: "green"; "yellow" and "grey" while the optimizer is at work or about to be; "red" when it failed.
        optimizer: "ok", "off" while much is loaded (`vrag.store.server.indexing`), or what went wrong.
        points: Of the collection, about; documents and other records are points beside the pages.
        segments: Of the node that was asked.
        wanted: Copies of each shard that were asked for.
        nodes: Of the cluster; none when the server is alone.
        copies: Of all shards.
        data_bytes: Of vectors and payloads, all copies together.
        file_bytes: Length of all files, all copies together; room that is set aside counts, and need not be on disk.
        memory_bytes: Of it what is in memory now, most of it as the system's cache of those files.
    """

    status: str
    optimizer: str
    points: int
    segments: int
    wanted: int
    nodes: tuple[NodeState, ...]
    copies: tuple[CopyState, ...]
    data_bytes: int | None
    file_bytes: int | None
    memory_bytes: int | None

    @property
    def shards(self) -> int:
        """Number of shards."""
        return len({copy.shard for copy in self.copies})

    @property
    def gone(self) -> list[str]:
        """Nodes that do not answer."""
        return [node.node for node in self.nodes if node.answers is False]

    def in_use(self, copy: CopyState) -> bool:
        """Whether a copy answers searches."""
        return copy.state == _IN_USE and copy.node not in self.gone

    def short(self) -> dict[int, int]:
        """Copies in use of each shard that has fewer than were asked for."""
        counts = dict.fromkeys(sorted(copy.shard for copy in self.copies), 0)
        for copy in self.copies:
            counts[copy.shard] += self.in_use(copy)
        return {shard: count for shard, count in counts.items() if count < self.wanted}

    def warnings(self) -> list[str]:
        """Sentences about what is not as it should be; none of it is damage to the index."""
        found = [f"The node {node} does not answer." for node in self.gone]
        short = self.short()
        if short:
            which = ", ".join(f"{shard} has {count}" for shard, count in short.items())
            found.append(f"{len(short)} of {self.shards} shards have fewer than {self.wanted} copies in use: {which}.")
        others = [copy for copy in self.copies if copy.state != _IN_USE]
        found += [f"The copy of shard {copy.shard} at {copy.node} is {copy.state}." for copy in others]
        if self.optimizer == _OFF:
            found.append(_LEFT_OFF)
        elif self.optimizer != "ok":
            found.append(f"The optimizer has failed: {self.optimizer}.")
        return found

    def to_json(self) -> dict[str, Any]:
        """JSON values only, with the warnings."""
        return {**asdict(self), "shards": self.shards, "warnings": self.warnings()}


def read_state(connection: Connection, collection: str) -> ServerState:
    """Ask a server, or the node in use of a cluster, about a collection.

    Raises:
        StoreError: It has no such collection, or does not answer.
    """

    def ask(client: Any) -> tuple[Any, Any]:
        return client, client.get_collection(collection)

    client, info = connection.read.call(connection.nodes, ask, "asking how it is")
    return _Asking(client, collection).state(info)


class _Asking:
    """The questions to one node.

    Args:
        client: The client library's object.
        collection: Which it is about.
    """

    def __init__(self, client: Any, collection: str) -> None:
        self._client = client
        self._collection = collection

    def state(self, info: Any) -> ServerState:
        """All of it; `info` is what the server says of the collection."""
        placed = _if_told(lambda: self._client.collection_cluster_info(self._collection))
        told = _if_told(lambda: self._client.cluster_telemetry(details_level=_SIZES, timeout=_PEERS))
        peers = _peers(told) if told else _if_told(lambda: _listed_peers(self._client.cluster_status())) or {}
        memory = _if_told(self._memory) or {}
        return ServerState(
            status=str(info.status),
            optimizer=_optimizer(info),
            points=info.points_count or 0,
            segments=info.segments_count,
            wanted=info.config.params.replication_factor or 1,
            nodes=tuple(sorted(peers.values(), key=lambda node: node.node)),
            copies=tuple(_copies(placed, peers)) if placed else (),
            data_bytes=self._data_bytes(told),
            file_bytes=memory.get("disk_bytes"),
            memory_bytes=memory["ram_bytes"] + memory["cached_bytes"] if memory else None,
        )

    def _memory(self) -> Mapping[str, int]:
        """What the server counts of the collection's files on all nodes; the client library has no call for it."""
        found = self._client.http.client.request(
            type_=dict,
            method="GET",
            url="/collections/{name}/memory",
            path_params={"name": self._collection},
        )
        total = found["result"]["total"]
        return {key: int(total[key]) for key in ("disk_bytes", "ram_bytes", "cached_bytes")}

    def _data_bytes(self, told: Any) -> int | None:
        if told is not None:
            found = told.collections.get(self._collection)
            return _sum(copy for shard in found.shards or [] for copy in shard.replicas) if found else None
        alone = _if_told(lambda: self._client.http.service_api.telemetry(details_level=_SIZES).result)
        if alone is None:
            return None
        here = [one for one in alone.collections.collections or [] if one.id == self._collection]
        return _sum(shard.local for one in here for shard in one.shards or [] if shard.local) if here else None


def _optimizer(info: Any) -> str:
    error = getattr(info.optimizer_status, "error", None)
    if error is not None:
        return str(error)[:200]
    return _OFF if is_off(info) else "ok"


def _sum(parts: Iterable[Any]) -> int | None:
    """Bytes of all parts; None when one of them is not told."""
    sizes = [(part.vectors_size_bytes, part.payloads_size_bytes) for part in parts]
    return None if any(None in pair for pair in sizes) else sum(map(sum, sizes))


def _peers(told: Any) -> dict[int, NodeState]:
    peers = told.cluster.peers if told.cluster else {}
    return {int(peer): NodeState(one.uri.rstrip("/"), one.responsive) for peer, one in peers.items()}


def _listed_peers(cluster: Any) -> dict[int, NodeState]:
    failing = getattr(cluster, "message_send_failures", {})
    peers = getattr(cluster, "peers", {})  # none where the server is alone
    told = {int(peer): (one.uri, False if one.uri in failing else None) for peer, one in peers.items()}
    return {peer: NodeState(uri.rstrip("/"), answers) for peer, (uri, answers) in told.items()}


def _copies(placed: Any, peers: Mapping[int, NodeState]) -> Sequence[CopyState]:
    def name(peer: int) -> str:
        return peers[peer].node if peer in peers else str(peer)

    here = [CopyState(one.shard_id, name(placed.peer_id), str(one.state).lower()) for one in placed.local_shards]
    there = [CopyState(one.shard_id, name(one.peer_id), str(one.state).lower()) for one in placed.remote_shards]
    return sorted(here + there, key=lambda copy: (copy.shard, copy.node))


def _if_told(question: Callable[[], T]) -> T | None:
    """The answer; None when the server does not give one."""
    try:
        return within(time.monotonic() + _EACH, question)
    except UNREADABLE:
        return None
    except Exception as error:
        if fault_of(error) is None:
            raise
        return None
