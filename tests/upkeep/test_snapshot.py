"""Snapshots: an index in one file, and back, or a sentence."""

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vrag import Index
from vrag.errors import StoreError, UsageError, VragError
from vrag.settings import INDEX_FILE, folder_bytes
from vrag.upkeep.archive import FREE_BYTES, LIST, MOST_FILES, MOST_LIST_BYTES
from vrag.upkeep.snapshot import create_snapshot, restore_snapshot
from vrag.upkeep.sparse_files import add_member, find_parts

NO_SUM = "0" * 64


@pytest.fixture(scope="module")
def whole(indexed, tmp_path_factory):
    """A snapshot of five pages."""
    folder = tmp_path_factory.mktemp("snapshot")
    shutil.copytree(indexed, folder / "i")
    create_snapshot(folder / "i", folder / "s.tar.gz")
    shutil.rmtree(folder / "i")  # a copy without holes
    return folder / "s.tar.gz"


@pytest.fixture
def file(whole, tmp_path):
    return shutil.copy(whole, tmp_path / "s.tar.gz")


@pytest.fixture
def folder_of_index(file, tmp_path):
    restore_snapshot(file, tmp_path / "i")
    return tmp_path / "i"


def test_what_is_restored_answers_the_same(indexed, file, tmp_path):
    report = restore_snapshot(file, tmp_path / "new" / "r")
    assert report.files > 3
    with Index.open(indexed) as one, Index.open(tmp_path / "new" / "r") as other:
        assert one.search("krill") == other.search("krill")
        assert one.page_count == other.page_count == 5


def test_the_index_stays_usable_and_no_draft_is_left(folder_of_index, file, tmp_path):
    Index.open(folder_of_index).close()
    file.unlink()
    create_snapshot(folder_of_index, file)
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
        create_snapshot(folder_of_index, tmp_path / "t.tar.gz")
    assert not (tmp_path / "t.tar.gz").exists()


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
    assert not list(tmp_path.glob(".r*"))


