"""kill -9 at random moments while an index is written, changed and tidied; then: is anything lost?

python -m tests.soak.kills [KILLS [SEED]]

A folder of real PDFs is ingested; files are replaced, renamed and removed, the index is repooled and compacted. Every
operation is a process of its own that is killed at a random moment. After each kill the index is opened again, and
every page that was acknowledged must be there, unless its file was replaced, or the kill came after its document was
removed, with all its pages. No page may be there without its document. At the end everything is ingested once
more, `verify` must find nothing, and vectors and rankings must equal those of an index that was never interrupted.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.pdfs import write_pdf
from vrag import Index
from vrag.documents import page_id
from vrag.grid import FloatArray
from vrag.lexical import TEXT
from vrag.pages.files import file_digest
from vrag.payload import ARRIVING, PAGE
from vrag.pipeline import CONTEXT, FULL
from vrag.repool import repool
from vrag.store.base import Condition, Selection

SAMPLES = Path(__file__).parents[2] / "eval" / "samples" / "pdfs"
WITHOUT_OCR = ("bees-on-the-roof-slides.pdf", "ferry-annual-report.pdf", "solar-kiln-paper.pdf")
QUERIES = ("revenue from freight", "how do bees find nectar", "drying oak in a kiln", "edition 3", "word 17")
OPERATIONS = ("ingest", "ingest", "replace", "rename", "rm", "repool", "repool", "compact")
OTHER_RECIPE = """
[vectors.bands]
pooling = "bands"
count = 4
[cascades]
two-stage = "bands:50 > full"
[search]
cascade = "two-stage"
"""
FLOAT16_STEP = 2.0**-11  # of numbers below 1
CASCADES = ("exact", "two-stage", "three-stage")


@dataclass
class Tally:
    """What has happened so far."""

    kills: int = 0
    acknowledged: set[str] = field(default_factory=set)
    losses: list[str] = field(default_factory=list)
    by_operation: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.by_operation.items()))
        pages = len(self.acknowledged)
        return f"kills: {self.kills} ({kinds}); pages acknowledged: {pages}; losses: {len(self.losses)}"


@dataclass
class Soak:
    """One run.

    Args:
        root: An empty folder: the documents go to `d`, the index to `i`.
        seed: Of everything random.
    """

    root: Path
    seed: int
    tally: Tally = field(default_factory=Tally)
    _edition: int = 0
    _removing: set[str] = field(default_factory=set)
    _standing: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.documents, self.index = self.root / "d", self.root / "i"
        self.documents.mkdir(parents=True)
        (self.root / "other.toml").write_text(OTHER_RECIPE)
        for name in WITHOUT_OCR:
            shutil.copy(SAMPLES / name, self.documents)
        for number in range(3):
            self._rewrite(self.documents / f"made-{number}.pdf")

    def run(self, kills: int) -> Tally:
        """Kill at least so many times, until something was acknowledged; then compare with an uninterrupted index."""
        while self.tally.kills < kills or not self.tally.acknowledged:
            operation = self._random.choice(OPERATIONS)
            self._change(operation)
            self._killed(operation, *self._command(operation))
            self._look_for_losses()
        self._finish()
        return self.tally

    def _change(self, operation: str) -> None:
        """Change the folder before it is ingested."""
        made = sorted(self.documents.glob("made-*.pdf"))
        if operation == "replace":
            self._rewrite(self._random.choice(made))
        elif operation == "rename":
            self._edition += 1
            self._random.choice(made).rename(self.documents / f"made-{100 + self._edition}.pdf")
        elif operation == "ingest":
            self._rewrite(self.documents / f"made-{self._random.randrange(6)}.pdf")

    def _command(self, operation: str) -> tuple[str, ...]:
        self._removing = set()
        known = self._known()
        if operation == "rm" and known:
            path, doc_id = self._random.choice(sorted(known.items()))
            self._removing = {doc_id}
            return ("rm", path)
        if operation == "repool" and known:
            return ("repool", self._random.choice(("builtin", str(self.root / "other.toml"))))
        return ("ingest", str(self.documents)) if operation in ("ingest", "replace", "rename") else ("compact",)

    def _rewrite(self, file: Path) -> None:
        """A document nobody has seen before."""
        self._edition += 1
        pages = self._random.randrange(4, 24)
        words = [" ".join(f"word {self._random.randrange(99)}" for _ in range(6)) for _ in range(pages)]
        write_pdf(file, [f"edition {self._edition} page {n}\n{line}" for n, line in enumerate(words)])

    def _killed(self, name: str, operation: str, *arguments: str) -> None:
        """Run an operation and kill it: while it opens, after some acknowledged pages, or after some time."""
        process = self._start(operation, *arguments)
        assert process.stdout is not None
        said: list[str] = []
        if self._random.random() < 0.1:
            time.sleep(self._random.uniform(0, 1))
        else:
            if process.stdout.readline() not in ("ready\n", "done\n"):  # done: nothing was to be repooled
                raise RuntimeError(f"{operation} did not get ready: {process.communicate()[1]}")
            if operation == "ingest":
                said = _until_acknowledged(process, self._random.randrange(1, 30))
            time.sleep(self._random.uniform(0, 0.3))
        was_alive = process.poll() is None
        process.kill()
        said += process.communicate()[0].splitlines()
        pairs = dict(line.split()[1:] for line in said if line.startswith("ack "))
        self.tally.acknowledged |= pairs.keys()
        self._standing |= pairs
        if was_alive:
            self.tally.kills += 1
            self.tally.by_operation[name] = self.tally.by_operation.get(name, 0) + 1

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.soak.driver", str(self.index), *arguments]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )

    def _known(self) -> dict[str, str]:
        """Path and id of the documents in the index."""
        if not (self.index / "index.json").is_file():
            return {}
        with Index.open(self.index) as index:
            return {document.paths[0]: document.doc_id for document in index.documents.all()}

    def _look_for_losses(self) -> None:
        """Compare what is there with what must be."""
        if not (self.index / "index.json").is_file():
            return
        with Index.open(self.index) as index:
            stored = {r.id: str(r.payload["doc_id"]) for r in index._store.scroll(PAGES)}
            known = {document.doc_id: document for document in index.documents.all()}
            for document in known.values():
                ids = {page_id(document.doc_id, n, index._model_key) for n in range(1, document.pages + 1)}
                self.tally.losses += sorted(ids - stored.keys()) if document.complete else []
        in_folder = {file_digest(file) for file in self.documents.iterdir()}
        removed = self._removing - known.keys()
        self._standing = {p: doc for p, doc in self._standing.items() if doc in in_folder and doc not in removed}
        self.tally.losses += sorted(self._standing.keys() - stored.keys())
        self.tally.losses += sorted(page for page, doc in stored.items() if doc not in known)

    def _finish(self) -> None:
        """Resume to the end, verify, and compare with an index of the same folder in one go."""
        repool(self.index, "builtin")
        with Index.open(self.index) as index, Index.create(self.root / "fresh") as fresh:
            for one in (index, fresh):
                report = one.ingest([self.documents], workers=1)
                assert report.failed == [], report.failed
            index.forget(index.gone([self.documents]))
            assert index.verify() == []
            assert fresh.page_count == index.page_count
            assert_same_vectors(page_vectors(index), page_vectors(fresh))
            for query in QUERIES:
                for cascade in CASCADES:
                    assert hits(index, query, cascade) == hits(fresh, query, cascade), (query, cascade)


def _until_acknowledged(process: subprocess.Popen[str], pages: int) -> list[str]:
    """Lines that the process says until so many pages are acknowledged, or it ends."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if sum(one.startswith("ack ") for one in said) >= pages:
            break
    return said


