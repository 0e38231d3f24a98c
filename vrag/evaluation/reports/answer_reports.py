"""The reports of answers: `results.json`, `report.md` and `report.html`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from html import escape
from pathlib import Path

from vrag.evaluation.reports.answer_cards import cards_html
from vrag.evaluation.reports.answer_tables import answer_facts, answer_tables
from vrag.evaluation.reports.html import charts_html, facts_html, page_html, table_html
from vrag.evaluation.reports.markdown import as_markdown, title
from vrag.evaluation.reports.write import HTML, MARKDOWN, write_report, write_results
from vrag.evaluation.results.results import RESULTS, Results
from vrag.evaluation.runs.answer_runs import AnsweredTask
from vrag.pages.drawing import PageDrawer


def write_answer_reports(results: Results, tasks: Sequence[AnsweredTask], out: Path) -> dict[str, str]:
    """Write them into a folder; returns the path of each by kind: results, markdown and html."""
    out.mkdir(parents=True, exist_ok=True)
    heading, known, found = f"{title(results)}, answers", answer_facts(results), answer_tables(results)
    with closing(PageDrawer()) as drawer:
        sections = [
            f"<h2>Questions of {escape(task.run.task.name)} · {escape(run.scope)}</h2>{cards_html(task, run, drawer)}"
            for task in tasks
            for run in task.answers
        ]
    head = f"<header><h1>{escape(heading)}</h1></header>"
    body = [head, *charts_html(results["results"]), *map(table_html, found), *sections, facts_html(known)]
    write_results(out / RESULTS, results)
    write_report(out / MARKDOWN, as_markdown(heading, known, found))
    write_report(out / HTML, page_html(heading, body))
    return {kind: str(out / name) for kind, name in (("results", RESULTS), ("markdown", MARKDOWN), ("html", HTML))}
