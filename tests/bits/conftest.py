import pytest

from vrag.bits.kernels import compiled
from vrag.bits.kernels.kernel_library import instruction_sets, library_name, load

LIBRARY = load()
SETS = ("compiled",) if LIBRARY is None else instruction_sets(LIBRARY)
MISSING = f"{library_name()} is not there: make it with `python hatch_build.py`"


@pytest.fixture(params=[*SETS, "numpy"])
def instructions(request, monkeypatch):
    """Every test of scores runs in each instruction set of this machine, and in numpy."""
    if request.param == "numpy":
        chosen = None
    else:
        assert LIBRARY is not None, MISSING
        chosen = compiled.Kernels(LIBRARY, request.param)
    monkeypatch.setattr(compiled, "kernels", lambda: chosen)
    return request.param


@pytest.fixture(params=["compiled", "numpy"])
def engine(request, monkeypatch):
    """Tests of what a search does with the scores run in the best instruction set, and in numpy."""
    chosen = compiled.kernels() if request.param == "compiled" else None
    assert (chosen is None) == (request.param == "numpy"), MISSING
    monkeypatch.setattr(compiled, "kernels", lambda: chosen)
    return request.param
