"""Tiny ONNX checkpoints, made once, and embedders that loaded them as a user's would be loaded."""

from functools import cache

import pytest

from tests.embedders.tiny_onnx import make
from vrag.embedders.families import load_embedder
from vrag.embedders.options import ModelOptions


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Folder of the tiny checkpoint of a family, under a name that says nothing."""
    root = tmp_path_factory.mktemp("onnx")

    @cache
    def folder(family):
        return make(family, root / f"{len(family)}")

    return folder


@pytest.fixture(scope="session")
def embedder(checkpoint):
    """The embedder of a family's checkpoint, loaded by name."""

    @cache
    def load(family, **options):
        return load_embedder(str(checkpoint(family)), options=ModelOptions(device="cpu", threads=1, **options))

    return load
