"""Mutants of small valid PDFs through the page workers: each must end as pages or as a reason.

python -m tests.soak.mutants [COUNT [SEED]]

Mutations know what a PDF is made of: whole objects are dropped, swapped, doubled or pointed at each other, numbers and
names are replaced by hostile ones, streams are cut, filters renamed, and now and then plain bytes are flipped.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from tests.pages.builder import Sheet, make_pdf, picture, text
from tests.pdfs import pdf_bytes
from vrag.errors import PageError
from vrag.pages.page import Page, PageSpec
from vrag.pages.workers import PageWorkers

NUMBERS = (b"0", b"-1", b"1", b"2147483647", b"-2147483648", b"99999999999999999999", b"0.000001", b"1e9")
NAMES = (
    b"/Page",
    b"/Pages",
    b"/Catalog",
    b"/Font",
    b"/XObject",
    b"/FlateDecode",
    b"/DCTDecode",
    b"/LZWDecode",
    b"/Null",
)
TIMEOUT_S = 20.0
AT_ONCE = 16
OBJECT = re.compile(rb"\d+ 0 obj.*?endobj\n", re.DOTALL)
Mutation = Callable[[bytes, random.Random], bytes]


@dataclass
class Verdict:
    """What became of the mutants."""

    pages: int = 0
    reasons: int = 0
    killed: int = 0
    strange: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        count = self.pages + self.reasons + len(self.strange)
        return (
            f"mutants: {count}; read: {self.pages}; refused with a reason: {self.reasons} "
            f"(worker ended: {self.killed}); neither: {len(self.strange)}"
        )


def judge(folder: Path, count: int, seed: int, workers: int = 1) -> Verdict:
    """Make mutants in `folder` and read each as an ingest would: its page count, then its first two pages."""
    chance, verdict = random.Random(seed), Verdict()
    parents = make_parents(folder)
    spec = PageSpec(dpi=36, max_side=400, ocr="never")
    with PageWorkers(spec, workers, timeout_s=TIMEOUT_S) as pool:
        for start in range(0, count, AT_ONCE):
            files = []
            for number in range(start, min(start + AT_ONCE, count)):
                file = folder / f"mutant-{number}.pdf"
                file.write_bytes(mutate(chance.choice(parents), chance))
                files.append(file)
            for file, asked in [(file, _ask(pool, file)) for file in files]:
                _record(verdict, file, asked)
                file.unlink()
    return verdict


def make_parents(folder: Path) -> list[bytes]:
    """Small valid PDFs: text, a picture, a form, rotation, a crop box."""
    sheets = [Sheet(text("Hello") + picture(50, 300, 200, 100)), Sheet(picture(0, 0, 300, 300, "Fm"), rotate=90)]
    rich = make_pdf(folder / "parent.pdf", sheets, Image.new("RGB", (40, 30), "blue"), title="A title")
    cropped = make_pdf(folder / "cropped.pdf", [Sheet(text("Cut"), crop=(100, 200, 500, 760))])
    parents = [
        pdf_bytes(["one page"]),
        pdf_bytes(["first", "second", "third"]),
        rich.read_bytes(),
        cropped.read_bytes(),
    ]
    for file in (rich, cropped):
        file.unlink()
    return parents


def mutate(parent: bytes, chance: random.Random) -> bytes:
    """One to four mutations, one after the other."""
    child = parent
    for _ in range(chance.randint(1, 4)):
        child = chance.choice(MUTATIONS)(child, chance)
    return child


def _drop_object(pdf: bytes, chance: random.Random) -> bytes:
    return _with_object(pdf, chance, lambda body: b"")


def _double_object(pdf: bytes, chance: random.Random) -> bytes:
    return _with_object(pdf, chance, lambda body: body + body)


def _cut_object(pdf: bytes, chance: random.Random) -> bytes:
    return _with_object(pdf, chance, lambda body: body[: chance.randrange(len(body))])


def _with_object(pdf: bytes, chance: random.Random, change: Callable[[bytes], bytes]) -> bytes:
    objects = list(OBJECT.finditer(pdf))
    if not objects:
        return pdf
    chosen = chance.choice(objects)
    return pdf[: chosen.start()] + change(chosen[0]) + pdf[chosen.end() :]


def _swap_objects(pdf: bytes, chance: random.Random) -> bytes:
    """Two objects trade their numbers: references now lead to things of another kind."""
    objects = list(OBJECT.finditer(pdf))
    if len(objects) < 2:
        return pdf
    a, b = sorted(chance.sample(objects, 2), key=lambda found: found.start())
    head = re.compile(rb"^\d+ 0 obj")
    mine, yours = head.match(a[0]), head.match(b[0])
    assert mine is not None
    assert yours is not None
    first, second = yours[0] + a[0][mine.end() :], mine[0] + b[0][yours.end() :]
    return pdf[: a.start()] + first + pdf[a.end() : b.start()] + second + pdf[b.end() :]


def _redirect(pdf: bytes, chance: random.Random) -> bytes:
    return _replace(rb"\d+ 0 R", [b"%d 0 R" % number for number in range(9)], pdf, chance)


def _renumber(pdf: bytes, chance: random.Random) -> bytes:
    return _replace(rb"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])", NUMBERS, pdf, chance)


def _rename(pdf: bytes, chance: random.Random) -> bytes:
    return _replace(rb"/[A-Za-z]+", NAMES, pdf, chance)


def _replace(pattern: bytes, values: tuple[bytes, ...] | list[bytes], pdf: bytes, chance: random.Random) -> bytes:
    found = list(re.finditer(pattern, pdf))
    if not found:
        return pdf
    chosen = chance.choice(found)
    return pdf[: chosen.start()] + chance.choice(values) + pdf[chosen.end() :]


def _spoil_content(pdf: bytes, chance: random.Random) -> bytes:
    """Operators in a content stream without the operands they need."""
    operators = [b"q " * 200, b"Q " * 50, b"/Im Do ", b"/Fm Do ", b"1e30 0 0 1e30 0 0 cm ", b"BT /F 1e9 Tf (x) Tj ET "]
    return _insert(pdf, rb"stream\n", chance.choice(operators), chance)


def _nest(pdf: bytes, chance: random.Random) -> bytes:
    return _insert(pdf, rb"<<", b"/A " + b"[" * chance.choice([10, 500, 20_000]), chance)


def _insert(pdf: bytes, after: bytes, what: bytes, chance: random.Random) -> bytes:
    found = list(re.finditer(after, pdf))
    if not found:
        return pdf
    place = chance.choice(found).end()
    return pdf[:place] + what + pdf[place:]


def _flip_bytes(pdf: bytes, chance: random.Random) -> bytes:
    child = bytearray(pdf)
    for _ in range(chance.randint(1, 20)):
        if child:
            child[chance.randrange(len(child))] = chance.randrange(256)
    return bytes(child)


def _cut_off(pdf: bytes, chance: random.Random) -> bytes:
    return pdf[: chance.randrange(len(pdf) + 1)]


MUTATIONS: tuple[Mutation, ...] = (
    _drop_object,
    _double_object,
    _cut_object,
    _swap_objects,
    _redirect,
    _redirect,
    _renumber,
    _renumber,
    _rename,
    _spoil_content,
    _nest,
    _flip_bytes,
    _cut_off,
)


def _ask(pool: PageWorkers, file: Path) -> list[Future[Page]] | PageError:
    try:
        pages = pool.inspect(file).result(timeout=TIMEOUT_S * 10).pages
    except PageError as error:
        return error
    return [pool.load(file, number) for number in range(1, min(pages, 2) + 1)]


def _record(verdict: Verdict, file: Path, asked: list[Future[Page]] | PageError) -> None:
    try:
        pages = [] if isinstance(asked, PageError) else [future.result(timeout=TIMEOUT_S * 10) for future in asked]
        if isinstance(asked, PageError):
            raise asked
    except PageError as error:
        verdict.reasons += 1
        verdict.killed += "process reading it died" in str(error) or "given up" in str(error)
        if not str(error).startswith(file.name):
            verdict.strange.append(f"{file.name}: {error}")
    except Exception as error:  # noqa: BLE001  # whatever else comes out is what is looked for
        verdict.strange.append(f"{file.name}: {type(error).__name__}: {error}")
    else:
        verdict.pages += 1
        if not pages or any(page.image is None for page in pages):
            verdict.strange.append(f"{file.name}: a page without a picture")


def main() -> None:
    """Judge mutants, and print what came of it; exit code 1 when one was neither read nor refused."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        verdict = judge(Path(folder), count, seed, workers=2)
    print(f"{verdict}; seed: {seed}; {time.monotonic() - started:.0f} s")
    for line in verdict.strange[:20]:
        print(line)
    sys.exit(1 if verdict.strange else 0)


if __name__ == "__main__":
    main()
