"""Who reads and embeds the pages of an ingest: processes of this machine, or a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from vrag.embedders.base import Embedder
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers

_AHEAD = 12  # pages in flight for each worker: enough that a slow one holds nobody up


@contextmanager
def page_source(
    ray: str | None, workers: int | None, embedder: Embedder, spec: PageSpec
) -> Iterator[tuple[PageWorkers, Embedder, int]]:
    """What reads pages, what embeds them, and how many pages to ask for at once.

    Args:
        ray: Address of a Ray cluster, "local" for one on this machine, None for none.
        workers: Processes that read pages on this machine; one a core by default.
        embedder: The index's model.
        spec: What is needed of a page.
    """
    if ray is None:
        count = workers or os.cpu_count() or 1
        with PageWorkers(spec, count) as pool:
            yield pool, embedder, count * _AHEAD
        return
    from vrag.fleet.fleet import Fleet

    with Fleet(ray, embedder, spec) as fleet:
        yield fleet, fleet.embedder, fleet.in_flight
