from __future__ import annotations

import pytest

from vrag.embedders.builtin import BuiltinEmbedder
from vrag.embedders.options import ModelOptions


@pytest.fixture(scope="session")
def builtin() -> BuiltinEmbedder:
    return BuiltinEmbedder(ModelOptions(threads=2))
