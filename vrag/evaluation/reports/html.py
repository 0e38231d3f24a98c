"""`report.html`: one file that needs no other, to be read in any browser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from vrag.evaluation.reports.charts import Bar, bar_chart
from vrag.evaluation.reports.markdown import title
from vrag.evaluation.reports.questions import questions_html
from vrag.evaluation.reports.style import STYLE
from vrag.evaluation.reports.tables import Table, facts, metric_name, tables, written
from vrag.evaluation.results.results import Results
from vrag.evaluation.results.scoring import Row
from vrag.evaluation.runs.task_run import TaskRun

_FOLDED = ("By language", "Beside published figures")
_MANY = 40  # rows that are folded away


def to_html(results: Results, runs: Sequence[TaskRun]) -> str:
    """The report as a page of HTML."""
    heading = title(results)
    quality, *others = tables(results)
    body = [
        f"<header><h1>{escape(heading)}</h1>{summary_html(results)}</header>",
        *charts_html(results["results"]),
        table_html(quality),
        *map(table_html, others),
        *(_questions(run, results["results"]) for run in runs),
        facts_html(facts(results)),
    ]
    return page_html(heading, body)


def page_html(heading: str, body: Sequence[str]) -> str:
    """A page that needs no other file, of parts that are HTML."""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
        f"content='width=device-width, initial-scale=1'><title>{escape(heading)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def facts_html(known: Iterable[tuple[str, str]]) -> str:
    """How results were made."""
    made = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in known)
    return f"<h2>How this was made</h2><dl>{made}</dl>"


def summary_html(results: Results) -> str:
    """What was measured, in a line."""
    task = results["tasks"][0]
    pages = sum(t["pages"] for t in results["tasks"])
    judged = sum(t["judged"] for t in results["tasks"])
    parts = (
        f"model <b>{escape(task['model']['name'])}</b>",
        f"pipeline <b>{escape(task['pipeline']['name'])}</b>",
        f"<b>{pages:,}</b> pages",
        f"<b>{judged:,}</b> questions",
        escape(results["measured"]["date"][:10]),
        f"vrag {escape(results['vrag'])}",
    )
    return f"<p class='summary'>{' · '.join(parts)}</p>"


def charts_html(rows: Sequence[Row]) -> list[str]:
    """One chart a metric that tasks are ranked by."""
    charts = []
    for metric in dict.fromkeys(row["metric"] for row in rows):
        mine = [row for row in rows if row["metric"] == metric]
        bars = [_chart_bar(row) for row in mine]
        chart = bar_chart(bars, f"{metric_name(metric)} by task, scope and cascade")
        charts.append(f"<h2>{metric_name(metric)}</h2>{chart}<p class='note'>Lines: 95 % bootstrap intervals.</p>")
    return charts


def _chart_bar(row: Row) -> Bar:
    label = written(row["score"], row["queries"])
    return Bar(f"{row['task']} · {row['scope']}", row["cascade"], row["score"], *_interval(row), label)


def _interval(row: Row) -> tuple[float, float]:
    low, high = row["intervals"].get(row["metric"], (row["score"], row["score"]))
    return low, high


def table_html(table: Table) -> str:
    """A table with its heading and note."""
    numeric = [name.startswith(">") for name in table.head]
    head = "".join(_cell("th", name.lstrip(">"), n) for name, n in zip(table.head, numeric, strict=True))
    rows = "".join(
        f"<tr>{''.join(_cell('td', cell, n) for cell, n in zip(row, numeric, strict=True))}</tr>" for row in table.rows
    )
    note = f"<p class='note'>{escape(table.note)}</p>" if table.note else ""
    body = f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{note}"
    if table.title not in _FOLDED or len(table.rows) < _MANY:
        return f"<h2>{escape(table.title)}</h2>{body}"
    return f"<h2>{escape(table.title)}</h2><details><summary>{len(table.rows)} rows</summary>{body}</details>"


def _cell(tag: str, text: str, numeric: bool) -> str:
    value, bracket, interval = text.partition(" [")
    shown = f"{escape(value)} <small>[{escape(interval)}</small>" if bracket and numeric else escape(text)
    return f"<{tag}{' class=n' if numeric else ''}>{shown}</{tag}>"


def _questions(run: TaskRun, rows: Sequence[Row]) -> str:
    parts = []
    for scope in dict.fromkeys(cascade.scope for cascade in run.runs):
        mine = [row for row in rows if row["task"] == run.task.name and row["scope"] == scope]
        parts.append(f"<h3>{escape(run.task.name)} · {escape(scope)}</h3>{questions_html(run, scope, mine)}")
    return f"<h2>Questions of {escape(run.task.name)}</h2>{''.join(parts)}"
