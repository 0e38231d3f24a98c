"""Servers for assistants, on the small index and on copies of it that may be changed."""

from contextlib import ExitStack

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


@pytest.fixture(scope="module")
def keeping():
    """Keeps indexes of folders for a module's tests."""
    with ExitStack() as last:

        def keep(folder, **how):
            kept = KeptIndex(FolderPlace(folder, wait=60), **how)
            last.callback(kept.close)
            return kept

        yield keep


@pytest.fixture(scope="module")
def kept(indexed, keeping, tmp_path_factory):
    """A copy of the index that a module's tests read."""
    return keeping(copy_index(indexed, tmp_path_factory.mktemp("kept") / "index"))


@pytest.fixture
def server(kept):
    """Read-only."""
    return server_of(kept)


def server_of(kept, llm=None, roots=None, may_remove=False):
    return AssistantServer(Tools(kept, llm, Roots(roots) if roots else None, may_remove))
