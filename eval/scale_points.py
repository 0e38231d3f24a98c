"""What a collection of resampled pages takes of one Qdrant node, and what its cascades take and find: points of scale.

    python eval/scale_points.py INDEX QUESTIONS --program QDRANT --pages 20000 --folder DIR --json FILE
    python eval/scale_points.py --json FILE...           # print what was measured before

INDEX is an embedded index of real pages, QUESTIONS a file with rows `{"query"}`, QDRANT the server program (or
`VRAG_TEST_QDRANT_BIN`), which is started here with its data in DIR. The pages are loaded once, without quantization;
then the pooled vectors are quantized in each of the ways. For each of them the node is started again, so that it holds
only what it needs, and the questions are asked by every cascade. `full` lies on disk. What was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_client import models
from qdrant_node import ENV, Node
from resampled import Resampled
from tables import markdown, put

from vrag import Index, VragError
from vrag.bench.run import machine
from vrag.errors import UsageError
from vrag.evaluation.benchmarks.asked_questions import read_questions
from vrag.pipeline.pipeline import FULL
from vrag.places.facts import Facts
from vrag.places.place import FolderPlace, ServerPlace
from vrag.planning.estimate import VectorSample, memory_a_page
from vrag.settings import is_index
from vrag.store.layout import QUANTIZATIONS, ServerLayout
from vrag.store.server.connect import connect

TOP, BATCH = 10, 32
EXACT = "full"
CASCADES = (
    "runs:256 > full",
    "runs:1024 > full",
    "global:500 > runs:128 > full",
    "global@hnsw:2000 > runs:512 > full",
    "best",
)
GB = 1e9
_POOLED = ("runs", "global")
_SIZES = ("disk a page", "`full`", "`runs`", "`global`", "words and boxes", "the rest")
_STATES = ("started", "and `full`", "searched", "and `full`", "all scored", "and `full`")


@dataclass
class Asked:
    """A cascade's answers.

    Args:
        seconds: Of each question.
        recall: Share of the exact top ten that it found; None where its last stage scores otherwise than the exact one.
    """

    seconds: list[float] = field(default_factory=list)
    recall: float | None = None


@dataclass
class Point:
    """One collection in one state; bytes and seconds.

    Args:
        pages: In it.
        rows: Mean rows of `full`.
        quantization: Of the pooled vectors.
        scanned: What first stages scan, by the formula of `vrag plan`.
        load: Of writing the pages, of those that were written in one go; 0 for a state of a collection that was there.
        loaded: Pages that were.
        settle: Until the optimizers were done.
        disk: Of the server's data, by part (see `Node.disk`).
        started: Memory of the node, by part, when it was started again and nothing was asked.
        searched: After every cascade but the exact one.
        scored: After the exact one, which reads all of `full`; asked in the first state that is measured.
        asked: By cascade.
    """

    pages: int
    rows: float
    quantization: str
    scanned: float
    load: float = 0.0
    loaded: int = 0
    settle: float = 0.0
    disk: dict[str, int] = field(default_factory=dict)
    started: dict[str, int] = field(default_factory=dict)
    searched: dict[str, int] = field(default_factory=dict)
    scored: dict[str, int] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)


class Scale:
    """One number of pages, loaded once and measured in every state.

    Args:
        node: Of the server, not started.
        args: Of the command line.
        source: The pages.
        facts: Of the index they come from.
        questions: What is asked.
    """

    def __init__(
        self, node: Node, args: argparse.Namespace, source: Resampled, facts: Facts, questions: Sequence[str]
    ) -> None:
        self._node, self._args, self._source, self._facts = node, args, source, facts
        self._questions = questions
        self._collection = f"scale-{args.pages}"
        self._truth: list[set[str]] | None = None

    def run(self) -> None:
        """Every state that was not measured yet."""
        points = read(self._args.json[0])
        with self._node:
            load = self._load()
        for quantization in self._args.quantization:
            if any(p.pages == self._args.pages and p.quantization == quantization for p in points):
                continue
            sample = self._sample()
            scanned = self._args.pages * memory_a_page(sample, quantization)
            point = Point(self._args.pages, sample[0].rows, quantization, scanned)
            if quantization == "none":
                point.loaded, point.load = load
            with self._node:
                point.settle = self._quantize(quantization)
            with self._node:
                self._measure(point)
            points.append(point)
            self._args.json[0].write_text(json.dumps([asdict(p) for p in points], indent=1) + "\n")

    def _sample(self) -> list[VectorSample]:
        """Vectors of every real page's first copy, `full` first."""
        first = self._source.copies(self._source.pages)
        pages = [record for copy in first for record in self._source.records(copy) if FULL in record.vectors]
        found = []
        for field_ in self._facts.to_pipeline("").schema(self._facts.dim):
            if field_.name in pages[0].vectors:
                rows = [len(np.atleast_2d(page.vectors[field_.name])) for page in pages]
                found.append(VectorSample(field_.name, field_.dim, float(np.mean(rows)), max(rows), field_.hnsw, 0.0))
        return found

    def _place(self) -> ServerPlace:
        return ServerPlace(self._node.server(), self._collection)

    def _laid_out(self, quantization: str) -> Facts:
        layout = ServerLayout(on_disk=True, quantization=quantization)
        return replace(self._facts, table={**self._facts.table, "server": layout.to_table()})

    def _load(self) -> tuple[int, float]:
        """Write the documents that are not there; pages that were written, and the seconds of that."""
        place = self._place()
        pipeline = self._laid_out("none").to_pipeline(place.name)
        with Index.hold(place) if place.holds_index() else Index.create(place, pipeline) as index:
            return self._source.load(index, self._args.pages, BATCH, tell)

    def _quantize(self, quantization: str) -> float:
        """Bring the collection into a state; seconds until the server has made it."""
        place = self._place()
        if place.facts().to_pipeline("").server.quantization != quantization:
            how = _settings(quantization)
            pooled = self._facts.to_pipeline("").vectors
            changed = {spec.name: models.VectorParamsDiff(quantization_config=how) for spec in pooled}
            with closing(connect(self._node.server())) as connection:
                connection.client.update_collection(self._collection, vectors_config=changed)
            place.write_facts(self._laid_out(quantization))
        return self._node.settle(self._collection)

    def _measure(self, point: Point) -> None:
        point.disk, point.started = self._node.disk(), self._node.memory()
        with Index.hold(self._place()) as index:
            found = {cascade: self._ask(index, cascade, point) for cascade in self._args.cascades}
            point.searched = self._node.memory()
            if self._truth is None:  # it scores what is never quantized, so that it is the same in every state
                self._truth = self._ask(index, EXACT, point)
                point.scored, point.asked[EXACT].recall = self._node.memory(), 1.0
        exact = self._facts.to_pipeline("").cascade(EXACT).stages[-1]
        for cascade, tops in found.items():
            shares = [len(a & b) / len(b) for a, b in zip(tops, self._truth, strict=True)]
            is_same = self._facts.to_pipeline("").cascade(cascade).stages[-1] == exact
            point.asked[cascade].recall = statistics.mean(shares) if is_same else None

    def _ask(self, index: Any, cascade: str, point: Point) -> list[set[str]]:
        tops, seconds = [], []
        index.search(self._questions[0], TOP, cascade)  # what is loaded on first use is not timed
        for question in self._questions:
            started = time.perf_counter()
            tops.append({hit.id for hit in index.search(question, TOP, cascade)})
            seconds.append(time.perf_counter() - started)
            tell(f"{point.quantization}, {cascade}: {len(tops)} of {len(self._questions)}")
        point.asked[cascade] = Asked(seconds)
        return tops


