"""Mutants of a snapshot: each is restored as it was, or refused with a sentence and nothing left behind.

python -m tests.soak.snapshots [SECONDS [SEED]]

Bytes of the file and of the tar inside it are spoiled, members are doubled, dropped, renamed, made links, devices or
sparse, sizes are lied about, and the listing gets other values. Each is restored by a process that may write and hold
only so much. Exit code 1 when one was restored with other files, refused without a sentence, left anything behind, or
took more than it may.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import resource
import shutil
import tarfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.soak.damage import SPOIL, make_index
from tests.soak.for_seconds import run_for_seconds
from tests.soak.fork import Child, ask
from tests.soak.parallel import fast_place, preload
from tests.soak.tiny import install
from vrag.errors import VragError
from vrag.upkeep.snapshot import LIST, create_snapshot, restore_snapshot

MEMORY = 1 << 30  # address space beyond what the process has when it begins
VALUES = (0, -1, 2**63, 1e308, None, "", "x", [], {}, True, "0" * 64, ["a"], "../x")
NAMES = (
    "../x",
    "/tmp/soak-x",
    "shard/../../x",
    "shard",
    "index.json",
    "",
    ".",
    "shard/" + "a" * 300,
    "\x00",
    "cache/x",
)
TYPES = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.CONTTYPE, b"Z")
KEPT = ("index.json", "edge_config", "segment.json", "first-index", "version.info", "-global/vectors/chunk", "page_0")
Members = list[tuple[tarfile.TarInfo, bytes]]


def _members(tar: bytes) -> Members:
    """Members as they are stored, headers and all, in whole blocks: what is a map of holes stays one."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        headers = list(archive)
        ends = [*(header.offset for header in headers[1:]), archive.offset]
    return [(header, tar[header.offset : end]) for header, end in zip(headers, ends, strict=True)]


def _tar(members: Members) -> bytes:
    return b"".join(stored for _, stored in members) + bytes(1024)


def _made(name: str, data: bytes, **facts: object) -> bytes:
    """A member as tarfile writes it."""
    header, out = tarfile.TarInfo(name), io.BytesIO()
    header.size = len(data)
    for key, value in facts.items():
        setattr(header, key, value)
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(header, io.BytesIO(data))
        end = archive.offset
    return out.getvalue()[:end]


def _data(tar: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        source = archive.extractfile(name)
        assert source is not None
        return source.read()


def fewer(tar: bytes) -> bytes:
    """Only some of the files, since nobody opens what is restored."""
    members, listing = _members(tar), json.loads(_data(tar, LIST))
    kept = [(header, stored) for header, stored in members[1:] if any(part in header.name for part in KEPT)][:20]
    names = {header.name for header, _ in kept}
    listing["files"] = {name: facts for name, facts in listing["files"].items() if name in names}
    return _tar([(members[0][0], _listed(listing)), *kept])


def _listed(listing: object, before: bytes = b"") -> bytes:
    return _made(LIST, before + json.dumps(listing).encode())


def _bytes_outside(tar: bytes, chance: random.Random) -> bytes:
    data = bytearray(gzip.compress(tar, 1))
    SPOIL[chance.choice(sorted(SPOIL))](data, chance)
    return bytes(data)


def _bytes_inside(tar: bytes, chance: random.Random) -> bytes:
    data = bytearray(tar)
    SPOIL[chance.choice(sorted(SPOIL))](data, chance)
    return gzip.compress(bytes(data), 1)


def _header_bytes(tar: bytes, chance: random.Random) -> bytes:
    """A member's header: its sizes, types and names as bytes, with a right checksum half of the time."""
    data, starts = (
        bytearray(tar),
        [start for start in range(0, len(tar), 512) if tar[start + 257 : start + 262] == b"ustar"],
    )
    start = chance.choice(starts)
    for _ in range(chance.randint(1, 4)):
        data[start + chance.randrange(345)] = chance.choice((0, 32, 48, 55, 57, 128, 255, chance.randrange(256)))
    if chance.random() < 0.5:
        data[start + 148 : start + 156] = b" " * 8
        data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])
    return gzip.compress(bytes(data), 1)


def _listing(tar: bytes, chance: random.Random) -> bytes:
    members, listing = _members(tar), json.loads(_data(tar, LIST))
    place = listing
    while True:
        key = chance.choice(sorted(place))
        if isinstance(place[key], dict) and place[key] and chance.random() < 0.8:
            place = place[key]
            continue
        break
    change = chance.randrange(4)
    if change == 0:
        del place[key]
    elif change == 1:
        place[chance.choice(NAMES)] = place.pop(key)
    else:
        place[key] = chance.choice(VALUES)
    before = b"[" * chance.choice((10, 100_000)) if chance.random() < 0.1 else b""
    return gzip.compress(_tar([(members[0][0], _listed(listing, before)), *members[1:]]), 1)


