"""Whether a server merges and indexes a collection's segments: not while much is written, which it would do again and
again, and read most of what is there each time.

A collection whose loader has died is left with it off, and is searched as before, only more slowly; whoever opens it to
write, or ends an ingest, switches it on. Being off is the collection's own setting (`max_optimization_threads` is 0),
so that every process sees it, and it changes nothing of when a write is acknowledged.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from qdrant_client import models

from vrag.errors import StoreError
from vrag.runtime.budget import budget

_SECONDS = 10.0  # that switching it on may take when a load ends; else the next writer does it
_LOG = logging.getLogger("vrag")


class Indexing:
    """Of one collection.

    Args:
        call: Runs a request, given the client and told what it does.
        collection: Its name.
    """

    def __init__(self, call: Callable[[Callable[[Any], Any], str], Any], collection: str) -> None:
        self._call = call
        self._collection = collection
        self._is_known = False  # that it is on, or off by us
        self._loads = 0  # of ours, under way
        self._lock = threading.Lock()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Off while the block runs; where the key at hand does not allow that, it stays on."""
        is_off = False
        with suppress(StoreError):
            self._switch(on=False)
            is_off = self._is_known = True
        with self._lock:
            self._loads += is_off
        try:
            yield
        finally:
            with self._lock:
                self._loads -= is_off
            if is_off:
                self._switch_on_soon()

    def ensure(self) -> None:
        """Switch it on, if it was left off, and the key at hand allows that; asks the server once."""
        if self._is_known:
            return
        with self._lock:
            if not self._is_known and self._is_off():
                self._go_on()
            self._is_known = True

    def look_again(self) -> None:
        """As `ensure`, of what another loader may have left since: who is open for long writes much, and asks once."""
        if not self._loads:
            self._is_known = False
            self.ensure()

    def _go_on(self) -> None:
        try:
            self._switch(on=True)
        except StoreError as error:
            _LOG.warning("The server does not index %r, and cannot be told to: %s", self._collection, error.message)
        else:
            _LOG.warning(
                "The server had stopped to index %r, as a load that was cut off leaves it: it goes on now.",
                self._collection,
            )

    def _is_off(self) -> bool:
        return is_off(self._call(lambda c: c.get_collection(self._collection), "connecting"))

    def _switch_on_soon(self) -> None:
        try:
            with budget(_SECONDS):
                self._switch(on=True)
        except StoreError as error:
            _LOG.warning(
                "The server does not index %r until somebody writes to it again: %s", self._collection, error.message
            )

    def _switch(self, on: bool) -> None:
        threads = models.MaxOptimizationThreadsSetting.AUTO if on else 0
        change = models.OptimizersConfigDiff(max_optimization_threads=threads)
        doing = "switching its indexing on" if on else "switching its indexing off"
        self._call(lambda c: c.update_collection(self._collection, optimizers_config=change), doing)


def is_off(info: Any) -> bool:
    """Whether it is off, by what the server says of the collection."""
    return bool(info.config.optimizer_config.max_optimization_threads == 0)
