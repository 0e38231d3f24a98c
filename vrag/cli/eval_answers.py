"""`vrag eval answers`: how right the answers of `vrag ask` are, measured without a judge model."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output, tables
from vrag.cli.eval_options import CacheOption, OutOption, ResumeOption, default_cache
from vrag.cli.eval_progress import asked_with_bars, tell_missing
from vrag.cli.llm_options import LlmModelOption, LlmOption, LlmSeesOption, NoLlmOption, SeesName, chosen_llm
from vrag.cli.model_options import DeviceOption, DTypeName, DTypeOption, ModelOption, PipelineOption, model_options
from vrag.cli.place import WAIT_S, WaitOption, path_option
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.evaluation.evaluate_answers import AnswerEvaluation


class ScopeName(str, Enum):
    """Pages that a question is asked of."""

    document = "document"
    union = "union"


def answers(
    folders: Annotated[
        list[str],
        typer.Argument(
            help="Benchmarks with answers.jsonl, or files of questions with answers.", metavar="BENCHMARK..."
        ),
    ],
    index: Annotated[
        list[Path] | None, path_option("Use this index of the corpus instead of a cached one; one for each folder.")
    ] = None,
    scope: Annotated[
        list[ScopeName] | None, typer.Option(help="Ask the question's document, or all pages; default: both.")
    ] = None,
    k: Annotated[int, typer.Option("-k", "--top", min=1, help="Pages to look at.")] = 5,
    llm: LlmOption = None,
    llm_model: LlmModelOption = None,
    llm_sees: LlmSeesOption = SeesName.auto,
    no_llm: NoLlmOption = False,
    pipeline: PipelineOption = None,
    model: ModelOption = None,
    wait: WaitOption = WAIT_S,
    device: DeviceOption = "auto",
    dtype: DTypeOption = DTypeName.auto,
    limit_queries: Annotated[
        int | None,
        typer.Option(min=1, help="Ask only the first so many questions with an answer, and as many without."),
    ] = None,
    resume: ResumeOption = True,
    out: OutOption = Path("vrag-answers"),
    cache: CacheOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print results and report paths as JSON.")] = False,
) -> int:
    """Measure answers, their quotes and the pages they cite, without a model as judge. An interrupted run goes on.

    Without --llm the answers are quotes, word for word.

    Example: vrag eval answers ./my-benchmark --scope document
    """
    from vrag.evaluation.benchmarks.resolve import load_folders
    from vrag.evaluation.benchmarks.task import Options
    from vrag.evaluation.evaluate_answers import evaluate_answers
    from vrag.evaluation.runs.answer_runs import AnswerOptions
    from vrag.places.place import FolderPlace

    chosen = chosen_llm(llm, llm_model, llm_sees, no_llm)
    options = Options(
        out=out,
        cache=cache or default_cache(),
        pipeline=pipeline,
        model=model,
        how=model_options(device, dtype),
        wait=wait,
        limit_queries=limit_queries,
        resume=resume,
    )
    asked = AnswerOptions(options, k, tuple(dict.fromkeys(one.value for one in scope or ())), chosen)
    if chosen:
        author = chosen.model or "the first model"
        output.note(f"Answers are written by {author} at {chosen.url}, which is sent the pages.")
    with asked_with_bars() as watcher:
        places = [FolderPlace(one, wait) for one in index or ()]
        evaluation = evaluate_answers(load_folders(folders), asked, watcher, places)
    _tell(evaluation, json)
    return 0 if evaluation.complete else 1


def _tell(evaluation: AnswerEvaluation, as_json: bool) -> None:
    from vrag.evaluation.results.results import public_rows

    rows = public_rows(evaluation.results)
    if as_json:
        output.data({"results": rows, "reports": evaluation.reports})
    else:
        values = ("questions", "shown\nin 1", "shown\nin 3", "literal", "cited\n@1", "cited\nF1", "attrib.\naccuracy",
                  "accuracy", "supported", "unans.\nF1")  # fmt: skip
        spare = ("questions", "supported", "literal", "shown\nin 3", "cited\n@1")
        tables.numbers(("task", "scope"), values, map(_cells, rows), spare)
        output.line("")
        tables.facts(evaluation.reports.items())
    tell_missing([task.run for task in evaluation.tasks])
    for reason, count in Counter(evaluation.failures).most_common(5):
        output.note(f"{counted(count, 'question')} without an answer of the model: {reason}")


def _cells(row: dict[str, Any]) -> list[str]:
    shown = [_written(row, f"shown_in_{count}") for count in (1, 3)]
    names = ("citation_precision_at_1", "citation_f1", "attributed_accuracy", "accuracy", "quotes_supported",
             "unanswerable_f1")  # fmt: skip
    count = str(row["counts"]["shown_in_1"])
    return [row["task"], row["scope"], str(row["queries"]), *shown, count, *(_written(row, name) for name in names)]


def _written(row: dict[str, Any], name: str) -> str:
    from vrag.evaluation.reports.tables import written

    value = row.get(name)
    return "–" if value is None else written(value, row["queries"])
