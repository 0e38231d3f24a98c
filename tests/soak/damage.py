"""Damage every file of an index: what comes of it must be found, healed, or said in one sentence.

python -m tests.soak.damage [CASES [SEED [PROCESSES]]]

An index is made, a part of it by a process that was killed, so that there is something in its log as well. Each case
spoils one file or folder of a fresh copy: a bit flipped, a few bytes replaced, cut short, emptied, a block of it or all
of it zeroed, lost. Then a process opens the copy, searches, verifies, repairs from the files, and verifies and searches
again. What can become of it:

    unharmed    every ranking and score is the same and `verify` finds nothing: it did not matter, or was healed
    repaired    searches or `verify` say it, and after `verify --repair` everything is as it was
    found       `verify` finds it, but not everything is as it was after the repair
    said        one sentence, and no answer that would be wrong; nothing more can be done with this copy
    raw         an exception that is no sentence (a traceback for a user)
    died        the process was killed by a signal
    hangs       it takes longer than two minutes
    silent      another ranking or score, and `verify` finds nothing

Exit code 1 when a case was raw, died, hung, or was silent. CASES is how many are drawn; 0 for all of them. A case is
named KIND:FILE:SEED, and such a name in the place of CASES runs that one alone.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.pdfs import write_pdf
from tests.soak.fork import Child, ChildError, ask
from tests.soak.state import Hits, compare
from tests.soak.tiny import install

QUERIES = ("word 3", "page of oak", "edition", "bark leaf", "word 11 word 12")
CASCADES = ("best", "exact", "two-stage", "three-stage")
BAD = ("raw", "died", "hangs", "silent")
OUTCOMES = ("unharmed", "repaired", "found", "said", *BAD)
_BLOCK = 4096


def _flip_a_bit(data: bytearray, chance: random.Random) -> None:
    data[_somewhere(data, chance)] ^= 1 << chance.randrange(8)


def _replace_bytes(data: bytearray, chance: random.Random) -> None:
    start = _somewhere(data, chance)
    data[start : start + 8] = chance.randbytes(len(data[start : start + 8]))


def _cut_short(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _cut_last(data: bytearray, chance: random.Random) -> None:
    del data[-chance.randint(1, min(16, len(data))) :]


def _empty(data: bytearray, chance: random.Random) -> None:
    data.clear()


def _zero_a_block(data: bytearray, chance: random.Random) -> None:
    start = _somewhere(data, chance) // _BLOCK * _BLOCK
    data[start : start + _BLOCK] = bytes(len(data[start : start + _BLOCK]))


def _zero(data: bytearray, chance: random.Random) -> None:
    data[:] = bytes(len(data))


def _somewhere(data: bytearray, chance: random.Random) -> int:
    """Where something is: most of a file of the engine is not written yet."""
    end = len(bytes(data).rstrip(b"\0"))
    for _ in range(50):
        place = chance.randrange(end) if end else chance.randrange(len(data))
        if data[place]:
            return place
    return place


SPOIL: dict[str, Callable[[bytearray, random.Random], None]] = {
    "flip": _flip_a_bit,
    "bytes": _replace_bytes,
    "cut": _cut_short,
    "cut-last": _cut_last,
    "empty": _empty,
    "block": _zero_a_block,
    "zero": _zero,
}
LOST = "lost"


@dataclass(frozen=True)
class Case:
    """One damage.

    Args:
        kind: Of `SPOIL`, or `LOST`.
        path: File or folder, relative to the index.
        seed: Of where in the file.
    """

    kind: str
    path: str
    seed: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}:{self.seed}"

    def do(self, index: Path) -> None:
        """Spoil it."""
        target = index / self.path
        if self.kind == LOST:
            shutil.rmtree(target) if target.is_dir() else target.unlink()
            return
        data = bytearray(target.read_bytes())
        SPOIL[self.kind](data, random.Random(self.seed))
        target.write_bytes(data)

    @property
    def area(self) -> str:
        """The part of the index it is in: its folder below the engine's random names."""
        parts = [part for part in Path(self.path).parts if len(part) != 36 and not part.startswith("open-")]
        return "/".join(parts[:3]) if parts[0] == "shard" else "/".join(parts[:2])


