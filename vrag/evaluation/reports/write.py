"""Write every report of an evaluation into its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from vrag.evaluation.reports.html import to_html
from vrag.evaluation.reports.markdown import to_markdown
from vrag.evaluation.reports.mteb import FOLDER as MTEB
from vrag.evaluation.reports.mteb import write_mteb
from vrag.evaluation.reports.trec import FOLDER as TREC
from vrag.evaluation.reports.trec import write_trec
from vrag.evaluation.results.results import RESULTS, Results
from vrag.evaluation.runs.task_run import TaskRun
from vrag.runtime.drafts import draft_file

MARKDOWN, HTML = "report.md", "report.html"


def write_reports(results: Results, runs: Sequence[TaskRun], out: Path) -> dict[str, str]:
    """Write them all.

    Args:
        results: From `make_results`.
        runs: What they were made of.
        out: Folder; made when missing.

    Returns:
        Path of each report, by kind: results, markdown, html, trec and mteb (folders).
    """
    out.mkdir(parents=True, exist_ok=True)
    write_results(out / RESULTS, results)
    write_report(out / MARKDOWN, to_markdown(results))
    write_report(out / HTML, to_html(results, runs))
    write_trec(list(runs), out)
    write_mteb(list(runs), out)
    names = {"results": RESULTS, "markdown": MARKDOWN, "html": HTML, "trec": TREC, "mteb": MTEB}
    return {kind: str(out / name) for kind, name in names.items()}


def write_results(path: Path, results: Results) -> None:
    """Write `results.json`."""
    write_report(path, json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def write_report(path: Path, text: str) -> None:
    """In one step: whoever reads meanwhile sees the old report or the new one."""
    with draft_file(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))  # names of files need not be UTF-8
