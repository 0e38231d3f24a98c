"""What an embedded index of many resampled pages takes of disk, memory and time, and what its cascades take.

    python eval/scale_embedded.py INDEX QUESTIONS --folder DIR --json FILE --pages 5000 20000 100000
    python eval/scale_embedded.py --json FILE            # print what was measured before

INDEX is an embedded index of real pages, QUESTIONS a file with rows `{"query"}`. An index of each size is
made in DIR and kept; it is compacted, checked page by page, and asked by every cascade, each in a process of its own.
Pages are not embedded, so "written" is what the store takes of an ingest. What was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from resampled import Resampled
from resident import resident
from scale_points import copied, quantiles, tell
from server_searches import Searched, search_apart
from tables import markdown, put

from vrag import Index, VragError
from vrag.bench.run import machine
from vrag.evaluation.benchmarks.asked_questions import read_questions
from vrag.pipeline.pipeline import Pipeline

BATCH = 64
EXACT = "full"
CASCADES = ("three-stage", "two-stage", "best")
GB = 1e9


@dataclass
class Size:
    """The index at one size; seconds and bytes.

    Args:
        pages: In it.
        rows: Mean rows of `full`.
        loaded: Pages written in one go.
        load: Seconds of writing them.
        compact: Seconds of merging segments.
        verify: Seconds of checking every page.
        problems: That the check found.
        disk: Of the folder, compacted.
        memory: By how much the process has grown that wrote, compacted and checked.
        searched: By cascade.
    """

    pages: int
    rows: float = 0.0
    loaded: int = 0
    load: float = 0.0
    compact: float = 0.0
    verify: float = 0.0
    problems: int = 0
    disk: int = 0
    memory: int = 0
    searched: dict[str, Searched] = field(default_factory=dict)


def make(folder: Path, size: Size, source: Resampled, pipeline: Pipeline) -> None:
    """Fill an index up to a size, or go on with it; compact and check it."""
    before = resident()["RssAnon"]
    is_there = (folder / "index.json").exists()
    with Index.open(folder) if is_there else Index.create(folder, pipeline) as index:
        size.loaded, size.load = source.load(index, size.pages, BATCH, tell)
        size.rows = source.rows_a_page
        started = time.perf_counter()
        index.compact()
        size.compact = time.perf_counter() - started
        started = time.perf_counter()
        size.problems = len(index.verify())
        size.verify = time.perf_counter() - started
        size.disk, size.memory = index.disk_bytes, resident()["RssAnon"] - before


def read(file: Path) -> list[Size]:
    """Sizes that were measured before."""
    return [_size(**row) for row in json.loads(file.read_text())] if file.is_file() else []


def _size(searched: Mapping[str, Any], **others: Any) -> Size:
    return Size(**others, searched={cascade: Searched(**one) for cascade, one in searched.items()})


def write(file: Path, sizes: Sequence[Size]) -> None:
    """Keep what was measured."""
    file.write_text(json.dumps([asdict(size) for size in sizes], indent=1) + "\n")


def shown(sizes: Sequence[Size]) -> str:
    """The tables in Markdown."""
    head = ["pages x rows", "written", "compacted in", "checked in", "problems", "disk a page", "memory for it"]
    asked = (_answers(size, cascade) for size in sizes for cascade in size.searched)
    answers = [
        "pages x rows",
        "cascade",
        "first search",
        "median",
        "95 %",
        "asked again",
        "memory",
        "of files",
        "exact's top ten found",
    ]
    return "\n\n".join([markdown(head, map(_taken, sizes)), markdown(answers, asked)])


def _taken(size: Size) -> list[str]:
    speed = f"{size.loaded / size.load:.0f} pages/s" if size.load else ""
    seconds = [f"{size.compact:.0f} s", f"{size.verify:.0f} s", str(size.problems)]
    return [_name(size), speed, *seconds, f"{size.disk / size.pages / 1000:.1f} kB", f"{size.memory / GB:.2f} GB"]


def _name(size: Size) -> str:
    return f"{size.pages:,} x {size.rows:.0f}"


def _answers(size: Size, cascade: str) -> list[str]:
    one = size.searched[cascade]
    median, most = (1000 * seconds for seconds in quantiles(one.seconds))
    again = f"{1000 * statistics.median(one.again):,.0f} ms" if one.again else ""
    row = [_name(size), f"`{cascade}`", f"{one.first:.1f} s", f"{median:,.0f} ms", f"{most:,.0f} ms", again]
    return [*row, f"{one.memory / GB:.2f} GB", f"{one.mapped / GB:.1f} GB", _recall(size, cascade)]


def _recall(size: Size, cascade: str) -> str:
    """Share of the exact top ten; nothing for `best`, which scores otherwise."""
    if EXACT not in size.searched or cascade == "best":
        return ""
    pairs = zip(size.searched[cascade].tops, size.searched[EXACT].tops, strict=True)
    return f"{statistics.mean(len(found.keys() & exact.keys()) / len(exact) for found, exact in pairs):.3f}"


def measure(args: argparse.Namespace) -> None:
    """Every size that was not measured yet."""
    with tempfile.TemporaryDirectory() as copy:
        copied(args.index, Path(copy) / "index")
        with Index.open(Path(copy) / "index") as index:
            source, pipeline = Resampled(index, args.rows), index.pipeline
    questions = [question.text for question in read_questions(args.questions)]
    chosen = questions[:: max(1, len(questions) // args.asked)][: args.asked]
    sizes = read(args.json)
    for pages in sorted(set(args.pages)):
        size = next((size for size in sizes if size.pages == pages), None)
        if size is None:
            size = Size(pages)
            make(args.folder / str(pages), size, source, pipeline)
            write(args.json, [*sizes, size])
            sizes.append(size)
        for cascade in args.cascades:
            if cascade not in size.searched:
                tell(f"{pages} pages: {cascade}")
                size.searched[cascade] = search_apart(str(args.folder / str(pages)), cascade, chosen, {}, again=True)
                write(args.json, sizes)


def main() -> None:
    """Measure what is asked for, and print all there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("index", type=Path, nargs="?", help="an embedded index; it is copied, never written to")
    parser.add_argument("questions", type=Path, nargs="?", help='rows {"query"}')
    parser.add_argument("--folder", type=Path, help="of the indexes; kept, so that a run can go on")
    parser.add_argument("--json", type=Path, required=True, help="what was measured, and is added to")
    parser.add_argument("--into", type=Path, help="put the tables into this page, e.g. docs/performance/scale.md")
    parser.add_argument("--pages", type=int, nargs="+", default=[5_000, 20_000, 100_000])
    parser.add_argument("--rows", type=int, help="most rows of a page; by default as many as it has")
    parser.add_argument("--cascades", nargs="*", default=[*CASCADES, EXACT])
    parser.add_argument("--asked", type=int, default=20, help="questions (default 20)")
    args = parser.parse_args()
    if args.index is not None:
        if not (args.questions and args.folder):
            parser.error("QUESTIONS and --folder are needed to measure")
        try:
            measure(args)
        except VragError as error:
            parser.error(str(error))
    text = f"{machine()}.\n\n{shown(read(args.json))}"
    print(text)
    if args.into:
        put(args.into, text, "embedded")


if __name__ == "__main__":
    main()