@dataclass
class Tally:
    """What became of the cases."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)  # of (area, outcome)
    by_kind: Counter[tuple[str, str]] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    sentences: Counter[str] = field(default_factory=Counter)

    def add(self, case: Case, outcome: str, about: str) -> None:
        """One more."""
        self.outcomes[case.area, outcome] += 1
        self.by_kind[case.kind, outcome] += 1
        if outcome in BAD:
            self.bad.append(f"{outcome}: {case}: {about}")
        if outcome in ("said", "found"):
            self.sentences[f"{outcome}: {case.area}: {about.splitlines()[0][:150]}"] += 1

    def __iadd__(self, other: Tally) -> Tally:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self

    def __str__(self) -> str:
        lines = [f"{'':52}" + "".join(f"{name:>10}" for name in OUTCOMES)]
        for counter in (self.by_kind, self.outcomes):
            for row in sorted({key for key, _ in counter}):
                lines.append(f"{row[-51:]:52}" + "".join(f"{counter[row, name] or '.':>10}" for name in OUTCOMES))
            lines.append("")
        return "\n".join(lines)


def make_index(root: Path) -> None:
    """Documents in `d`, an index of them in `i`: written, compacted, and then written to by a process that died."""
    for number in range(4):
        write_pdf(root / "d" / f"oak-{number}.pdf", [_text(number, page) for page in range(5)])
    ask(lambda: _ingest(root))
    write_pdf(root / "d" / "late.pdf", [_text(9, page) for page in range(3)])
    Child(lambda: _die_after_ingest(root)).wait()


def _text(number: int, page: int) -> str:
    return f"edition {number} page {page} of oak\n" + " ".join(f"word {(number * 7 + page * n) % 20}" for n in range(9))


def _ingest(root: Path) -> None:
    from vrag import Index

    install()
    with Index.create(root / "i") as index:
        assert not index.ingest([root / "d"], workers=1).failed
        index.search("word")
        index.compact()


def _die_after_ingest(root: Path) -> None:
    from vrag import Index

    install()
    index = Index.open(root / "i")
    index.ingest([root / "d"], workers=1)
    os._exit(0)


def answers(index: object) -> list[Hits]:
    """Rankings with scores for every query and cascade."""
    from tests.soak.state import hits
    from vrag import Index

    assert isinstance(index, Index)
    return [hits(index, query, cascade) for query in QUERIES for cascade in CASCADES]


def reference(root: Path) -> list[Hits]:
    """What an index without damage answers."""
    from vrag import Index

    install()
    with Index.open(root) as index:
        assert index.verify() == []
        return answers(index)


def _differences(some: list[Hits], others: list[Hits]) -> list[str]:
    what = [f"{cascade} {query!r}" for query in QUERIES for cascade in CASCADES]
    pairs = zip(what, some, others, strict=True)
    return [f"{name}: {text}" for name, mine, theirs in pairs if (text := compare(mine, theirs))]


def examine(index: Path, right: list[Hits]) -> tuple[str, str]:
    """Outcome of a damaged copy, and a word about it."""
    from vrag import Index
    from vrag.errors import VragError

    install()
    try:
        with Index.open(index, incomplete=True) as opened:  # as `vrag verify` does
            wrong, said = _asked(opened, right)
            problems = opened.verify()
            if not problems:
                outcome = "said" if said else "silent" if wrong else "unharmed"
                return outcome, said or "".join(wrong[:1])
            opened.verify(repair=True)
            left, (still, says) = opened.verify(), _asked(opened, right)
    except VragError as error:
        return "said", f"{type(error).__name__}: {error}"
    about = f"{said or problems[0].problem}; after repair: {[p.problem for p in left[:1]]} {still[:1]} {says}"
    return ("found" if left or still or says else "repaired"), about


def _asked(index: object, right: list[Hits]) -> tuple[list[str], str]:
    """What is answered otherwise, and the sentence when nothing is answered."""
    from vrag.errors import VragError

    try:
        return _differences(answers(index), right), ""
    except VragError as error:
        return [], f"{type(error).__name__}: {error}"


def try_case(case: Case, root: Path, right: list[Hits]) -> tuple[str, str]:
    """Spoil a copy of the index at `root/i`, and see."""
    copy = Path(tempfile.mkdtemp(prefix="copy-", dir=root))
    try:
        subprocess.run(["cp", "-r", "--sparse=always", str(root / "i"), str(copy / "i")], check=True)
        case.do(copy / "i")
        return ask(lambda: examine(copy / "i", right))
    except ChildError as error:
        first, _, rest = str(error).partition("\n")
        if first == "it hangs":
            return "hangs", rest
        return ("died", first + rest[-300:]) if "code -" in first else ("raw", rest[-700:])
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def all_cases(index: Path, seed: int) -> list[Case]:
    """Every kind of damage to every file, and every file and folder lost."""
    chance, cases = random.Random(seed), []
    for path in sorted(index.rglob("*")):
        name = path.relative_to(index).as_posix()
        if path.is_file() and path.stat().st_size:
            cases += [Case(kind, name, chance.randrange(10**6)) for kind in SPOIL]
        cases.append(Case(LOST, name, 0))
    return cases


def soak(cases: int, seed: int, processes: int, only: str = "") -> Tally:
    """Try so many cases, spread over all there are; 0 for all."""
    from tests.soak.parallel import fast_place, in_parallel, tell

    with tempfile.TemporaryDirectory(dir=fast_place(), ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        make_index(root)
        if only:
            kind, path, number = only.split(":")
            chosen = [Case(kind, path, int(number))]
        else:
            chosen = all_cases(root / "i", seed)
            random.Random(seed).shuffle(chosen)
            chosen = chosen[:cases] if cases else chosen
        pristine = root / "r"
        subprocess.run(["cp", "-r", "--sparse=always", str(root / "i"), str(pristine)], check=True)
        right = ask(lambda: reference(pristine))

        def work(number: int) -> Tally:
            tally = Tally()
            for done, case in enumerate(chosen[number::processes], 1):
                outcome, about = try_case(case, root, right)
                tally.add(case, outcome, about)
                if outcome in BAD or done % 100 == 0:
                    tell(f"{done} of {len(chosen) // processes}: {outcome}: {case}: {about[-300:]}")
            return tally

        return in_parallel(work, processes, Tally())


def main() -> None:
    """Damage, and print what came of it."""
    from tests.soak.parallel import preload

    first = sys.argv[1] if len(sys.argv) > 1 else "0"
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    processes = int(sys.argv[3]) if len(sys.argv) > 3 else os.cpu_count() or 1
    preload()
    started = time.monotonic()
    only = first if ":" in first else ""
    tally = soak(0 if only else int(first), seed, 1 if only else processes, only)
    for text in sorted(tally.bad):
        print(text)
    for sentence, count in sorted(tally.sentences.items()):
        print(f"{count:4} {sentence}")
    print(tally)
    print(f"cases: {sum(tally.outcomes.values())}; bad: {len(tally.bad)}; {time.monotonic() - started:.0f} s")
    sys.exit(1 if tally.bad else 0)


if __name__ == "__main__":
    main()
