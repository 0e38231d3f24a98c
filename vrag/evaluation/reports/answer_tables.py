"""What the Markdown and the HTML report of answers both say, as titled tables of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vrag.evaluation.reports.tables import Table, corpora, facts, metric_name, with_interval
from vrag.evaluation.results.results import Results

_RIGHT = ("attributed_accuracy", "accuracy", "exact_match", "f1", "unanswerable_f1")
_QUOTED = ("shown_in_1", "shown_in_3", "region_hit", "quotes_supported", "claims_supported")
_CITED = ("citation_precision_at_1", "citation_precision", "citation_recall", "citation_f1")

_RIGHT_NOTE = (
    "In brackets: 95 % bootstrap intervals over questions. Attributed accuracy: the answer and a page that it rests on "
    "are right."
)
_LITERAL = (
    "Shown: the answer stands in the first quote, or in one of the first three, of the questions whose answer (Str, "
    "Int, Float) stands on a labelled page as it is; literal says how many these are."
)


def answer_tables(results: Results) -> list[Table]:
    """The report's tables in their order."""
    rows: Sequence[Mapping[str, Any]] = results["results"]
    return [
        Table("Answers", _head(_RIGHT), tuple(_cells(row, _RIGHT) for row in rows), _RIGHT_NOTE),
        Table("Pages cited", _head(_CITED), tuple(_cells(row, _CITED) for row in rows), "Beside the labelled pages."),
        Table("Quotes", (*_head(_QUOTED), ">literal"), tuple(_quoted(row) for row in rows), _LITERAL),
        _speed(rows),
        corpora(results),
    ]


def answer_facts(results: Results) -> list[tuple[str, str]]:
    """How the answers were made, as pairs."""
    models = dict.fromkeys(row["model"] or "quotes, word for word" for row in results["results"])
    return [("answers", ", ".join(models)), *facts(results)]


def _head(metrics: Sequence[str]) -> tuple[str, ...]:
    return ("task", "scope", ">questions", *(f">{metric_name(key)}" for key in metrics))


def _cells(row: Mapping[str, Any], metrics: Sequence[str]) -> tuple[str, ...]:
    return row["task"], row["scope"], str(row["queries"]), *(with_interval(row, key) for key in metrics)


def _quoted(row: Mapping[str, Any]) -> tuple[str, ...]:
    return *_cells(row, _QUOTED), str(row["counts"]["shown_in_1"])


def _speed(rows: Sequence[Mapping[str, Any]]) -> Table:
    times = [(row["task"], row["scope"], row["measured"]) for row in rows]
    cells = tuple((task, scope, f"{m['median_ms']:.0f}", f"{m['p95_ms']:.0f}") for task, scope, m in times)
    return Table("Speed", ("task", "scope", ">median ms", ">p95 ms"), cells, "One question after the other.")
