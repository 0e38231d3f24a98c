"""Who reads and embeds the pages of an ingest: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vrag.embedders.protocol import Embedder
from vrag.ingest.shares import Division
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers


@contextmanager
def page_source(
    ray: str | None, shares: Division, embedder: Embedder, spec: PageSpec
) -> Iterator[tuple[PageWorkers, Embedder, int]]:
    """What reads pages, what embeds them, and how many pages to ask for at once.

    Args:
        ray: Address of a Ray cluster, "local" for one on this machine, None for none.
        shares: What processes that read pages on this machine may take.
        embedder: The index's model.
        spec: What is needed of a page.
    """
    if ray is None:
        with PageWorkers(spec, shares.workers, memory_bytes=shares.worker_bytes) as pool:
            yield pool, embedder, shares.in_flight
        return
    from vrag.ingest.fleet.fleet import Fleet

    with Fleet(ray, embedder, spec) as fleet:
        yield fleet, fleet.embedder, fleet.in_flight
