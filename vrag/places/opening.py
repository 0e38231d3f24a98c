"""Opening an index: the model it was made by, its lock, its store, and the packed bits beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vrag.embedders.families import ModelOptions, load_embedder
from vrag.embedders.protocol import Embedder, Fingerprint
from vrag.errors import IndexMismatchError
from vrag.pipeline.pipeline import CONTEXT, Pipeline, make_pipeline
from vrag.places.facts import Facts
from vrag.places.leftovers import CACHE
from vrag.places.place import FolderPlace, Place
from vrag.places.swap import finish_swap
from vrag.runtime.lock import IndexLock
from vrag.store.interface import Store
from vrag.store.limits import check_pages_fit


class ChangedMeanwhileError(Exception):
    """The index is another one than before the wait for its lock."""


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


def choose_model(place: Place, recipe: Pipeline, options: ModelOptions | None) -> tuple[Facts, Pipeline, Embedder]:
    """What a new index will say of itself, its recipe, and the recipe's model.

    Args:
        place: Of the index.
        recipe: With its model in it.
        options: How to run the model.

    Raises:
        ModelError: The model cannot be loaded.
        UsageError: The place is a server that does not take pages of that many vectors.
    """
    embedder = load_embedder(recipe.model, options=options)
    if place.folder is None:
        check_pages_fit(recipe.model, embedder.max_rows, embedder.dim)
    return Facts(recipe.name, recipe.source, embedder.fingerprint(), embedder.dim), recipe, embedder


def load_model(place: Place, facts: Facts, options: ModelOptions | None, force: bool) -> tuple[Pipeline, Embedder]:
    """The recipe of an index, and the model it was made by.

    Args:
        place: Of the index.
        facts: Of the index.
        options: How to run the model here; what vectors depend on is taken from the index.
        force: Take the model at hand although it is not the one that made the index.

    Raises:
        IndexMismatchError: It is not, and `force` is not given.
    """
    recipe = make_pipeline(facts.pipeline, facts.table, place.name)
    embedder = load_embedder(recipe.model, options=(options or ModelOptions()).of_index(facts.fingerprint.facts))
    differences = facts.fingerprint.differences(embedder.fingerprint())
    if differences and not force:
        raise IndexMismatchError(
            f"The index at {place.name} was made by another model: {'; '.join(differences)}.",
            "Make a new index, or search anyway with --force (force=True).",
        )
    return recipe, embedder


def reopen_store(place: Place, facts: Facts, recipe: Pipeline, incomplete: bool) -> Store:
    """The store of an index that is locked by now, as `open_store` gives it.

    Args:
        place: Of the index.
        facts: Of the index, as read before it was locked.
        recipe: As the facts say.
        incomplete: As for `open_store`.

    Raises:
        ChangedMeanwhileError: Whoever had the lock before has given the index another recipe.
    """
    if place.folder is not None and place.facts() != facts:
        raise ChangedMeanwhileError
    return open_store(place, recipe, facts.dim, incomplete)


def open_store(place: Place, pipeline: Pipeline, dim: int, incomplete: bool = False) -> Store:
    """The store of the index at a place.

    Args:
        place: Where it is.
        pipeline: The index's recipe.
        dim: Of its vectors.
        incomplete: Open it although documents or pages that were stored are gone.

    Raises:
        StoreError: They are, or the store cannot be opened.
    """
    store = place.open(pipeline.schema(dim), pipeline.server)
    if place.folder is None or incomplete:
        return store
    from vrag.store.manifest import require_whole

    try:
        require_whole(store, place.name)
    except BaseException:
        store.close()
        raise
    return store


def keep_bits(store: Store, place: Place, pipeline: Pipeline, embedder: Embedder, model: Fingerprint) -> None:
    """Let an embedded store keep packed bits of the recipe's multivectors beside the shard; a server keeps none.

    Args:
        store: Just opened.
        place: Where it is.
        pipeline: The index's recipe.
        embedder: Its mean vector is what bits are taken around.
        model: Of the vectors that are stored.
    """
    from vrag.bits.beside import BitsStore
    from vrag.bits.cache import BitCache
    from vrag.bits.contents import Layout

    if place.folder is not None and isinstance(store, BitsStore):
        fields = [field for field in pipeline.schema(embedder.dim) if field.name != CONTEXT]  # no page has that one
        confirmed = pipeline.cascade(None).confirmed
        layout = Layout(
            {field.name: field.dim for field in fields if field.kind == "multi"},
            {"model": model.digest, "vectors": dict(pipeline.source.get("vectors", {}))},
            embedder.mean,
            {name: bits for name, bits in pipeline.bits.items() if bits > 1},
            [confirmed] if confirmed else [],
            [field.name for field in fields if field.kind == "sparse"],
        )
        store.bits = BitCache(place.folder / CACHE / "bits", layout)
