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
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.soak.damage import SPOIL, make_index
from tests.soak.fork import Child, ask
from tests.soak.kills import fast_place, preload
from vrag.errors import VragError
from vrag.snapshot import _write, restore_snapshot

SMALL = 20_000
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
Members = list[tuple[tarfile.TarInfo, bytes]]


def _members(tar: bytes) -> Members:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return [(member, archive.extractfile(member).read()) for member in archive]  # type: ignore[union-attr]


def _tar(members: Members, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for header, data in members:
            archive.addfile(header, io.BytesIO(data))
    return out.getvalue()


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
    members = _members(tar)
    listing = json.loads(members[0][1])
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
    text = json.dumps(listing).encode()
    if chance.random() < 0.1:
        text = b"[" * chance.choice((10, 100_000)) + text
    members[0][0].size = len(text)
    return gzip.compress(_tar([(members[0][0], text), *members[1:]]), 1)


def _member(tar: bytes, chance: random.Random) -> bytes:
    """One member dropped, doubled, moved, renamed, of another type, longer than it is, or cut."""
    members = _members(tar)
    number = chance.randrange(len(members))
    header, data = members[number]
    change = chance.randrange(6)
    if change == 0:
        del members[number]
    elif change == 1:
        members.insert(chance.randrange(len(members)), members[number])
    elif change == 2:
        chance.shuffle(members)
    elif change == 3:
        header.name = chance.choice(NAMES)
    elif change == 4:
        header.type, header.linkname = chance.choice(TYPES), chance.choice(("/etc/passwd", "index.json", "../x"))
    else:
        data = data[: len(data) // 2]
        header.size = len(data)
        members[number] = header, data
    return gzip.compress(_tar(members, chance.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT))), 1)


def _sparse(tar: bytes, chance: random.Random) -> bytes:
    """A member that says it is large and mostly holes."""
    members = _members(tar)
    header, data = chance.choice(members)
    size = chance.choice((1 << 20, 1 << 32, 1 << 40, 2**63 - 1))
    header.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": f"0,{len(data)}"}
    header.pax_headers |= {"GNU.sparse.size": str(size), "GNU.sparse.numblocks": "1"}
    return gzip.compress(_tar(members), 1)


def _long(tar: bytes, chance: random.Random) -> bytes:
    """More than there should be: zeros behind the end, or members without number."""
    if chance.random() < 0.5:
        return gzip.compress(tar + bytes(1 << 28), 9)
    members = _members(tar)
    for number in range(3000):
        header = tarfile.TarInfo(f"shard/more/{number}")
        members.append((header, b""))
    return gzip.compress(_tar(members), 1)


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_bytes_outside, _bytes_inside, _header_bytes, _header_bytes, _listing, _listing),
    *(_member, _member, _sparse),
)
RARELY = _long


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


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
    """A small one: of the engine's files only some, since nobody opens what is restored."""
    files = [
        path for path in sorted((root / "i" / "shard").rglob("*")) if path.is_file() and path.stat().st_size < SMALL
    ]
    for path in (root / "i" / "index.json", *files[::6]):
        copy = root / "few" / path.relative_to(root / "i")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    _write(root / "few", root / "s.tar.gz")
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
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    preload()
    with tempfile.TemporaryDirectory(dir=fast_place(), ignore_cleanup_errors=True) as root:
        counts, wrong = soak(Path(root), seconds, seed)
    for text in wrong[:30]:
        print(text)
    outcomes = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    print(f"mutants of a snapshot: {counts.total()} ({outcomes}) in {seconds:g} s; seed: {seed}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
