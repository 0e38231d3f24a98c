"""Tiny checkpoints, made once, and embedders that loaded them as a user's would be loaded."""

import os
from functools import cache
from importlib.util import find_spec

import pytest

from tests.embedders.tiny_checkpoints import FAMILIES, make
from vrag.embedders.options import ModelOptions

LATE = [name for name in FAMILIES if name.startswith("col")]
DENSE = [name for name in FAMILIES if name.startswith("bi")]


def pytest_collection_modifyitems(items):
    """Without the extra these tests are skipped and say so; where they must run, a missing extra is an error."""
    ours = [item for item in items if "tests/embedders/colpali/" in item.path.as_posix()]
    for mark in _marks():
        for item in ours:
            item.add_marker(mark)


def _marks():
    # torch, transformers and peft warn of each other's future.
    later = [pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("DeprecationWarning", "FutureWarning")]
    if find_spec("colpali_engine") or os.environ.get("VRAG_NEED_COLPALI"):
        return later
    return [*later, pytest.mark.skip(reason="needs the extra: make test-colpali installs it and runs these")]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Folder of the tiny checkpoint of a family."""
    root = tmp_path_factory.mktemp("checkpoints")

    @cache
    def folder(family):
        return make(family, root / family)

    return folder


@pytest.fixture(scope="session")
def embedder(checkpoint):
    """The embedder of a family's checkpoint, loaded by name."""
    from vrag.embedders.families import load_embedder

    @cache
    def load(family, **options):
        return load_embedder(str(checkpoint(family)), options=ModelOptions(device="cpu", **options))

    return load
