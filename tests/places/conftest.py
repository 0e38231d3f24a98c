import pytest


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """An empty folder to work in, and no place named by the environment."""
    for name in ("QDRANT_URL", "QDRANT_API_KEY", "VRAG_INDEX", "VRAG_COLLECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VRAG_QDRANT_GRPC_PORT", "0")
    monkeypatch.chdir(tmp_path)
