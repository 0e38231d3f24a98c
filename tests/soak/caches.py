"""Mutants of the derived cache of an index: each is read, or made again; answers are always the same.

python -m tests.soak.caches [SECONDS [SEED]]

What is spoiled is `cache/bits`: `index.npz` as bytes, as a zip whose members are changed and written with right
checksums, as a header with other values, and the data files beside it. After each the cache is opened as a search does
it; nothing may be raised, and every ranking and score must be what it was, or `verify` must find it and make it good.
Exit code 1 when that was not so.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.soak.damage import SPOIL, make_index
from tests.soak.for_seconds import run_for_seconds
from tests.soak.fork import Child, ask, say
from tests.soak.parallel import fast_place, preload
from tests.soak.state import Hits, compare, hits
from tests.soak.tiny import install
from vrag import Index
from vrag.places.opening import keep_bits

QUERIES = ("word 3", "page of oak")
CASCADES = ("best", "runs@bits:8", "full@bits:30 > full")
VALUES = (0, -1, 1, 3, 2**31, 2**63, -(2**40), 0.5, 1e308, None, "", "x", [], {}, [0], True, "../../x", "nan")
CHANGED = "index.npz"


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _array(values: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, values, allow_pickle=False)
    return out.getvalue()


def _raw(folder: Path, chance: random.Random) -> str:
    """Some file, as any file is damaged."""
    file = chance.choice(sorted(folder.iterdir()))
    kind, data = chance.choice(sorted(SPOIL)), bytearray(file.read_bytes())
    if data:
        SPOIL[kind](data, chance)
    file.write_bytes(data)
    return f"{kind} {file.name}"


def _index_raw(folder: Path, chance: random.Random) -> str:
    data = bytearray((folder / CHANGED).read_bytes())
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    (folder / CHANGED).write_bytes(data)
    return "bytes of the zip"


def _member(folder: Path, chance: random.Random) -> str:
    """Bytes of an array, with a right checksum."""
    members = _members((folder / CHANGED).read_bytes())
    name = chance.choice(sorted(members))
    data = bytearray(members[name])
    kind = chance.choice(sorted(SPOIL))
    SPOIL[kind](data, chance)
    (folder / CHANGED).write_bytes(_zipped(members | {name: bytes(data)}))
    return f"{kind} {name}"


def _lost_member(folder: Path, chance: random.Random) -> str:
    members = _members((folder / CHANGED).read_bytes())
    name = chance.choice(sorted(members))
    del members[name]
    (folder / CHANGED).write_bytes(_zipped(members))
    return f"lost {name}"


def _shape(folder: Path, chance: random.Random) -> str:
    """An array of another type, length or order."""
    members = _members((folder / CHANGED).read_bytes())
    name = chance.choice([name for name in sorted(members) if name != "header.npy"])
    old = np.load(io.BytesIO(members[name]), allow_pickle=False)
    changes: list[Callable[[], Any]] = [
        lambda: old[:-1],
        lambda: np.concatenate([old, old]),
        lambda: old[::-1],
        lambda: old.reshape(1, -1),
        lambda: old.astype("S"),
        lambda: np.zeros(0, old.dtype),
        lambda: np.array(chance.choice(VALUES[:9])),
    ]
    if old.dtype.kind in "if" and old.size:
        changes += [lambda: old + 1, lambda: old - 1, lambda: old * 1000, lambda: old.astype(float) * np.nan]
    number = chance.randrange(len(changes))
    with np.errstate(all="ignore"):
        new = changes[number]()
    (folder / CHANGED).write_bytes(_zipped(members | {name: _array(new)}))
    return f"change {number} of {name}"


def _header(folder: Path, chance: random.Random) -> str:
    """Another value, or none, somewhere in the header."""
    members = _members((folder / CHANGED).read_bytes())
    header = json.loads(np.load(io.BytesIO(members["header.npy"])).tobytes())
    place, path = header, ["header"]
    while True:
        key = chance.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
        path.append(str(key))
        if isinstance(place[key], (dict, list)) and place[key] and chance.random() < 0.8:
            place = place[key]
            continue
        break
    value = chance.choice((*VALUES, "lost"))
    if value == "lost" and isinstance(place, dict):
        del place[key]
    else:
        place[key] = value
    text = json.dumps(header).encode()
    (folder / CHANGED).write_bytes(_zipped(members | {"header.npy": _array(np.frombuffer(text, np.uint8))}))
    return f"{'.'.join(path)} = {value!r}"


MUTATIONS = (_raw, _index_raw, _member, _lost_member, _shape, _shape, _header, _header)


def answers(index: Index) -> list[Hits]:
    """Rankings that bits have a part in."""
    return [hits(index, query, cascade) for query in QUERIES for cascade in CASCADES]


def mutate(root: Path, seed: int, until: float) -> None:
    """Spoil the cache again and again; says what it tries, `ok`, or what is wrong."""
    install()
    with Index.open(root / "i") as index:
        folder, pristine = root / "i" / "cache" / "bits", root / "bits"
        if not pristine.exists():
            answers(index)
            shutil.copytree(folder, pristine)
        _fresh(index, folder, pristine)
        right = answers(index)
        number = seed
        while time.time() < until:
            number += 1
            chance = random.Random(number)
            _put(folder, pristine)
            mutation = chance.choice(MUTATIONS)
            say("try", str(number), mutation.__name__, mutation(folder, chance))
            _judge(index, right)


def _wrong(index: Index, right: list[Hits]) -> list[str]:
    return [text for mine, theirs in zip(answers(index), right, strict=True) if (text := compare(mine, theirs))]


def _judge(index: Index, right: list[Hits]) -> None:
    said = "ok"
    try:
        keep_bits(index.place, index.stored)
        wrong = _wrong(index, right)
        if wrong and index.verify(repair=True):
            said, wrong = "found", _wrong(index, right)
    except BaseException:  # noqa: BLE001  # also what a panic of compiled code raises
        say("raw", traceback.format_exc().replace("\n", "\\n")[-1500:])
    else:
        say("silent" if wrong else said, *wrong[:1])


def _put(folder: Path, pristine: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(pristine, folder)


def _fresh(index: Index, folder: Path, pristine: Path) -> None:
    _put(folder, pristine)
    keep_bits(index.place, index.stored)


def soak(root: Path, seconds: float, seed: int) -> tuple[Counter[str], list[str]]:
    """Mutants until the time is up; what became of them, and what is wrong."""
    make_index(root)
    ask(lambda: mutate(root, seed, 0))  # leaves the cache as it is to be
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    until = time.time() + seconds
    while time.time() < until:
        child = Child(partial(mutate, root, seed, until))
        child.wait(seconds + 60)
        child.end()
        tried = ""
        for line in child.lines:
            what, _, rest = line.partition(" ")
            if what == "try":
                tried = rest
                continue
            counts[what] += 1
            if what not in ("ok", "found"):
                wrong.append(f"{what}: {tried}: {rest}")
        if child.code != 0:
            counts["died"] += 1
            wrong.append(f"died ({child.code}): {tried}: {child.said_on_stderr()[-500:]}")
        seed = int(tried.split()[0]) if tried else seed + 1
    return counts, wrong


def main() -> None:
    """Fuzz, and print what came of it."""
    preload()
    run_for_seconds(soak, "mutants of the cache", 300, fast_place())


if __name__ == "__main__":
    main()
