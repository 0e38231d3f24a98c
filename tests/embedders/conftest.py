from __future__ import annotations

import pytest

from vrag.embedders.builtin import BuiltinEmbedder


@pytest.fixture(scope="session")
def builtin() -> BuiltinEmbedder:
    return BuiltinEmbedder(threads=2)
