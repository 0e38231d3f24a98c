"""Opening an index: the model it was made by, its lock, its store, and the packed bits beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial

from vrag.catalog.documents import KEYS, Documents
from vrag.catalog.page_bits import PageBits, asks_for_bits
from vrag.catalog.replacing import finish_interrupted
from vrag.catalog.stored import Stored
from vrag.embedders.families import ModelOptions, load_embedder, model_mean
from vrag.embedders.protocol import Embedder
from vrag.pipeline.choosing import choose_pipeline
from vrag.pipeline.pipeline import CONTEXT, Pipeline
from vrag.places.facts import Facts
from vrag.places.leftovers import bits_folder
from vrag.places.place import FolderPlace, Place
from vrag.places.swap import finish_swap
from vrag.runtime.lock import IndexLock
from vrag.store.interface import Store
from vrag.store.limits import check_pages_fit


class _ChangedMeanwhileError(Exception):
    """The index is another one than before the wait for its lock."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a process holds of an index that it has open; any number of its threads use it.

    Args:
        place: Where the index is.
        facts: What it said of itself when it was opened.
        stored: What is there.
        embedder: The model for pages and queries.
        lock: Keeps other processes away from a folder; None for a server, which lets many in.
    """

    place: Place
    facts: Facts
    stored: Stored
    embedder: Embedder
    lock: IndexLock | None


def lock_place(place: Place) -> IndexLock | None:
    """The lock of an embedded index, whose folder is made when missing; None for a server, which lets many in.

    What the process before left half done is finished.

    Raises:
        UsageError: The folder is no index, and what is in it is somebody else's.
        BusyError: Another process has it, and the place's time to wait is over.
    """
    if not isinstance(place, FolderPlace):
        return None
    if not place.holds_index():
        place.require_free()
    place.folder.mkdir(parents=True, exist_ok=True)
    lock = IndexLock(place.folder, place.wait).acquire()
    finish_swap(place.folder)
    return lock


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Nobody else has the index while the block runs; see `lock_place`."""
    lock = lock_place(place)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def create_index(
    place: Place, pipeline: str | Pipeline | None, model: str | None, options: ModelOptions | None
) -> Opened:
    """Make an index and hold it.

    Args:
        place: Where it is to be.
        pipeline: As for `choose_pipeline`.
        model: As for `choose_pipeline`.
        options: How to run the model.

    Raises:
        ModelError: The model cannot be loaded.
        UsageError: There is something at the place, no such pipeline, or a server does not take pages of so many
            vectors.
        BusyError: Another process is making it.
        StoreError: The server cannot be reached or used.
    """
    place.require_free()
    chosen = choose_pipeline(pipeline, model, options)
    embedder = load_embedder(chosen.model, options=options)
    if place.folder is None:
        check_pages_fit(chosen.model, embedder.max_rows, embedder.dim)
    facts = Facts(chosen.name, chosen.source, embedder.fingerprint(), embedder.dim)
    return _hold(place, facts, chosen, embedder, partial(make_store, place, facts, chosen))


def open_index(place: Place, options: ModelOptions | None, force: bool = False, incomplete: bool = False) -> Opened:
    """Open an index and hold it.

    Args:
        place: Where it is.
        options: How to run the model here; what vectors depend on is taken from the index.
        force: Open it although the model at hand is not the one that made it, or pages that were stored are gone.
        incomplete: Open it although pages that were stored are gone.

    Raises:
        UsageError: There is none.
        IndexMismatchError: It was made by another model or format.
        BusyError: Another process, or another `Index` of this one, has the folder open.
        StoreError: Files of the index are lost, or the server cannot be reached.
    """
    while True:
        facts = place.facts()
        pipeline = facts.to_pipeline(place.name)
        embedder = _load_model(place, facts, pipeline, options, force)  # before the lock, which others wait for
        opened = partial(_reopen, place, facts, pipeline, force or incomplete)
        try:
            return _hold(place, facts, pipeline, embedder, opened)
        except _ChangedMeanwhileError:
            continue


def _load_model(place: Place, facts: Facts, pipeline: Pipeline, options: ModelOptions | None, force: bool) -> Embedder:
    """The model an index was made by; with `force` the one at hand, although it is another."""
    embedder = load_embedder(pipeline.model, options=(options or ModelOptions()).of_index(facts.fingerprint.facts))
    if not force:
        hint = "Make a new index, or search anyway with --force (force=True)."
        facts.require_model(embedder.fingerprint(), place.name, hint)
    return embedder


