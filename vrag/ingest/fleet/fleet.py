"""A fleet of Ray actors that read and embed the pages of an ingest.

Pages are asked for one by one and sent in small chunks, a few to an actor at once. A chunk whose actor
died is asked again, page by page, of a new one; a page that has killed several is reported as failed.
Nothing is written here, so whatever dies, the index holds what was acknowledged.
"""

from __future__ import annotations

import logging
import socket
import tempfile
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vrag.embedders.models import WORD_MODELS
from vrag.embedders.protocol import Embedder
from vrag.errors import IndexMismatchError, ModelError, PageError, UsageError
from vrag.ingest.fleet.actor import Attempt, PageActor, Refused
from vrag.ingest.page_source import EmbeddedPage
from vrag.pages.files import where
from vrag.pages.page import PageSpec
from vrag.pages.reader import DocumentInfo
from vrag.pages.workers import PageWorkers

CHUNK = 4  # pages sent at once: what a dying actor costs
DEPTH = 2  # chunks at an actor, so that it never waits for the driver
_OF_WORDS = {model.name for model in WORD_MODELS}  # which want no GPU
_PROBE_S = 5.0
_DEATHS = 3  # of actors before a page is given up


@dataclass(slots=True)
class _Chunk:
    path: Path
    numbers: list[int]
    futures: list[Future[EmbeddedPage]]
    deaths: int = 0


@dataclass(slots=True)
class _Post:
    """One actor and the chunks it has."""

    actor: Any
    waiting: list[Any] = field(default_factory=list)


class RemoteError(Exception):
    """What was raised on a worker, as its traceback says."""


