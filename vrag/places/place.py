"""Where an index is: a folder on this machine, or a collection on a Qdrant server.

An index explains itself: its facts lie beside its pages, in `index.json` of the folder or in one
record of the collection, so any machine opens it by its place alone. Choosing a place loads nothing of engine or model.
"""

from __future__ import annotations

import os
import shlex
import shutil
import uuid
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from vrag.errors import IndexExistsError, IndexMismatchError, UsageError
from vrag.places.leftovers import find_stranger, forget_bits
from vrag.places.swap import finish_interrupted_swap
from vrag.runtime.parsing import MalformedError, parse_json, read_text
from vrag.runtime.pathtext import shown
from vrag.settings import INDEX_ENV, INDEX_FILE, INDEX_NAME, SHARD, find_index, index_for_writing, is_index
from vrag.store.interface import Record, Selection
from vrag.store.server.address import URL_ENV, Server, collection_name

if TYPE_CHECKING:
    from vrag.places.facts import Facts
    from vrag.store.interface import Store, VectorField
    from vrag.store.layout import ServerLayout
    from vrag.store.server.connect import Connection
    from vrag.store.server.state import ServerState

FACTS_ID = "00000000-0000-5000-8000-000000000001"
INDEX = "index"
MADE = "made"  # key of a number that no other index has, though it be a copy


class Place(Protocol):
    """A place that holds an index, or may come to hold one."""

    @property
    def name(self) -> str:
        """What people call it: the folder, or the server's address with the collection."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder of an embedded index; None on a server."""
        ...

    @property
    def collection(self) -> str | None:
        """The collection on a server; None of a folder."""
        ...

    def holds_index(self) -> bool:
        """Whether a whole index is there."""
        ...

    def require_free(self) -> None:
        """Look whether an index can be made here.

        Raises:
            UsageError: There is one, or what is there is somebody else's.
        """
        ...

    def facts(self) -> Facts:
        """What the index says of itself.

        Raises:
            UsageError: There is none.
            IndexMismatchError: The facts are damaged or of another format.
        """
        ...

    def write_facts(self, facts: Facts) -> None:
        """Replace what the index says of itself, in one step: whoever reads it reads all of it, old or new."""
        ...

    def create(
        self, facts: Facts, fields: Sequence[VectorField], keys: Mapping[str, str], layout: ServerLayout
    ) -> Store:
        """Make an index; its facts are written last, so a place with facts holds a whole one."""
        ...

    def open(self, fields: Sequence[VectorField], layout: ServerLayout) -> Store:
        """The store of the index that is there."""
        ...

    def server_state(self) -> ServerState | None:
        """What the server says of itself and of the index; None for a folder."""
        ...


AnyPlace: TypeAlias = str | os.PathLike[str] | list[str] | tuple[str, ...] | Place


class FolderPlace:
    """A folder with Qdrant Edge in it.

    Args:
        folder: Made when it is missing.
        wait: Seconds to wait for another process that has the index open.
    """

    collection = None

    def __init__(self, folder: str | os.PathLike[str], wait: float = 0.0) -> None:
        self._folder = Path(os.path.abspath(folder))  # as an ingest writes paths: without `..`
        self.wait = wait

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._folder)

    @property
    def folder(self) -> Path:
        """The folder, absolute."""
        return self._folder

    def holds_index(self) -> bool:
        """Whether the folder has an `index.json`."""
        return is_index(self._folder)

    def require_free(self) -> None:
        """Nothing is in the folder but what a try at making an index has left."""
        _require_no_index(self)
        stranger = find_stranger(self._folder)
        if stranger is not None:
            raise UsageError(
                f"{self._folder} is no index, and there is something in it: {shown(stranger)}.",
                f"Name a new or empty folder for the index: --index {shlex.quote(str(self._folder / INDEX_NAME))}",
            )

    def facts(self) -> Facts:
        """What `index.json` says, after a repooling that was cut off at its end is finished."""
        from vrag.places.facts import Facts

        finish_interrupted_swap(self._folder, self.wait)
        file = self._folder / INDEX_FILE
        if not self.holds_index():
            raise UsageError(
                f"No index at {self._folder}.", f"Make one with: vrag ingest FOLDER --index {self._folder}"
            )
        try:
            value = parse_json(read_text(file))
        except MalformedError as error:
            raise IndexMismatchError(f"{file} is damaged: {error}.", "Ingest into a new folder.") from error
        return Facts.from_json(value, str(file))

    def write_facts(self, facts: Facts) -> None:
        """A new `index.json` in the place of the old one."""
        from vrag.places.facts import write_facts

        write_facts(self._folder, facts)

    def create(
        self, facts: Facts, fields: Sequence[VectorField], keys: Mapping[str, str], layout: ServerLayout
    ) -> Store:
        """A new shard and its `index.json`; what a crash left of an earlier try is removed first."""
        from vrag.bits.beside import BitsStore
        from vrag.places.facts import write_facts

        self.require_free()
        shard = self._folder / SHARD
        if shard.is_dir():
            shutil.rmtree(shard)
        store = BitsStore.create(shard, fields, dict(keys))
        write_facts(self._folder, facts)
        return store

    def open(self, fields: Sequence[VectorField], layout: ServerLayout) -> Store:
        """The shard; `StoreError` when another process has it."""
        from vrag.bits.beside import BitsStore

        store = BitsStore.open(self._folder / SHARD, fields)
        store.outdated = partial(forget_bits, self._folder)
        return store

    def server_state(self) -> None:
        """None: there is no server."""