PAGES = Selection((Condition("kind", (PAGE, ARRIVING)),))


def page_vectors(index: Index) -> dict[tuple[str, str], FloatArray]:
    """Every dense vector of every page."""
    names = [name for name in index.pipeline.vector_names if name not in (TEXT, CONTEXT)]
    return {(r.id, name): r.vectors[name] for r in index._store.scroll(PAGES, names) for name in names}


def assert_same_vectors(some: dict[tuple[str, str], FloatArray], fresh: dict[tuple[str, str], FloatArray]) -> None:
    """`full` bit by bit; what was repooled was pooled from stored numbers, so it may differ by a step of float16."""
    assert some.keys() == fresh.keys()
    for key, vector in fresh.items():
        np.testing.assert_allclose(some[key], vector, rtol=0, atol=0 if key[1] == FULL else FLOAT16_STEP)


def hits(index: Index, query: str, cascade: str) -> list[tuple[str, int, float]]:
    """A ranking, with its scores."""
    return [(hit.doc, hit.page, round(hit.score, 5)) for hit in index.search(query, k=20, cascade=cascade)]


def main() -> None:
    """Soak, and print what came of it; exit code 1 when anything was lost."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as root:
        tally = Soak(Path(root), seed).run(kills)
    print(f"{tally}; seed: {seed}; {time.monotonic() - started:.0f} s")
    sys.exit(1 if tally.losses else 0)


if __name__ == "__main__":
    main()
