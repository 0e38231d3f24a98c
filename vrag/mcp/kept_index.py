"""The index that assistants ask: asked of whoever has it open, else held here, for others too, while it is used.

An assistant runs all day and asks now and then. So a folder's index is opened for a question, other processes are let
in by the same door as that of `vrag serve`, and it is closed once nobody has asked for a while.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from vrag.errors import StoreError, VragError
from vrag.index import Index
from vrag.mcp.call_bounds import IDLE_S
from vrag.places.place import Place, address_of
from vrag.remote.remote_index import RemoteIndex, served_or
from vrag.serve.serving import serving

if TYPE_CHECKING:
    from vrag.remote.any_index import AnyIndex
    from vrag.serve.service import Service

_LOOKS = 4  # in the time after which it is closed


class KeptIndex:
    """An index that any thread may use; it is open while it is used, and a little longer.

    Args:
        place: Where it is.
        collection: As it was given for the place.
        force: Use it although another model made it, or pages are lost.
        idle_s: Seconds without a call, after which it is closed.
    """

    def __init__(
        self, place: Place, collection: str | None = None, force: bool = False, idle_s: float = IDLE_S
    ) -> None:
        self._place = place
        self._address = address_of(place, collection) if place.folder is None else ""
        self._force = force
        self._idle_s = idle_s
        self._opening = threading.Lock()  # whoever has it opens or closes
        self._counting = threading.Lock()
        self._users = 0
        self._elsewhere: AnyIndex | None = None
        self._service: Service | None = None
        self._held = ExitStack()
        self._closed = threading.Event()

    @contextmanager
    def using(self) -> Iterator[AnyIndex]:
        """The index, which stays open while the block runs.

        Raises:
            VragError: It cannot be opened, or this process ends.
        """
        with self._counting:
            self._users += 1
        try:
            yield self._index()
        finally:
            with self._counting:
                self._users -= 1

    @property
    def is_held(self) -> bool:
        """Whether this process has a folder's index open."""
        return self._service is not None

    def close(self) -> None:
        """Let go of it for good; jobs stop at a page."""
        self._closed.set()
        with self._opening:
            self._let_go()
            if self._elsewhere is not None:
                self._elsewhere.close()

    def _index(self) -> AnyIndex:
        with self._opening:
            if self._closed.is_set():
                raise VragError("vrag mcp is ending.", "Start it again.")
            self._let_go_of_gone()
            if self._place.folder is not None:
                return served_or(self._place, 0.0, self._hold)
            if self._elsewhere is None:
                opened = partial(Index.hold, self._place, self._force)
                self._elsewhere = served_or(self._place, 0.0, opened, self._address)
            return self._elsewhere

    def _let_go_of_gone(self) -> None:
        """Close what is not the index at the place any more: somebody has removed it, or made another one there."""
        if self._service is not None and not self._service.index.is_in_place():
            with suppress(StoreError):  # which says that it is gone
                self._let_go()
        gone = self._elsewhere
        if isinstance(gone, Index) and not gone.is_in_place():
            self._elsewhere = None
            if self._users == 1:  # others may be in the middle of a call
                gone.close()

    def _hold(self) -> RemoteIndex:
        """Open it in this process, which then asks itself by the door that others use."""
        with ExitStack() as last:
            last.callback(setattr, self, "_service", None)  # once it is closed
            self._service = service = last.enter_context(serving(self._place, self._force))
            found = RemoteIndex.find(self._place.folder) if self._place.folder else None
            if found is None:
                raise StoreError("The index is open here, and nobody answers at its door.")
            self._held = last.pop_all()
        threading.Thread(target=self._watch, args=(service,), name="vrag-idle", daemon=True).start()
        return found

    def _watch(self, service: Service) -> None:
        """Close it when nobody has asked for long."""
        while not self._closed.wait(self._idle_s / _LOOKS):
            with self._opening:
                if self._service is not service:
                    return
                if not self._users and service.idle_s >= self._idle_s:
                    self._let_go()
                    return

    def _let_go(self) -> None:
        self._held.close()
        self._held = ExitStack()
