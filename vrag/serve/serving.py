"""Serving an index: it is opened once, and the door is opened by which other processes use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from vrag.index import Index
from vrag.llm.llm import Llm
from vrag.places.place import Place
from vrag.serve.listening import Listener
from vrag.serve.service import Service


@contextmanager
def serving(
    place: Place,
    force: bool = False,
    searches: int | None = None,
    read_only: bool = False,
    llm: Llm | None = None,
) -> Iterator[Service]:
    """The service of an index while the block runs; afterwards its jobs have stopped and the index is closed.

    Args:
        place: Where the index is.
        force: Hold it although another model made it, or pages are lost.
        searches: Searches that compute at the same time; by default one a core.
        read_only: Refuse whatever changes the index.
        llm: Writes answers.

    Raises:
        BusyError: Another process has the index open.
    """
    with ExitStack() as last:
        index = Index.hold(place, force)
        service = Service(index, searches, read_only, llm)
        last.callback(service.close)
        if index.path is not None:  # a server lets everybody in by itself
            listener = Listener(service, index.path)
            last.callback(listener.close)
            last.callback(service.jobs.stop)
            last.callback(index.announce, "")  # whoever comes from now on waits for the end
            index.announce(listener.at)
        yield service
