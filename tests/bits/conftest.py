import pytest

from vrag.bits.kernels import compiled


@pytest.fixture(params=["numba", "numpy"])
def engine(request, monkeypatch):
    """Every test of scores runs with the compiled kernels and with those in numpy."""
    chosen = compiled._load() if request.param == "numba" else None
    monkeypatch.setattr(compiled, "kernels", lambda: chosen)
    return request.param


@pytest.fixture(autouse=True)
def _no_compiler(monkeypatch):
    """No test leaves a process behind."""
    monkeypatch.setattr("vrag.bits.beside.compile_in_background", lambda: None)
