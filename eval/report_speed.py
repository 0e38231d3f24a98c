"""How long scoring and reporting take beyond the searches, on made-up rankings.

python eval/report_speed.py [--queries 2000] [--depth 100] [--cascades 2]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef, Query
from vrag.evaluation.benchmarks.task import Options, Task
from vrag.evaluation.reports.write import write_reports
from vrag.evaluation.results.results import make_results
from vrag.evaluation.runs.journal import Ranked
from vrag.evaluation.runs.task_run import CascadeRun, TaskRun
from vrag.ingest.report import IngestReport

PDFS = Path(__file__).parent / "samples" / "pdfs"


def main() -> None:
    """Make rankings up, report them, print the seconds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--cascades", type=int, default=2)
    options = parser.parse_args()
    run = made_up(options.queries, options.depth, options.cascades)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        results = make_results([run], Options(Path(folder), Path(folder)))
        scored = time.perf_counter()
        write_reports(results, [run], Path(folder))
        done = time.perf_counter()
    pairs = options.queries * options.depth
    print(f"{pairs:,} query-page pairs, {options.cascades} cascades: scored in {scored - started:.1f} s, "
          f"reported in {done - scored:.1f} s")  # fmt: skip


def made_up(queries: int, depth: int, cascades: int) -> TaskRun:
    """Random rankings of 5,000 pages; two relevant pages a question."""
    rng = np.random.default_rng(0)
    files = sorted(PDFS.glob("*.pdf"))
    corpus = {f"p{n}": PageRef(files[n % len(files)].name, 1) for n in range(5000)}
    asked = [Query(f"q{n}", f"question number {n}") for n in range(queries)]
    qrels = {query.id: {f"p{n}": 1 for n in rng.choice(5000, 2, replace=False)} for query in asked}
    benchmark = Benchmark("made-up", corpus, asked, qrels, PDFS)
    run = TaskRun(Task("made-up", benchmark), {}, {"name": "made-up", "table": {}}, {}, "made-up", IngestReport(""))
    for number in range(cascades):
        answers = {query.id: Ranked(_ranking(rng, depth), 0.01) for query in asked}
        run.runs.append(CascadeRun("union", f"cascade-{number}", "full", depth, benchmark, answers))
    return run


def _ranking(rng: np.random.Generator, depth: int) -> dict[str, float]:
    pages = rng.choice(5000, depth, replace=False)
    return {f"p{page}": float(depth - rank) for rank, page in enumerate(pages)}


if __name__ == "__main__":
    main()
