"""Commands as they run while a service holds the index: a service is there before each command that would open it.

`pytest --served` runs a test that way. It starts the real service in this process, and the command finds it by its
socket, as any other process would; it ends when the command has let go of the index.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

from vrag.errors import VragError
from vrag.places.place import FolderPlace
from vrag.remote.remote_index import RemoteIndex
from vrag.serve.serving import serving

_find = RemoteIndex.find


class _Held(RemoteIndex):
    """A remote index whose service ends with it."""

    def __init__(self, found, service):
        super().__init__(found.place, found._channel)
        self._service = service

    def close(self):
        self._service.close()


def _find_or_serve(folder):
    found = _find(folder)
    if found is not None or not FolderPlace(folder).holds_index():
        return found
    service = ExitStack()
    try:
        service.enter_context(serving(FolderPlace(folder)))
    except VragError:  # it cannot be served either; the command says why
        return None
    found = _find(Path(folder))
    assert found is not None, "a service holds the index, and nobody finds it"
    return _Held(found, service)


@contextmanager
def always_served() -> Iterator[None]:
    """Whoever opens an index in the block finds that a service holds it."""
    with patch.object(RemoteIndex, "find", staticmethod(_find_or_serve)):
        yield