class ServerPlace:
    """A collection on a server."""

    folder = None

    def __init__(self, server: Server, collection: str) -> None:
        self.server = server
        self.collection = collection

    @property
    def name(self) -> str:
        """The address or addresses, without any key, and the collection."""
        return f"{self.server.urls}, collection {self.collection}"

    def holds_index(self) -> bool:
        """Whether the collection is there with the facts of an index."""
        return self._facts_record() is not None

    def require_free(self) -> None:
        """There is no index; that a collection holds somebody else's points is seen when one is made."""
        _require_no_index(self)

    def facts(self) -> Facts:
        """What the record of facts says."""
        from vrag.places.facts import Facts

        record = self._facts_record()
        if record is None:
            hint = f"Make one with: vrag ingest FOLDER --url {self.server.urls} --collection {self.collection}"
            raise UsageError(f"No index at {self.name}.", hint)
        return Facts.from_json(record.payload.get("facts"), f"The index at {self.name}")

    def write_facts(self, facts: Facts) -> None:
        """New facts in the place of the old ones, in their record."""
        from vrag.store.server.server import ServerStore

        store = ServerStore(self._connection, self.collection, ())
        store.set_payload(Selection(ids=frozenset((FACTS_ID,))), {"facts": facts.to_json()})

    def create(
        self, facts: Facts, fields: Sequence[VectorField], keys: Mapping[str, str], layout: ServerLayout
    ) -> Store:
        """The collection and its record of facts; an unfinished one is finished, a stranger's is left alone."""
        from vrag.store.server.server import ServerStore

        store = ServerStore.create(self._connection, self.collection, fields, keys, layout)
        if store.count(Selection()):
            raise UsageError(
                f"The collection {self.collection!r} at {self.server.url} holds points, and no vrag index.",
                "Use another one: --collection NAME.",
            )
        store.upsert([Record(FACTS_ID, {"kind": INDEX, "facts": facts.to_json(), MADE: uuid.uuid4().hex})])
        self._facts_record()
        return store

    def open(self, fields: Sequence[VectorField], layout: ServerLayout) -> Store:
        """The collection."""
        from vrag.store.server.server import ServerStore

        return ServerStore(self._connection, self.collection, fields, layout)

    def server_state(self) -> ServerState:
        """As the node in use says it."""
        from vrag.store.server.state import read_state

        return read_state(self._connection, self.collection)

    @cached_property
    def _connection(self) -> Connection:
        from vrag.store.server.connect import connect

        return connect(self.server)

    def _facts_record(self) -> Record | None:
        from vrag.store.server.server import ServerStore

        store = ServerStore(self._connection, self.collection, ())
        if not store.exists():
            return None
        record = store.fetch([FACTS_ID]).get(FACTS_ID)
        if record is not None:
            self._connection.nodes.require(partial(self._require_same, record.payload.get(MADE)))
        return record

    def _require_same(self, made: object, client: Any) -> None:
        """Refuse a node that has not this index, which is no node of its cluster; `made` is the index's `MADE`."""
        from vrag.store.server.server_faults import UnfitError

        found = client.retrieve(self.collection, [FACTS_ID], with_payload=[MADE], with_vectors=False)
        if not found or (made is not None and (found[0].payload or {}).get(MADE) != made):
            hint = "Name nodes of one cluster, and no server of its own."
            raise UnfitError(f"has another index in the collection {self.collection!r}, or none", hint)


def choose_place(
    index: Path | None = None,
    url: str | Sequence[str] | None = None,
    collection: str | None = None,
    timeout: float | None = None,
    wait: float = 0.0,
    writing: bool = False,
    server: bool = False,
) -> Place:
    """The place a command works on.

    The first that is given: `index` or `url`, `VRAG_INDEX`, `QDRANT_URL`, and else the nearest `.vrag` upward.

    Args:
        index: Folder.
        url: A server's address, or several of one cluster, as `Server.from_environment` takes them; the key comes from
            `QDRANT_API_KEY` alone, since others can read a command line.
        collection: On the server; `VRAG_COLLECTION` or "vrag" by default.
        timeout: Seconds a server has to answer.
        wait: Seconds to wait for another process that has the folder open.
        writing: Whether an index may be made where there is none.
        server: Only a server will do.

    Raises:
        UsageError: Folder and server are both given, or there is no index.
    """
    if index is not None and url:
        raise UsageError("--index is a folder and --url a server: give one of them.")
    from_environment = index is None and not os.environ.get(INDEX_ENV) and bool(os.environ.get(URL_ENV))
    if url or from_environment or server:
        return ServerPlace(Server.from_environment(url, timeout), collection_name(collection))
    if collection is not None:
        raise UsageError("--collection is a server's.", f"Name the server with --url, or set {URL_ENV}.")
    return FolderPlace(index_for_writing(index) if writing else find_index(index), wait)


def as_place(place: AnyPlace, collection: str | None = None, wait: float = 0.0) -> Place:
    """A place from what programs write: a folder, or `http://` or `https://` addresses of a server or of a cluster."""
    if isinstance(place, (list, tuple)) or (isinstance(place, str) and place.startswith(("http://", "https://"))):
        return ServerPlace(Server.from_environment(place), collection_name(collection))
    return FolderPlace(place, wait) if isinstance(place, (str, os.PathLike)) else place


def address_of(place: Place, collection: str | None) -> str:
    """The address where a service may be instead of a Qdrant server: it is the only one, and no collection is named.

    Args:
        place: From `choose_place`.
        collection: As it was given there.
    """
    if not isinstance(place, ServerPlace) or place.server.others or collection is not None:
        return ""
    return place.server.url


def _require_no_index(place: Place) -> None:
    if place.holds_index():
        raise IndexExistsError(f"There is an index at {place.name} already.", "Open it, or choose another place.")