def _settings(quantization: str) -> Any:
    if quantization == "none":
        return models.Disabled.DISABLED
    if quantization == "scalar":
        scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        return models.ScalarQuantization(scalar=scalar)
    return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))


def read(file: Path) -> list[Point]:
    """Points that were measured before."""
    rows = json.loads(file.read_text()) if file.is_file() else []
    return [Point(**{**row, "asked": {name: Asked(**one) for name, one in row["asked"].items()}}) for row in rows]


def shown(points: Sequence[Point]) -> str:
    """The tables in Markdown."""
    asked = ([*_state(p), *_answers(cascade, one)] for p in points for cascade, one in p.asked.items())
    tables = [
        markdown(["pages x rows", "pooled vectors", "written", "settled in", *_SIZES], map(_sizes, points)),
        markdown(["pages x rows", "pooled vectors", "scanned, by formula", *_STATES], map(_memory, points)),
        markdown(["pages x rows", "pooled vectors", "cascade", "median", "95 %", "exact's top ten found"], asked),
    ]
    return "\n\n".join(tables)


def _state(point: Point) -> list[str]:
    return [f"{point.pages:,} x {point.rows:.0f}", point.quantization]


def _sizes(p: Point) -> list[str]:
    speed = f"{p.loaded / p.load:.0f} pages/s" if p.load else ""
    total = sum(p.disk.values())
    vectors = [p.disk.get(name, 0) for name in (FULL, *_POOLED)]
    payload = sum(size for name, size in p.disk.items() if name.startswith("payload"))
    others = total - sum(vectors) - payload
    sizes = (total, *vectors, payload, others)
    return [*_state(p), speed, f"{p.settle:.0f} s", *(f"{size / p.pages / 1000:.1f} kB" for size in sizes)]


