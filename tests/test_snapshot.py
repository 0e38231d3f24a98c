"""Snapshots: an index in one file, and back, or a sentence."""

import gzip
import io
import json
import shutil
import tarfile

import pytest

from vrag import Index
from vrag.errors import StoreError, UsageError
from vrag.snapshot import LIST, create_snapshot, restore_snapshot


@pytest.fixture
def folder_of_index(indexed, tmp_path):
    return shutil.copytree(indexed, tmp_path / "i")


@pytest.fixture
def file(folder_of_index, tmp_path):
    create_snapshot(folder_of_index, tmp_path / "s.tar.gz")
    return tmp_path / "s.tar.gz"


def test_what_is_restored_answers_the_same(folder_of_index, file, tmp_path):
    report = restore_snapshot(file, tmp_path / "new" / "r")
    assert report.files > 3
    with Index.open(folder_of_index) as one, Index.open(tmp_path / "new" / "r") as other:
        assert one.search("krill") == other.search("krill")
        assert one.page_count == other.page_count == 5


def test_the_index_stays_usable_and_no_draft_is_left(folder_of_index, file, tmp_path):
    Index.open(folder_of_index).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["i", "s.tar.gz"]


def test_nothing_is_written_over(folder_of_index, file, tmp_path):
    with pytest.raises(UsageError, match="exists"):
        create_snapshot(folder_of_index, file)
    with pytest.raises(UsageError, match="something in"):
        restore_snapshot(file, folder_of_index)
    (tmp_path / "empty").mkdir()
    restore_snapshot(file, tmp_path / "empty")


def test_an_index_in_use_is_not_copied(folder_of_index, tmp_path):
    with Index.open(folder_of_index), pytest.raises(StoreError):
        create_snapshot(folder_of_index, tmp_path / "s.tar.gz")
    assert not (tmp_path / "s.tar.gz").exists()


def test_every_flipped_byte_in_the_middle_is_noticed(file, tmp_path):
    data = file.read_bytes()
    for place in range(1, 10):
        at = len(data) * place // 10
        (tmp_path / "bad").write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        with pytest.raises(StoreError, match=r"damaged|no snapshot|not a snapshot"):
            restore_snapshot(tmp_path / "bad", tmp_path / "r")
        assert not (tmp_path / "r").exists()


def test_a_snapshot_cut_short_is_noticed(file, tmp_path):
    (tmp_path / "bad").write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(StoreError, match="damaged"):
        restore_snapshot(tmp_path / "bad", tmp_path / "r")
    assert not list(tmp_path.glob(".r-*"))


def archive(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data, kind in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(data)
            member.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            tar.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil", tarfile.REGTYPE),
        ("/tmp/evil", tarfile.REGTYPE),
        ("shard/../../evil", tarfile.REGTYPE),
        ("other/evil", tarfile.REGTYPE),
        ("shard/link", tarfile.SYMTYPE),
        ("shard/device", tarfile.CHRTYPE),
        ("shard/unlisted", tarfile.REGTYPE),
    ],
)
def test_a_snapshot_writes_nowhere_but_into_its_folder(tmp_path, name, kind):
    listed = {} if "unlisted" in name else {name: "0" * 64}
    listing = json.dumps({"format": 1, "sha256": listed}).encode()
    file = archive(tmp_path / "s", [(LIST, listing, tarfile.REGTYPE), (name, b"", kind)])
    with pytest.raises(StoreError, match="belongs into no snapshot"):
        restore_snapshot(file, tmp_path / "deep" / "r")
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "deep" / "evil").exists()


@pytest.mark.parametrize("listing", [b"[]", b'{"format": 99}', b"no json"])
def test_other_archives_are_no_snapshots(tmp_path, listing):
    with pytest.raises(StoreError):
        restore_snapshot(archive(tmp_path / "s", [(LIST, listing, tarfile.REGTYPE)]), tmp_path / "r")
    with pytest.raises(StoreError, match="not a snapshot"):
        restore_snapshot(archive(tmp_path / "s", [("x", b"", tarfile.REGTYPE)]), tmp_path / "r")
    (tmp_path / "s").write_bytes(gzip.compress(b"text"))
    with pytest.raises(StoreError):
        restore_snapshot(tmp_path / "s", tmp_path / "r")


def test_snapshots_through_the_command_line(cli, folder_of_index, tmp_path):
    done = cli("snapshot", "create", "s.tar.gz", "--index", folder_of_index, "--json")
    assert done.code == 0, done.err
    assert done.json["bytes"] == (tmp_path / "s.tar.gz").stat().st_size
    back = cli("snapshot", "restore", "s.tar.gz", "--index", "r")
    assert back.code == 0
    assert "every checksum right" in back.out
    assert cli("search", "krill", "--index", "r", "--json").json["hits"][0]["page"] == 2
    assert cli("snapshot", "restore", "missing", "--index", "x").code == 2