def _reopen(place: Place, facts: Facts, pipeline: Pipeline, incomplete: bool) -> Store:
    """The store of an index that is locked by now, unless whoever had the lock before has changed the index."""
    if place.folder is not None and place.facts() != facts:
        raise _ChangedMeanwhileError
    return open_store(place, pipeline, facts.dim, incomplete)


def _hold(place: Place, facts: Facts, pipeline: Pipeline, embedder: Embedder, get_store: Callable[[], Store]) -> Opened:
    """Lock the place, get the store and finish what a crash interrupted; whatever fails, the place is left unlocked."""
    with ExitStack() as undo:
        lock = lock_place(place)
        if lock is not None:
            undo.callback(lock.release)
        store = get_store()
        undo.callback(store.close)
        shared = place.folder is None
        about = (pipeline, facts.fingerprint.digest, embedder.dim, embedder.mean)
        stored = Stored(store, Documents(store, shared), *about, on_server=shared)
        keep_bits(place, stored)
        finish_interrupted(stored)
        undo.pop_all()
        return Opened(place, facts, stored, embedder, lock)


def make_store(place: Place, facts: Facts, pipeline: Pipeline) -> Store:
    """The store of a new index at a place."""
    store = place.create(facts, pipeline.schema(facts.dim), KEYS, pipeline.server)
    return _with_bits(place, pipeline, facts.dim, store)


def open_store(place: Place, pipeline: Pipeline, dim: int, incomplete: bool = False) -> Store:
    """The store of the index at a place.

    Args:
        place: Where it is.
        pipeline: Of the index.
        dim: Of its vectors.
        incomplete: Open it although documents or pages that were stored are gone.

    Raises:
        StoreError: They are, or the store cannot be opened.
    """
    store = _with_bits(place, pipeline, dim, place.open(pipeline.schema(dim), pipeline.server))
    if place.folder is None or incomplete:
        return store
    from vrag.store.edge.manifest import require_whole

    try:
        require_whole(store, place.name)
    except BaseException:
        store.close()
        raise
    return store


@contextmanager
def opened_store(place: Place) -> Iterator[tuple[Facts, Pipeline, Store]]:
    """What a locked index says of itself, its pipeline and its store, for work that needs no model.

    Raises:
        UsageError: There is no index.
        StoreError: Files of it are lost, or it cannot be opened.
    """
    facts = place.facts()
    pipeline = facts.to_pipeline(place.name)
    with closing(open_store(place, pipeline, facts.dim)) as store:
        yield facts, pipeline, store


def _with_bits(place: Place, pipeline: Pipeline, dim: int, store: Store) -> Store:
    """The store of a server, which writes packed bits with every page where a cascade asks for them; a folder's as is.

    No model is loaded for it: whoever copies or repairs pages writes them too.
    """
    if place.folder is None and asks_for_bits(pipeline):
        from vrag.store.server.server import ServerStore

        if isinstance(store, ServerStore):
            store.derived = PageBits.of(pipeline, dim, model_mean(pipeline.model)).payload
    return store


def keep_bits(place: Place, stored: Stored) -> None:
    """Let an embedded store keep packed bits of its multivectors beside the shard; a server has them with its points.

    Args:
        place: Where it is.
        stored: Just opened.
    """
    from vrag.bits.beside import BitsStore
    from vrag.bits.cache.cache import BitCache
    from vrag.bits.cache.contents import CacheLayout

    store, pipeline = stored.store, stored.pipeline
    if place.folder is not None and isinstance(store, BitsStore):
        fields = [field for field in pipeline.schema(stored.dim) if field.name != CONTEXT]  # no page has that one
        confirmed = pipeline.cascade(None).confirmed
        layout = CacheLayout(
            {field.name: field.dim for field in fields if field.kind == "multi"},
            {"model": stored.model_key, "vectors": dict(pipeline.source.get("vectors", {}))},
            stored.mean,
            {name: bits for name, bits in pipeline.bits.items() if bits > 1},
            [confirmed] if confirmed else [],
            [field.name for field in fields if field.kind == "sparse"],
        )
        store.bits = BitCache(bits_folder(place.folder), layout)
