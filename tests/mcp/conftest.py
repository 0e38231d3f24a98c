"""Servers for assistants, on the small index and on copies of it that may be changed."""

from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conftest import copy_index
from vrag.mcp.changing_tools import Roots
from vrag.mcp.kept_index import KeptIndex
from vrag.mcp.mcp_server import AssistantServer
from vrag.mcp.tools import Tools
from vrag.places.place import FolderPlace


@pytest.fixture
def own(indexed, tmp_path):
    """A copy of the index of two documents."""
    return copy_index(indexed, tmp_path / "own")


@pytest.fixture
def keeping():
    """Keeps indexes of folders for a test."""
    with ExitStack() as last:
        yield lambda folder, **how: last.enter_context(kept_at(folder, **how))


@pytest.fixture(scope="module")
def kept(indexed, tmp_path_factory):
    """A copy of the index that a module's tests read."""
    with kept_at(copy_index(indexed, tmp_path_factory.mktemp("kept") / "index")) as kept:
        yield kept


@pytest.fixture
def server(kept):
    """Read-only."""
    return server_of(kept)


def server_of(kept, llm=None, roots=None, may_remove=False):
    return AssistantServer(Tools(kept, llm, Roots(roots) if roots else None, may_remove))


@contextmanager
def kept_at(folder, **how):
    """The index of a folder, or of any place."""
    kept = KeptIndex(FolderPlace(folder, wait=60) if isinstance(folder, Path) else folder, **how)
    try:
        yield kept
    finally:
        kept.close()