def _memory(p: Point) -> list[str]:
    cells = []
    for parts in (p.started, p.searched, p.scored):
        of_full = parts.get(FULL, 0)
        rest = sum(parts.values()) - of_full
        cells += [f"{rest / GB:.2f} GB", f"{of_full / GB:.2f} GB"] if parts else ["", ""]
    return [*_state(p), f"{p.scanned / GB:.2f} GB", *cells]


def _answers(cascade: str, asked: Asked) -> list[str]:
    median, most = (1000 * seconds for seconds in quantiles(asked.seconds))
    found = "" if asked.recall is None else f"{asked.recall:.3f}"
    return [f"`{cascade}`", f"{median:,.0f} ms", f"{most:,.0f} ms", found]


def quantiles(seconds: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    ordered = sorted(seconds)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def measure(args: argparse.Namespace) -> None:
    """Load and measure, or go on with it."""
    with tempfile.TemporaryDirectory() as copy:
        index_folder = Path(copy) / "index"
        copied(args.index, index_folder)
        with Index.open(index_folder) as index:
            source = Resampled(index, args.rows)
        facts = FolderPlace(index_folder).facts()
    questions = [question.text for question in read_questions(args.questions)]
    chosen = questions[:: max(1, len(questions) // args.asked)][: args.asked]
    Scale(Node(args.program, args.folder), args, source, facts, chosen).run()


def copied(index: Path, to: Path) -> None:
    """A copy that may be opened, with holes where the index has them.

    Raises:
        UsageError: There is no index.
    """
    if not is_index(index):
        raise UsageError(f"There is no index at {index}.")
    if shutil.which("cp") and sys.platform == "linux":
        subprocess.run(["cp", "-r", "--sparse=always", str(index), str(to)], check=True)
    else:
        shutil.copytree(index, to)


def tell(text: str) -> None:
    """Say on standard error what is done."""
    print(f"\r    {text}   ", end="", file=sys.stderr, flush=True)


def main() -> None:
    """Measure what is asked for, and print all there is."""
    program = os.environ.get(ENV)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("index", type=Path, nargs="?", help="an embedded index; it is copied, never written to")
    parser.add_argument("questions", type=Path, nargs="?", help='rows {"query"}')
    parser.add_argument("--program", type=Path, default=Path(program) if program else None, help=f"default: ${ENV}")
    parser.add_argument("--folder", type=Path, help="of the server's data; kept, so that a run can go on")
    parser.add_argument(
        "--json", type=Path, nargs="+", required=True, help="what was measured; more goes into the first"
    )
    parser.add_argument("--into", type=Path, help="put the tables into this page, e.g. docs/performance/scale.md")
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--rows", type=int, help="most rows of a page; by default as many as it has")
    parser.add_argument("--quantization", nargs="+", choices=QUANTIZATIONS, default=list(QUANTIZATIONS))
    parser.add_argument("--cascades", nargs="+", default=list(CASCADES))
    parser.add_argument("--asked", type=int, default=20, help="questions (default 20)")
    args = parser.parse_args()
    if args.index is not None:
        if not (args.questions and args.program and args.folder):
            parser.error("QUESTIONS, --program and --folder are needed to measure")
        try:
            measure(args)
        except VragError as error:
            parser.error(str(error))
    text = f"{machine()}.\n\n{shown([point for file in args.json for point in read(file)])}"
    print(text)
    if args.into:
        put(args.into, text)


if __name__ == "__main__":
    main()
