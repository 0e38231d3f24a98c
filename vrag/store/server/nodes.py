"""The nodes of a cluster that are named: which one is asked, and which is asked instead when it is gone.

The node in use stays in use as long as it answers, for all threads. One that does not is left for the next in the order
they were named, at once; it is asked again when its turn comes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from vrag.store.server.server_faults import Fault, OpeningError
from vrag.store.server.within import within

T = TypeVar("T")
Open = Callable[[float | None], Any]
Check = Callable[[Any], None]
_LOOK = 2.0  # seconds a request may take before its node is asked whether it is there at all, and to answer that
_FAIR = 1.0  # seconds: a node that had less to answer in is not judged by its silence
_LOG = logging.getLogger("vrag")


class Node:
    """One address, and the client that speaks to it once it was needed.

    Args:
        url: The address.
        open_client: Connects, and gives up after so many seconds (None: as many as a request may take). Raises
            `UnfitError` when what answers there cannot be used.
    """

    def __init__(self, url: str, open_client: Open) -> None:
        self.url = url
        self._open_client = open_client
        self._client: Any = None
        self._passed: Check | None = None
        self._opening = threading.Lock()
        self._told = ""

    def client(self, seconds: float | None = None, check: Check | None = None) -> Any:
        """The client library's object.

        Args:
            seconds: To connect in.
            check: What the node has to pass before it is used; each check is made once.

        Raises:
            OpeningError: It cannot be used.
        """
        with self._opening:
            try:
                if self._client is None:
                    self._client = self._open_client(seconds)
                if check is not None and check is not self._passed:
                    check(self._client)
            except Exception as error:
                raise OpeningError from error
            self._passed = check
            return self._client

    def passes(self, check: Check) -> None:
        """Take it that the node passes."""
        self._passed = check

    def answers(self, seconds: float) -> bool:
        """Whether it says anything in so many seconds; while it is being connected to, that has an end of its own."""
        client = self._client
        try:
            return client is None or bool(within(time.monotonic() + seconds, client.info))
        except Exception:  # noqa: BLE001 - whatever it is, the node is not well
            return False

    def tell(self, fault: Fault, instead: str) -> None:
        """Say once what is wrong with it."""
        if self._told != fault.says:
            self._told = fault.says
            _LOG.warning("The Qdrant server at %s %s: %s is asked instead.", self.url, fault.says, instead)

    def is_well(self) -> None:
        """Let what goes wrong from now on be told again."""
        self._told = ""

    def close(self) -> None:
        """End its connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


class Nodes:
    """The nodes of one cluster, for all threads.

    Args:
        nodes: In the order in which they are asked; at least one.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.all = tuple(nodes)
        self.check: Check | None = None
        self._current = 0
        self._moving = threading.Lock()

    @classmethod
    def of(cls, client: Any) -> Nodes:
        """A single one that is open."""
        return cls([Node("", lambda seconds: client)])

    @property
    def current(self) -> Node:
        """The node in use."""
        return self.all[self._current]

    def require(self, check: Check) -> None:
        """Let `check` see every node but the one in use before it is used; it raises `UnfitError`."""
        self.current.passes(check)
        self.check = check

    def leave(self, node: Node) -> bool:
        """Use the next node from now on; False when another thread has moved on from this one already."""
        with self._moving:
            is_here = self.current is node
            if is_here:
                self._current = (self._current + 1) % len(self.all)
            return is_here

    def close(self) -> None:
        """End all connections."""
        for node in self.all:
            node.close()


class Round(Generic[T]):
    """The way of one request through the nodes: each is asked once before any is asked again.

    Args:
        nodes: Of the cluster.
        request: Of the client library's object; may be run many times.
        seconds: That all of it may take.
    """

    def __init__(self, nodes: Nodes, request: Callable[[Any], T], seconds: float) -> None:
        self._nodes = nodes
        self._request = request
        self._node = nodes.current
        self._faults: dict[str, Fault] = {}
        self._said: dict[str, Fault] = {}
        share = seconds / (len(nodes.all) + 1)  # a node that hangs leaves as much to each of the others, and to spare
        self._look = min(_LOOK, share / 2) if len(nodes.all) > 1 else None

    @property
    def look(self) -> float | None:
        """Seconds after which the node is asked whether it is there; None to wait for it as long as there is time."""
        return self._look

    def ask(self) -> T:
        """The answer of the node whose turn it is."""
        node = self._node
        answer = self._request(node.client(self._look, self._nodes.check))
        node.is_well()
        return answer

    def alive(self) -> bool:
        """Whether the node whose turn it is answers anything at all."""
        return self._look is None or self._node.answers(self._look)

    def after(self, fault: Fault, seconds: float) -> Fault | None:
        """What to make of a fault: None to ask the next node at once; else what is wrong, with all of them if it is.

        Args:
            fault: Of the node whose turn it is.
            seconds: That the attempt had. Where the end of all cut it short, what the node said before tells more.
        """
        node = self._node
        if fault.late and seconds < _FAIR:
            fault = self._said.get(node.url, fault)
        fault = self._said[node.url] = replace(fault, where=node.url)
        if len(self._nodes.all) == 1 or not fault.elsewhere:
            return fault
        self._faults[node.url] = fault
        is_first_to_leave = self._nodes.leave(node)
        left = [one for one in self._nodes.all if one.url not in self._faults]
        self._node = self._nodes.current if self._nodes.current in left or not left else left[0]
        if left:
            if is_first_to_leave:
                node.tell(fault, self._node.url)
            return None
        whole = _together(self._faults)
        self._faults.clear()
        self._look = None  # all were looked at: from now on they are waited for
        return whole


def _together(faults: Mapping[str, Fault]) -> Fault:
    """One fault of all nodes; it may pass when one of theirs may."""
    first, *others = faults.values()
    passing = [fault for fault in faults.values() if fault.transient]
    waits = [fault.wait for fault in passing if fault.wait is not None]
    return replace(
        first,
        says=", and the one at ".join([first.says, *(f"{fault.where} {fault.says}" for fault in others)]),
        transient=bool(passing),
        wait=min(waits) if waits and len(waits) == len(passing) else None,
        refused=all(fault.refused for fault in faults.values()),
    )
