"""Where the time of a query goes, by parts of a search, and what a cold `vrag search` costs.

    python eval/query_time.py BENCHMARK=INDEX [BENCHMARK=INDEX ...] [--cascade best] [--cold 5] [--json FILE]

Asks each question of a benchmark folder of all pages, twice: once as in a process that has just started, whose pages
nobody has read yet, and once more. For each part it prints the median over the questions, in milliseconds of wall time
and of the processor (all threads of the process together; where other programs run this is the one to compare). Then
the command line is started anew for the first question, `--cold` times. Every index must be free: nobody else has it
open.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

from vrag import Index, VragError
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.search import ranking, running, search, searcher
from vrag.search.operators import Fuse

Cost = tuple[float, float]  # milliseconds of wall time, and of the processor
ALL, REST, FIRST = "all", "the rest", "first query"
PARTS = (  # name, module or class, function; none of them within another
    ("embed the query", searcher.Searcher, "embed"),
    ("scores by stage", ranking, "_stage_scores"),
    ("passages", search, "_passages"),
    ("words of the context", search, "_context_words"),
    ("relevance", search, "_relevances"),
)


class Clock:
    """Adds up what parts of one query cost."""

    def __init__(self) -> None:
        self.costs: dict[str, Cost] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time the block."""
        wall, processor = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            before = self.costs.get(name, (0.0, 0.0))
            cost = time.perf_counter() - wall, time.process_time() - processor
            self.costs[name] = before[0] + 1000 * cost[0], before[1] + 1000 * cost[1]

    def timed(self, name: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed; what it yields is made while it is timed."""

        @wraps(whole)
        def called(*arguments: Any, **named: Any) -> Any:
            with self.part(name):
                found = whole(*arguments, **named)
                return list(found) if isinstance(found, Iterator) else found

        return called


def main() -> int:
    """Ask all questions and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="BENCHMARK=INDEX")
    parser.add_argument("--cascade", help="name or stages; the index's default otherwise")
    parser.add_argument("--cold", type=int, default=5, help="starts of the command line")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    try:
        report = {Path(text.partition("=")[0]).name: _measured(text, options) for text in options.sets}
    except VragError as error:
        parser.error(str(error))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def _measured(text: str, options: argparse.Namespace) -> dict[str, Any]:
    folder, _, index = text.partition("=")
    questions = [query.text for query in load_benchmark(Path(folder)).queries]
    asked = _ask_all(Path(index), questions, options.cascade)
    if options.cold:
        asked["cold vrag search"] = _cold(index, questions[0], options.cold)
    _print(Path(folder).name, asked)
    return asked


def _ask_all(place: Path, questions: Sequence[str], cascade: str | None) -> dict[str, Any]:
    with Index.hold(place) as index:
        rounds = [_round(index, questions, cascade) for _ in range(2)]
        pages = index.page_count
    tables = [{name: _median([costs.get(name, (0.0, 0.0)) for costs in asked]) for name in asked[-1]}
              for asked in rounds]  # fmt: skip
    return {"pages": pages, FIRST: rounds[0][0][ALL], "new": tables[0], "again": tables[1]}


def _round(index: Index, questions: Sequence[str], cascade: str | None) -> list[dict[str, Cost]]:
    """What each question costs, by part."""
    found = []
    for question in questions:
        clock = Clock()
        with _watched(clock), clock.part(ALL):
            index.search(question, 10, cascade)
        parts = [cost for name, cost in clock.costs.items() if name != ALL]
        whole, known = clock.costs[ALL], [sum(column) for column in zip(*parts, strict=True)]
        found.append({**clock.costs, REST: (whole[0] - known[0], whole[1] - known[1])})
    return found


@contextmanager
def _watched(clock: Clock) -> Iterator[None]:
    """The parts of a search, and the operators of its plan, are timed within the block."""
    of_plan = {
        kind: clock.timed(method.__name__.replace("_", " "), method)
        for kind, method in running.METHODS.items()
        if kind is not Fuse  # which runs others
    }
    with ExitStack() as stack:
        stack.enter_context(patch.dict(running.METHODS, of_plan))
        for name, owner, function in PARTS:
            stack.enter_context(patch.object(owner, function, clock.timed(name, getattr(owner, function))))
        yield


def _cold(index: str, question: str, times: int) -> Cost:
    """Median cost of the command line that opens the index and asks one question."""
    command = [sys.executable, "-m", "vrag", "search", question, "--index", index, "--json"]
    costs = []
    for _ in range(times):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=os.environ)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        costs.append((1000 * wall, 1000 * spent))
    return _median(costs)


def _median(costs: Sequence[Cost]) -> Cost:
    wall, processor = zip(*costs, strict=True)
    return statistics.median(wall), statistics.median(processor)


def _print(name: str, report: dict[str, Any]) -> None:
    print(f"\n{name}, {report['pages']:,} pages\n")
    print("| part | ms | of the processor | ms again | of the processor |\n| --- | --- | --- | --- | --- |")
    rows: dict[str, list[Cost]] = defaultdict(list)
    for table in (report["new"], report["again"]):
        for part, cost in table.items():
            rows[part].append(cost)
    for part, costs in sorted(rows.items(), key=lambda row: -row[1][-1][1]):
        print(f"| {part} | {' | '.join(f'{ms:.1f}' for cost in costs for ms in cost)} |")
    for once in (FIRST, "cold vrag search"):
        if once in report:
            wall, processor = report[once]
            print(f"| {once} | {wall:.0f} | {processor:.0f} | | |")


if __name__ == "__main__":
    sys.exit(main())
