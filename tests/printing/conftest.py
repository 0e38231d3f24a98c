"""Prints of a test are kept in a folder of its own."""

import pytest

from vrag.printing.printed import FOLDER_ENV


@pytest.fixture(autouse=True)
def prints(tmp_path, monkeypatch):
    """Where prints are kept; not there yet."""
    monkeypatch.setenv(FOLDER_ENV, str(tmp_path / "prints"))
    return tmp_path / "prints"
