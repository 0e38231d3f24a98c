"""Workers of a cluster that a command starts run what is installed, not what lies where it was started."""

import pytest

import vrag
from vrag.ingest.fleet.fleet import connect

ray = pytest.importorskip("ray", reason="needs Ray: pip install -e '.[ray]'")
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_package_in_the_current_directory_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "vrag").mkdir()
    (tmp_path / "vrag" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    ray.shutdown()  # another module's
    try:
        connect("local")
        imported = ray.remote(lambda: __import__("vrag").__file__)
        assert ray.get(imported.remote()) == vrag.__file__
    finally:
        ray.shutdown()