def _member(tar: bytes, chance: random.Random) -> bytes:
    """One member dropped, doubled, moved, renamed, of another type, or shorter than it is."""
    members = _members(tar)
    number = chance.randrange(len(members))
    header, stored = members[number]
    change = chance.randrange(6)
    if change == 0:
        del members[number]
    elif change == 1:
        members.insert(chance.randrange(len(members)), members[number])
    elif change == 2:
        chance.shuffle(members)
    elif change == 3:
        members[number] = header, _made(chance.choice(NAMES), b"x")
    elif change == 4:
        link = chance.choice(("/etc/passwd", "index.json", "../x"))
        members[number] = header, _made(header.name, b"", type=chance.choice(TYPES), linkname=link)
    else:
        members[number] = header, stored[:512] + stored[512 : 512 + len(stored) // 1024 * 512]
    return gzip.compress(_tar(members), 1)


def _sparse(tar: bytes, chance: random.Random) -> bytes:
    """A member that says it is large and mostly holes, in each of GNU's three ways."""
    members = _members(tar)
    number = chance.randrange(len(members))
    header, size = members[number][0], chance.choice((1 << 20, 1 << 32, 1 << 40, 2**63 - 1))
    version = chance.choice(("0.0", "0.1", "1.0"))
    facts = {"GNU.sparse.major": version[0], "GNU.sparse.minor": version[2], "GNU.sparse.size": str(size)}
    facts |= {"GNU.sparse.realsize": str(size), "GNU.sparse.name": header.name, "GNU.sparse.numblocks": "1"}
    data = b"x" * 512
    if version == "1.0":
        data = f"1\n{chance.choice((0, size - 512))}\n512\n".encode().ljust(512, b"\0") + data
    else:
        facts["GNU.sparse.map"] = "0,512"
    members[number] = header, _made(header.name, data, pax_headers=facts)
    return gzip.compress(_tar(members), 1)


def _long(tar: bytes, chance: random.Random) -> bytes:
    """More than there should be: zeros behind the end, or members without number."""
    if chance.random() < 0.5:
        return gzip.compress(tar + bytes(1 << 28), 1)
    members = _members(tar)
    return gzip.compress(_tar([*members, *((members[0][0], _made(f"shard/more/{n}", b"")) for n in range(3000))]), 1)


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_bytes_outside, _bytes_inside, _header_bytes, _header_bytes, _listing, _listing),
    *(_member, _member, _sparse),
)
RARELY = _long


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below, blocks of zeros left out."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): _sum(path) for path in files}


def _sum(path: Path) -> str:
    digest, size = hashlib.sha256(), path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as file:
        at = 0
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:  # nothing but a hole is left
                break
            block = os.pread(file.fileno(), 4096, at)
            if block.strip(b"\0"):
                digest.update(str(at).encode() + block)
            at += len(block)
    return digest.hexdigest()


def _restore(file: Path, target: Path, most_bytes: int) -> str:
    """`restored`, or the sentence."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    try:
        restore_snapshot(file, target)
    except VragError as error:
        return f"refused: {error}"
    return "restored"


def judge(root: Path, mutant: bytes, right: dict[str, str], most_bytes: int) -> tuple[str, str]:
    """Outcome and what is to be said of it."""
    (root / "m").mkdir()
    file, target = root / "m" / "x.tar.gz", root / "m" / "t"
    file.write_bytes(mutant)
    try:
        child = Child(lambda: os.write(1, (_restore(file, target, most_bytes) + "\n").encode()))
        child.wait(60)
        child.end()
        if child.code != 0:
            return "raw", f"exit code {child.code}: {child.said_on_stderr()[-700:]}"
        left = sorted(path.name for path in (root / "m").iterdir())
        if child.lines[0] == "restored":
            return ("restored", "") if sums(target) == right else ("other files", "")
        return ("left behind", str(left)) if left != ["x.tar.gz"] else ("refused", "")
    finally:
        shutil.rmtree(root / "m")


def _make(root: Path) -> None:
    """A snapshot of some of an index's files, and what it restores to."""
    install()
    create_snapshot(root / "i", root / "all.tar.gz")
    (root / "s.tar.gz").write_bytes(gzip.compress(fewer(gzip.decompress((root / "all.tar.gz").read_bytes()))))
    restore_snapshot(root / "s.tar.gz", root / "r")


def soak(root: Path, seconds: float, seed: int) -> tuple[Counter[str], list[str]]:
    """Mutants until the time is up; what became of them, and what is wrong."""
    make_index(root)
    ask(lambda: _make(root))
    right, tar = sums(root / "r"), gzip.decompress((root / "s.tar.gz").read_bytes())
    most = 2 * sum(path.stat().st_size for path in (root / "r").rglob("*") if path.is_file())
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        seed += 1
        chance = random.Random(seed)
        mutation = RARELY if chance.random() < 0.01 else chance.choice(MUTATIONS)
        try:
            mutant = mutation(tar, chance)
        except (ValueError, tarfile.TarError, OverflowError):  # what cannot be written cannot be read either
            continue
        outcome, about = judge(root, mutant, right, most)
        counts[outcome] += 1
        if outcome not in ("restored", "refused"):
            wrong.append(f"{outcome}: {mutation.__name__} {seed}: {about}")
    return counts, wrong


def main() -> None:
    """Fuzz, and print what came of it."""
    preload()
    run_for_seconds(soak, "mutants of a snapshot", 300, fast_place())


if __name__ == "__main__":
    main()
