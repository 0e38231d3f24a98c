"""Starting the client library sooner than it starts by itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

_UNUSED = "fastembed"  # with which the library could make vectors; loading it takes longer than a search
_is_left_out = False


def load_client() -> None:
    """Load the client library without `fastembed`, which stays to be had by whoever imports it otherwise.

    For a process of one command: in any other somebody may use the library beside vrag, and want that of it.
    """
    global _is_left_out
    _is_left_out = True
    with starting():
        import_module("vrag.store.server.server")


@contextmanager
def starting() -> Iterator[None]:
    """Around what the library does at its start: it looks for `fastembed` when it is loaded, and for every client."""
    if not _is_left_out or _UNUSED in sys.modules:
        yield
        return
    sys.modules[_UNUSED] = None  # type: ignore[assignment]  # as if it were not installed
    try:
        yield
    finally:
        del sys.modules[_UNUSED]