def archive(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data, kind in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(data)
            member.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            tar.addfile(member, io.BytesIO(data))
    return path


def listing(files, version=2):
    return json.dumps({"format": version, "files" if version == 2 else "sha256": files}).encode()


def listed(size, data=None):
    return {"sha256": NO_SUM, "size": size, "data": size if data is None else data}


def header(name, size, kind=tarfile.REGTYPE):
    """A tar header that says anything."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def refused(file, folder, match):
    """The sentence for a file that must leave nothing behind and take no memory."""
    before = sorted(path.name for path in folder.iterdir())
    tracemalloc.start()
    with pytest.raises(StoreError, match=match) as caught:
        restore_snapshot(file, folder / "r")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20
    assert sorted(path.name for path in folder.iterdir()) == before
    return caught.value


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil", tarfile.REGTYPE),
        ("/tmp/evil", tarfile.REGTYPE),
        ("shard/../../evil", tarfile.REGTYPE),
        ("shard//evil", tarfile.REGTYPE),
        ("shard/" + "deep/" * 20 + "evil", tarfile.REGTYPE),
        ("shard\\evil", tarfile.REGTYPE),
        ("other/evil", tarfile.REGTYPE),
        ("lock", tarfile.REGTYPE),
        ("shard/link", tarfile.SYMTYPE),
        ("shard/device", tarfile.CHRTYPE),
        ("shard/unlisted", tarfile.REGTYPE),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_a_snapshot_writes_nowhere_but_into_its_folder(tmp_path, name, kind, version):
    named = [INDEX_FILE] if "unlisted" in name else [INDEX_FILE, name]
    sums = {n: listed(0) if version == 2 else NO_SUM for n in named}
    members = [(LIST, listing(sums, version), tarfile.REGTYPE), (name, b"", kind)]
    refused(archive(tmp_path / "s", members), tmp_path, "belongs into no snapshot")
    assert not (tmp_path / "evil").exists()


def test_a_listing_cannot_have_other_files_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("mine")
    sums = {INDEX_FILE: NO_SUM, str(secret): hashlib.sha256(b"mine").hexdigest()}
    file = archive(tmp_path / "s", [(LIST, listing(sums, 1), tarfile.REGTYPE)])
    secret.chmod(0)
    refused(file, tmp_path, "secret.*belongs into no snapshot")


def gnu_sparse(name, size):
    """163 bytes of gzip that are a file of any size: the old format of GNU's tar."""
    data = bytearray(header(name, 0, tarfile.GNUTYPE_SPARSE))
    data[483:495] = b"%011o\0" % size
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    return bytes(data)


def bomb(path, first, *blocks):
    """A snapshot of a listing and raw blocks."""
    parts = [header(LIST, len(first)), first, bytes(-len(first) % 512), *blocks, bytes(1024)]
    path.write_bytes(gzip.compress(b"".join(parts), 9))
    return path


GIB = 1 << 30


def test_sizes_that_are_not_as_promised_are_not_written(tmp_path, monkeypatch):
    old = listing({INDEX_FILE: NO_SUM, "shard/x": NO_SUM}, 1)
    refused(bomb(tmp_path / "s", old, gnu_sparse("shard/x", 3 * GIB)), tmp_path, "in a form of no snapshot")
    new = listing({INDEX_FILE: listed(9), "shard/x": listed(4096)})
    refused(bomb(tmp_path / "s", new, gnu_sparse("shard/x", 3 * GIB)), tmp_path, "has another size than listed")
    refused(bomb(tmp_path / "s", new, header("shard/x", 3 * GIB)), tmp_path, "has another size than listed")
    refused(bomb(tmp_path / "s", old, header(INDEX_FILE, 3 * GIB)), tmp_path, "in a form of no snapshot")
    large = listing({INDEX_FILE: listed(9), "shard/x": listed(3 * GIB)})
    refused(bomb(tmp_path / "s", large, header("shard/x", 3 * GIB)), tmp_path, "more than it can hold")
    hollow = listing({INDEX_FILE: listed(9), "shard/x": listed(10**15, 0)})
    refused(bomb(tmp_path / "s", hollow), tmp_path, "10{15} bytes, 0 of them full")
    monkeypatch.setattr(
        "vrag.upkeep.archive.SMALL_BYTES", 1 << 20
    )  # else the bomb must be larger than a test has time for
    packed = bomb(tmp_path / "s", old, header("shard/x", 1 << 23), b"A" * (1 << 23))
    assert packed.stat().st_size < 20_000
    refused(packed, tmp_path, "grows over all bounds")


def test_what_the_disk_has_no_room_for_is_refused_before_it_is_written(file, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("vrag.upkeep.archive.shutil.disk_usage", lambda _: usage._replace(free=FREE_BYTES + 1000))
    assert "Make room" in refused(file, tmp_path, "needs . MB, and the disk of .* has 0 MB").hint


def test_headers_and_listings_take_no_memory(tmp_path):
    first = listing({INDEX_FILE: listed(9), "shard/x": listed(9)})
    for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
        refused(bomb(tmp_path / "s", first, header("x", GIB, kind), bytes(1 << 20)), tmp_path, "a header is too large")
    chain = b"".join(header("x", 0, tarfile.XHDTYPE) for _ in range(2000))
    refused(bomb(tmp_path / "s", first, chain), tmp_path, "damaged")
    refused(bomb(tmp_path / "s", b" " * (MOST_LIST_BYTES + 1)), tmp_path, "that is no snapshot's")
    many = {f"shard/{n}": NO_SUM for n in range(MOST_FILES + 1)}
    refused(bomb(tmp_path / "s", listing(many, 1)), tmp_path, f"lists {MOST_FILES + 1} files")


@pytest.mark.parametrize(
    "first",
    [
        b'{"a":' * 100_000,
        b"\xff\xfe{",
        b'{"format": 1e999}',
        b'{"format": ' + b"9" * 5000 + b"}",
        b'{"format": true, "sha256": {}}',
        b'{"format": 2, "files": []}',
        b'{"format": 2, "files": {"index.json": 1}}',
        b'{"format": 2, "files": {"index.json": {}}}',
        b'{"format": 2, "files": {"index.json": {"sha256": 1, "size": 1, "data": 1}}}',
        b'{"format": 2, "files": {"shard/x": {"sha256": "' + b"0" * 64 + b'", "size": 1, "data": 1}}}',
        listing({INDEX_FILE: {**listed(9), "size": -1}}),
        listing({INDEX_FILE: {**listed(9), "size": True}}),
        listing({INDEX_FILE: listed(9, 10)}),
        listing({INDEX_FILE: "0" * 63}, 1),
    ],
)
def test_a_listing_that_is_none_is_a_sentence(tmp_path, first):
    refused(bomb(tmp_path / "s", first), tmp_path, "damaged|snapshot|listed|lists")


@pytest.mark.parametrize("facts", [b"\xff", b"[" * 100_000, b"[]", b'{"format": 2, "pipeline": 3}', b"9" * 5000])
def test_facts_that_are_none_are_a_sentence(tmp_path, facts):
    sums = {INDEX_FILE: hashlib.sha256(facts).hexdigest()}
    members = [(LIST, listing(sums, 1), tarfile.REGTYPE), (INDEX_FILE, facts, tarfile.REGTYPE)]
    with pytest.raises(VragError):
        restore_snapshot(archive(tmp_path / "s", members), tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_file_twice_is_refused(tmp_path):
    sums = {INDEX_FILE: hashlib.sha256(b"{}").hexdigest()}
    member = (INDEX_FILE, b"{}", tarfile.REGTYPE)
    file = archive(tmp_path / "s", [(LIST, listing(sums, 1), tarfile.REGTYPE), member, member])
    refused(file, tmp_path, "belongs into no snapshot")


@settings(max_examples=80)
@given(st.data())
def test_whatever_stands_behind_a_listing_is_a_sentence(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    name = st.sampled_from([INDEX_FILE, "shard/x", "x", "GNUSparseFile.0/part"])
    kinds = st.sampled_from([bytes([kind]) for kind in b"01235679xgLKSV"])
    sizes = st.integers(0, 3000) | st.integers(0, 8 * GIB - 1)
    blocks = st.builds(header, name, sizes, kinds) | st.binary(max_size=1024)
    text = st.sampled_from([b"27 GNU.sparse.realsize=9999\n", b"22 GNU.sparse.major=1\n", b"18 size=12345678\n"])
    behind = data.draw(st.lists(blocks | text.map(lambda line: line.ljust(512, b"\0")), max_size=6))
    first = listing({INDEX_FILE: listed(9), "shard/x": listed(4096, 100)})
    with pytest.raises(StoreError):
        restore_snapshot(bomb(folder / "s", first, *behind), folder / "r")
    assert [path.name for path in folder.iterdir()] == ["s"]


def test_holes_stay_holes(indexed, file, tmp_path):
    full = folder_bytes(indexed / "shard")
    assert sum(path.stat().st_size for path in (indexed / "shard").rglob("*")) > 50 * full
    assert file.stat().st_size < full
    restore_snapshot(file, tmp_path / "r")
    assert folder_bytes(tmp_path / "r") < 1.5 * full


def test_a_snapshot_of_the_first_format_is_restored_with_its_holes(folder_of_index, tmp_path):
    paths = [folder_of_index / INDEX_FILE, *(p for p in (folder_of_index / "shard").rglob("*") if p.is_file())]
    few = [path for path in paths if path.stat().st_size < 1 << 20 or path.name == "open-1"]
    files = {path.relative_to(folder_of_index).as_posix(): path.read_bytes() for path in few}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    members = [(name, data, tarfile.REGTYPE) for name, data in files.items()]
    restore_snapshot(archive(tmp_path / "s", [(LIST, listing(sums, 1), tarfile.REGTYPE), *members]), tmp_path / "r")
    assert folder_bytes(tmp_path / "r") < 1.1 * folder_bytes(folder_of_index)
    assert {name: (tmp_path / "r" / name).read_bytes() for name in files} == files


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 9000)), max_size=6), st.integers(0, 5000))
def test_a_file_with_any_holes_comes_back(tmp_path_factory, writes, rest):
    folder = tmp_path_factory.mktemp("holes")
    with (folder / "f").open("wb") as file:
        for block, length in writes:
            file.seek(block * 4096)
            file.write(b"\1" * length)
        file.truncate(file.seek(0, io.SEEK_END) + rest)
    size = (folder / "f").stat().st_size
    with (folder / "f").open("rb") as file, tarfile.open(folder / "t", "w") as tar:
        parts = find_parts(file, size)
        add_member(tar, "long/" * 20 + "name", file, size, parts)
    with tarfile.open(folder / "t") as tar:
        (member,) = tar.getmembers()
        assert member.name == "long/" * 20 + "name"
        assert tar.extractfile(member).read() == (folder / "f").read_bytes()
    assert (folder / "t").stat().st_size <= sum(length for _, length in parts) + 20_000


