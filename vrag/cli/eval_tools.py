"""`vrag eval compare`, `gate` and `make`: what is done with results, and before there are any."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vrag.cli import output, tables
from vrag.cli.place import finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vrag.evaluation.results.compare import Comparison

GATE_FAILED = 3

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MetricOption = Annotated[
    str | None, typer.Option(help="ndcg_at_5, ndcg_at_10, recall_at_10 or mrr; default: each task's own.")
]


def compare(
    first: Annotated[Path, typer.Argument(help="results.json, or a folder of reports.")],
    second: Annotated[Path, typer.Argument(help="The results to compare it with.")],
    metric: MetricOption = None,
    json: JsonOption = False,
) -> int:
    """Compare two results question by question, with intervals and significance tests.

    Example: vrag eval compare before/results.json after/results.json
    """
    from vrag.evaluation.results.compare import compare as compare_results
    from vrag.evaluation.results.results import read_results

    found = compare_results(read_results(first), read_results(second), metric)
    if json:
        output.data({"comparisons": [comparison.as_json() for comparison in found]})
    else:
        _print(found)
    return 0


def gate(
    results: Annotated[Path, typer.Argument(help="The results to judge.")] = Path("vrag-eval"),
    baseline: Annotated[Path, typer.Option(help="The results.json to compare with.")] = ...,  # type: ignore[assignment]
    max_drop: Annotated[
        float, typer.Option(min=0, max=1, callback=finite, help="Drop of the mean score that is allowed.")
    ] = 0.01,
    alpha: Annotated[
        float, typer.Option(min=0, max=1, callback=finite, help="A drop counts when its p-value is below this.")
    ] = 0.05,
    metric: MetricOption = None,
    json: JsonOption = False,
) -> int:
    """Exit with code 3 when quality fell below a baseline, by more than --max-drop and by more than chance.

    Example: vrag eval gate --baseline baseline.json --max-drop 0.01
    """
    from vrag.evaluation.results.compare import compare as compare_results
    from vrag.evaluation.results.compare import unmatched
    from vrag.evaluation.results.results import read_results

    before, after = read_results(baseline), read_results(results)
    found = compare_results(before, after, metric)
    fallen = [comparison for comparison in found if comparison.fell(max_drop, alpha)]
    missing = unmatched(before, after)
    if json:
        rows = [{**comparison.as_json(), "fell": comparison in fallen} for comparison in found]
        output.data({"passed": not fallen and not missing, "comparisons": rows, "missing": [list(m) for m in missing]})
    else:
        _print(found)
    for comparison in found:
        if -comparison.difference > max_drop and comparison not in fallen:
            output.note(f"May be chance: {_place(comparison)}: {comparison.difference:+.4f} over "
                        f"{comparison.queries} questions, p = {comparison.p_value:.4f}.")  # fmt: skip
    for comparison in fallen:
        output.note(f"Fell: {_place(comparison)}: {comparison.metric} by {-comparison.difference:.4f}, "
                    f"p = {comparison.p_value:.4f}.")  # fmt: skip
    for task, scope, cascade in missing:
        output.note(f"Missing: the baseline has {task}, {scope}, {cascade}; these results do not.")
    if fallen or missing:
        return GATE_FAILED
    output.note(f"Passed: nothing fell by more than {max_drop:g} beyond chance.")
    return 0


def make(
    questions: Annotated[
        Path, typer.Argument(allow_dash=True, help="File of questions (CSV or JSONL) with the pages that answer them.")
    ],
    documents: Annotated[Path, typer.Argument(help="Folder of the PDFs and images.")],
    out: Annotated[Path, typer.Option(help="Benchmark folder to make.")] = Path("benchmark"),
    json: JsonOption = False,
) -> int:
    """Make a benchmark of your own documents and questions. Every row is checked first.

    With a column "answer" you can run vrag eval answers. A row without a page is then a question that nothing answers.

    Example: vrag eval make questions.csv ./pdfs --out my-benchmark
    """
    from vrag.evaluation.benchmarks.make import make_benchmark

    made = make_benchmark(questions, documents, out)
    counts = {key: value for key, value in asdict(made).items() if key != "folder"}
    if json:
        output.data({"benchmark": str(made.folder), **counts})
    else:
        has_answers = made.answers or made.unanswerable
        more = f", {made.answers} answers, {made.unanswerable} without an answer" if has_answers else ""
        output.line(
            f"{made.folder}: {made.documents} documents, {made.pages} pages, {made.queries} questions, "
            f"{made.labels} labels{more}",
        )
        output.note(f"Next: vrag eval {'answers ' if made.answers else ''}{made.folder}")
    return 0


def _print(comparisons: Sequence[Comparison]) -> None:
    names = ("task", "scope", "cascade", "metric")
    values = ("queries", "first", "second", "change", "95 %", "p")
    tables.numbers(names, values, map(_cells, comparisons), spare=("95 %", "queries", "metric"))


def _cells(c: Comparison) -> list[str]:
    low, high = c.interval
    means = (f"{c.first:.4f}", f"{c.second:.4f}", f"{c.difference:+.4f}", f"{low:+.3f} to {high:+.3f}")
    return [c.task, c.scope, _cascades(c), c.metric, str(c.queries), *means, f"{c.p_value:.4f}"]


def _place(comparison: Comparison) -> str:
    return f"{comparison.task}, {comparison.scope}, {_cascades(comparison)}"


def _cascades(comparison: Comparison) -> str:
    one, other = comparison.first_cascade, comparison.second_cascade
    return one if one == other else f"{one} → {other}"
