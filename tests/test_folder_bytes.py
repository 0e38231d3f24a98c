"""Sizes on disk."""

from vrag.settings import folder_bytes


def test_sparse_files_count_what_they_take(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "full").write_bytes(b"x" * 1_000_000)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(50_000_000)
    assert 900_000 < folder_bytes(tmp_path) < 10_000_000
    assert folder_bytes(tmp_path / "nowhere") == 0