def test_a_killed_restore_is_cleared_away_by_the_next(file, tmp_path):
    script = (
        "import pathlib, sys, time\n"
        "from vrag.upkeep import archive, snapshot\n"
        "whole = archive.Archive._extract\n"
        "def slow(self, *of):\n"
        "    whole(self, *of)\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(600)\n"
        "archive.Archive._extract = slow\n"
        "snapshot.restore_snapshot(*map(pathlib.Path, sys.argv[1:]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, file, tmp_path / "r"], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    process.kill()
    process.wait()
    process.stdout.close()
    assert len(list(tmp_path.glob(".r.*"))) == 2
    restore_snapshot(file, tmp_path / "r")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r", "s.tar.gz"]


@pytest.mark.parametrize("first", [b"[]", b'{"format": 99}', b"no json"])
def test_other_archives_are_no_snapshots(tmp_path, first):
    with pytest.raises(StoreError):
        restore_snapshot(archive(tmp_path / "s", [(LIST, first, tarfile.REGTYPE)]), tmp_path / "r")
    with pytest.raises(StoreError, match="not a snapshot"):
        restore_snapshot(archive(tmp_path / "s", [("x", b"", tarfile.REGTYPE)]), tmp_path / "r")
    (tmp_path / "s").write_bytes(gzip.compress(b"text"))
    with pytest.raises(StoreError):
        restore_snapshot(tmp_path / "s", tmp_path / "r")


def test_snapshots_through_the_command_line(cli, folder_of_index, tmp_path):
    done = cli("snapshot", "create", "t.tar.gz", "--index", folder_of_index, "--json")
    assert done.code == 0, done.err
    assert done.json["bytes"] == (tmp_path / "t.tar.gz").stat().st_size
    back = cli("snapshot", "restore", "t.tar.gz", "--index", "r")
    assert back.code == 0
    assert "every checksum right" in back.out
    assert cli("search", "krill", "--index", "r", "--json").json["hits"][0]["page"] == 2
    assert cli("snapshot", "restore", "missing", "--index", "x").code == 2
