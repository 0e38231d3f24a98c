"""`results.json`: everything an evaluation found out, for programs and for later comparisons."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from vrag import __version__
from vrag.embedders.protocol import Fingerprint
from vrag.errors import UsageError, VragError
from vrag.evaluation.benchmarks.task import Options
from vrag.evaluation.results.answer_scoring import METRIC, score_answers
from vrag.evaluation.results.published import beside_published
from vrag.evaluation.results.scoring import Row, score_task
from vrag.evaluation.runs.answer_runs import AnsweredTask, AnswerOptions
from vrag.evaluation.runs.task_run import TaskRun
from vrag.runtime.parsing import MalformedError, parse_json, read_text, reason_of

FORMAT = 1
RESULTS = "results.json"
_PACKAGES = ("numpy", "qdrant-edge-py", "onnxruntime", "rapidocr", "pypdfium2", "pillow", "torch", "transformers",
             "colpali-engine", "datasets")  # fmt: skip

Results = dict[str, Any]


def make_results(runs: Sequence[TaskRun], options: Options) -> Results:
    """The document: how it was made, the tasks, and one row a task, scope and cascade.

    Everything that another run of the same thing would find otherwise (date, times, memory, size on disk) is under
    a key `measured`; all else is the same for the same input.
    """
    tasks = [_task(run) for run in runs]
    scored = [row for run in runs for row in score_task(run)]
    settings = {
        "languages": list(options.languages),
        "limit_queries": options.limit_queries,
        "depth": options.depth,
    }
    return {**_made(settings), "tasks": tasks, "results": scored, "published": beside_published(tasks, scored)}


def make_answer_results(tasks: Sequence[AnsweredTask], options: AnswerOptions) -> Results:
    """The same of answers: one row a task and scope."""
    settings = {"limit_queries": options.run.limit_queries, "k": options.pages, "scopes": list(options.scopes)}
    known = [{**_task(task.run), "metric": METRIC} for task in tasks]
    return {**_made(settings), "tasks": known, "results": score_answers(tasks), "published": []}


def _made(settings: Mapping[str, Any]) -> Results:
    """How results were made."""
    return {
        "format": FORMAT,
        "vrag": __version__,
        "settings": settings,
        "machine": machine(),
        "versions": versions(),
        "measured": {"date": datetime.now(timezone.utc).isoformat(timespec="seconds")},
    }


def read_results(path: Path) -> Results:
    """A `results.json`, or the one in a folder of reports.

    Raises:
        UsageError: There is none.
        VragError: The file is not one.
    """
    file = path / RESULTS if path.is_dir() else path
    try:
        results: Results = parse_json(read_text(file))
    except FileNotFoundError as error:
        raise UsageError(f"There is no {file}.", "vrag eval writes it into its --out folder.") from error
    except (OSError, MalformedError) as error:
        raise VragError(f"{file} is not readable JSON: {reason_of(error)}.") from error
    if not isinstance(results, dict) or not isinstance(results.get("results"), list):
        raise VragError(f"{file} is no results file of vrag eval.", "Pass the results.json of its --out folder.")
    if results.get("format") != FORMAT:
        raise VragError(f"{file} has format {results.get('format')!r}, this vrag reads format {FORMAT}.")
    for number, row in enumerate(results["results"], 1):
        if problem := _problem(row):
            raise VragError(f"{file}, row {number} of its results: {problem}.", "Pass a file that vrag eval wrote.")
    return results


def _problem(row: Any) -> str:
    """What makes a row of results unfit to be compared; empty when nothing does."""
    if not isinstance(row, dict):
        return "it is no object"
    for key in ("task", "scope", "cascade", "metric"):
        if not isinstance(row.get(key), str):
            return f"{key!r} must be text"
    questions = row.get("per_query")
    if not isinstance(questions, dict) or not all(isinstance(values, dict) for values in questions.values()):
        return "'per_query' must have an object for every question"
    values = list(questions.values())
    if any(isinstance(v, bool) or not isinstance(v, int | float | None) for one in values for v in one.values()):
        return "'per_query' must have numbers"
    languages = row.get("query_languages", {})
    if not isinstance(languages, dict) or not all(isinstance(language, str) for language in languages.values()):
        return "'query_languages' must name the language of each question"
    return "its questions have unlike metrics" if any(one.keys() != values[0].keys() for one in values) else ""


def public_rows(results: Results) -> list[Row]:
    """The rows as `--json` prints them: without what they say of each query, measurements beside the rest."""
    rows = []
    for row in results["results"]:
        flat = {key: value for key, value in row.items() if key not in ("per_query", "query_languages", "measured")}
        rows.append({**flat, **row["measured"]})
    return rows


def machine() -> Mapping[str, Any]:
    """What the evaluation ran on."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Versions of the packages that have a part in the numbers."""
    found = {"vrag": __version__}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _task(run: TaskRun) -> dict[str, Any]:
    task, benchmark = run.task, run.task.benchmark
    return {
        "task": task.name,
        "suite": task.suite,
        "source": task.source,
        "revision": task.revision,
        "split": task.split,
        "metric": task.metric,
        "languages": [language for language in benchmark.languages if language],
        "documents": len(benchmark.docs),
        "pages": len(benchmark.corpus),
        "queries": len(benchmark.queries),
        "judged": len(benchmark.judged),
        "unjudged": len(benchmark.queries) - len(benchmark.judged),
        "missing_pages": run.missing,
        "model": {
            "name": run.model,
            "revision": run.fingerprint.get("revision"),
            "fingerprint": Fingerprint(run.fingerprint).digest,
            "facts": dict(run.fingerprint),
        },
        "pipeline": dict(run.pipeline),
        "measured": _measured(run),
    }


def _measured(run: TaskRun) -> dict[str, Any]:
    ingest = run.ingest
    return {
        "index": ingest.index,
        "index_bytes": run.index_bytes,
        "pages_added": ingest.added,
        "ingest_seconds": ingest.seconds,
        "pages_per_second": ingest.added / ingest.seconds if ingest.added else None,
        "ingest_peak_bytes": run.ingest_peak,
        "search_peak_bytes": run.search_peak,
        "failed": [asdict(failure) for failure in ingest.failed],
    }


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # no Linux
        pass
    return platform.processor() or platform.machine()
