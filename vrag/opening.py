"""What is beside the store of an embedded index while it is open: the lock and the packed bits."""

from __future__ import annotations

from vrag.embedders.base import Embedder, Fingerprint
from vrag.lock import IndexLock
from vrag.pipeline import CONTEXT, Pipeline
from vrag.places import CACHE, Place
from vrag.store.base import Store


def lock_place(place: Place) -> IndexLock | None:
    """The lock of an embedded index, whose folder is made when missing; None for a server, which lets many in.

    Raises:
        StoreError: Another process has it.
    """
    if place.folder is None:
        return None
    place.folder.mkdir(parents=True, exist_ok=True)
    return IndexLock(place.folder).acquire()


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
    from vrag.bits.cache import BitCache
    from vrag.bits.contents import Layout
    from vrag.bits.store import BitsStore

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