class Fleet:
    """Pages read and embedded on other machines (implements `PageSource`).

    Args:
        address: Of a Ray cluster, or "local" for one on this machine.
        embedder: The driver's own, for queries and facts.
        spec: What is needed of a page.

    Raises:
        UsageError: Ray is not installed or the cluster is not there.
        IndexMismatchError: A worker has another model than the driver.
    """

    def __init__(self, address: str, embedder: Embedder, spec: PageSpec) -> None:
        self._ray = connect(address)
        self._spec, self._model, self._options = spec, embedder.name, embedder.options
        self._files: tuple[Path, Any] | None = None
        self._pending: _Chunk | None = None
        self._queue: list[_Chunk] = []
        self._asked: dict[Any, tuple[_Post, _Chunk]] = {}
        self._turn = threading.RLock()
        self._inspecting = PageWorkers(spec, 1)
        self._posts = [_Post(self._new_actor()) for _ in range(self._slots())]
        mine = embedder.fingerprint()
        for theirs in self._ray.get([post.actor.fingerprint.remote() for post in self._posts]):
            differences = mine.differences(theirs)
            if differences:
                raise IndexMismatchError(
                    f"A Ray worker has another version of the model than this machine: {'; '.join(differences)}.",
                    "Install the same vrag, and the same checkpoint, on all nodes.",
                )

    @property
    def in_flight(self) -> int:
        """Pages to ask for at once."""
        return len(self._posts) * CHUNK * DEPTH

    def inspect(self, path: Path) -> Future[DocumentInfo]:
        """Page count and metadata of a document, read on this machine."""
        return self._inspecting.inspect(path)

    def load(self, path: Path, number: int) -> Future[EmbeddedPage]:
        """Page `number` of a document, embedded somewhere; asking for its result drives the fleet."""
        future = _FleetPage(self)
        with self._turn:
            if self._pending is None or self._pending.path != path or len(self._pending.numbers) == CHUNK:
                self._flush()
                self._pending = _Chunk(path, [], [])
            self._pending.numbers.append(number)
            self._pending.futures.append(future)
            self._send()
        return future

    def drive(self, wanted: Future[EmbeddedPage]) -> None:
        """Take answers until the wanted one is among them."""
        with self._turn:
            self._flush()
            while not wanted.done():
                self._send()
                ready, _ = self._ray.wait(list(self._asked), num_returns=1)
                for reference in ready:
                    self._take(reference)

    def __enter__(self) -> Fleet:
        """This fleet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Let the actors go."""
        self._inspecting.__exit__(kind)
        for post in self._posts:
            self._ray.kill(post.actor)

    def _flush(self) -> None:
        if self._pending is not None:
            self._queue.append(self._pending)
            self._pending = None

    def _send(self) -> None:
        for post in sorted(self._posts, key=lambda post: len(post.waiting)):
            while self._queue and len(post.waiting) < DEPTH:
                chunk = self._queue.pop(0)
                reference = post.actor.embed.remote(self._bytes(chunk.path), chunk.path.suffix, chunk.numbers)
                post.waiting.append(reference)
                self._asked[reference] = (post, chunk)

    def _take(self, reference: Any) -> None:
        post, chunk = self._asked[reference]
        try:
            answers: list[Attempt] = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise ModelError(f"A Ray worker failed: {str(error.cause)[:300]}.") from error
        except self._ray.exceptions.RayError:
            self._replace(post)
            return
        del self._asked[reference]
        post.waiting.remove(reference)
        for future, answer in zip(chunk.futures, answers, strict=True):
            if isinstance(answer, PageError):
                future.set_exception(answer)
            else:
                page, vectors = answer
                future.set_result(EmbeddedPage(page, _raised(vectors) if isinstance(vectors, Refused) else vectors))

    def _replace(self, post: _Post) -> None:
        """An actor died: a new one takes its place, and what it had goes to the front of the queue.

        Only the oldest chunk was being worked on, so only that one may be to blame; it is asked again page by page.
        """
        lost = [self._asked.pop(reference)[1] for reference in post.waiting]
        post.actor, post.waiting = self._new_actor(), []
        self._queue[:0] = [*self._suspects(lost[0]), *lost[1:]]

    def _suspects(self, chunk: _Chunk) -> list[_Chunk]:
        if len(chunk.numbers) == 1 and chunk.deaths + 1 >= _DEATHS:
            place = where(chunk.path, chunk.numbers[0])
            chunk.futures[0].set_exception(PageError(f"{place}: {_DEATHS} workers died of it."))
            return []
        pairs = zip(chunk.numbers, chunk.futures, strict=True)
        return [_Chunk(chunk.path, [number], [future], chunk.deaths + 1) for number, future in pairs]

    def _bytes(self, path: Path) -> Any:
        """The document in the cluster's object store; the last one is kept."""
        if self._files is None or self._files[0] != path:
            self._files = (path, self._ray.put(path.read_bytes()))
        return self._files[1]

    def _new_actor(self) -> Any:
        gpu = 1 if self._ray.cluster_resources().get("GPU", 0) >= 1 and self._model not in _OF_WORDS else 0
        return (
            self._ray.remote(PageActor).options(num_cpus=1, num_gpus=gpu).remote(self._model, self._spec, self._options)
        )

    def _slots(self) -> int:
        """One actor a GPU, or a CPU where there is none or no use for one."""
        resources = self._ray.cluster_resources()
        gpus = 0 if self._model in _OF_WORDS else int(resources.get("GPU", 0))
        return max(1, gpus or int(resources.get("CPU", 1)))


class _FleetPage(Future[EmbeddedPage]):
    """A page of the fleet; waiting for it drives the fleet."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self._fleet = fleet

    def result(self, timeout: float | None = None) -> EmbeddedPage:
        """The page; raises `PageError` when it cannot be had."""
        self._fleet.drive(self)
        return super().result(timeout)


def _raised(refused: Refused) -> ModelError:
    """What a worker's model raised, as far as it survives the way here."""
    error = ModelError(refused.reason)
    error.__cause__ = RemoteError(refused.trace)
    return error


def connect(address: str) -> Any:
    """The ray module, connected to a cluster; one on this machine for "local".

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError("--ray needs Ray.", 'pip install "vrag-toolkit[ray]"') from error
    if not ray.is_initialized():
        try:
            _probe(address)
            quiet: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
            with (
                tempfile.TemporaryDirectory() as empty
            ):  # or workers look for modules in the driver's current directory
                ray.init(address=address, runtime_env={"working_dir": empty}, **quiet)
        except (OSError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"No Ray cluster at {address}: {str(error)[:200]}.", "Use --ray local for one here."
            ) from error
    return ray


def _probe(address: str) -> None:
    """Whether somebody listens at `HOST:PORT` or `ray://HOST:PORT`: Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_PROBE_S).close()
