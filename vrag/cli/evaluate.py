"""`vrag eval`: benchmarks by name or folder to reports; its sub-commands work on what it made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import eval_answers, eval_tools, output, tables
from vrag.cli.completion import complete_cascades
from vrag.cli.eval_options import CacheOption, OutOption, ResumeOption, default_cache, eval_place
from vrag.cli.eval_progress import asked_with_bars, tell_missing
from vrag.cli.help import HelpfulCommand, HelpfulGroup
from vrag.cli.model_options import (
    BatchSizeOption,
    DeviceOption,
    DTypeName,
    DTypeOption,
    ModelOption,
    PipelineOption,
    QueryTokensName,
    QueryTokensOption,
    RandomWeightsOption,
    RevisionOption,
    model_options,
)
from vrag.cli.place import WAIT_S, TimeoutOption, WaitOption, path_option

if TYPE_CHECKING:
    from vrag.evaluation.evaluate import Evaluation


class BenchmarksOrCommand(HelpfulGroup):
    """A group whose first word is one of its commands, or else a benchmark of its own command."""

    allow_interspersed_args = True  # options may follow the benchmarks

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Leave everything to the command that the first word names; without one take all words as benchmarks."""
        if not args or args[0] not in self.commands:
            return super().parse_args(ctx, args)
        super().parse_args(ctx, [])
        ctx._protected_args, ctx.args = args[:1], args[1:]
        rest: list[str] = ctx.args
        return rest


app = typer.Typer(
    cls=BenchmarksOrCommand,
    invoke_without_command=True,
    subcommand_metavar="",
    rich_markup_mode=None,
    help="Measure how well and how fast pages are found.\n\nExample: vrag eval ./my-benchmark --cascade exact",
)

app.command("compare", cls=HelpfulCommand)(eval_tools.compare)
app.command("gate", cls=HelpfulCommand)(eval_tools.gate)
app.command("answers", cls=HelpfulCommand)(eval_answers.answers)
app.command("make", cls=HelpfulCommand)(eval_tools.make)


@app.callback()
def evaluate(
    ctx: typer.Context,
    benchmarks: Annotated[
        list[str] | None,
        typer.Argument(
            help="vidore, vidore-v2, vidore-v2/esg_reports, folders, or files of questions.", metavar="BENCHMARK..."
        ),
    ] = None,
    cascade: Annotated[
        list[str] | None, typer.Option(autocompletion=complete_cascades, help="Cascade to measure; may be repeated.")
    ] = None,
    pipeline: PipelineOption = None,
    model: ModelOption = None,
    index: Annotated[Path | None, path_option("Use this index of the corpus instead of a cached one.")] = None,
    url: Annotated[list[str] | None, typer.Option(help="Keep the index on this server; needs --collection.")] = None,
    collection: Annotated[str | None, typer.Option(help="Collection on the server, for this corpus alone.")] = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    device: DeviceOption = "auto",
    dtype: DTypeOption = DTypeName.auto,
    batch_size: BatchSizeOption = "auto",
    revision: RevisionOption = None,
    query_tokens: QueryTokensOption = QueryTokensName.all,
    allow_random_weights: RandomWeightsOption = False,
    data: Annotated[Path | None, typer.Option(envvar="VRAG_VIDORE_DIR", help="Folder of copies of data sets.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="Ask questions of this language only; repeatable.")] = None,
    limit_queries: Annotated[
        int | None, typer.Option(min=1, help="Ask only the first so many questions of each language.")
    ] = None,
    union: Annotated[bool, typer.Option("--union", help="Also search the pages of all benchmarks together.")] = False,
    depth: Annotated[int, typer.Option(min=10, max=1000, help="Hits of each search that are judged.")] = 100,
    resume: ResumeOption = True,
    out: OutOption = Path("vrag-eval"),
    cache: CacheOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print results and report paths as JSON.")] = False,
) -> int:
    """Measure retrieval quality and speed on benchmarks, and write reports. An interrupted run goes on.

    Example: vrag eval ./my-benchmark --cascade exact --cascade two-stage
    """
    if ctx.invoked_subcommand:
        return 0
    from vrag.evaluation.benchmarks.resolve import load_tasks, places
    from vrag.evaluation.benchmarks.task import Options
    from vrag.evaluation.evaluate import evaluate_tasks

    options = Options(
        out=out,
        cache=cache or default_cache(),
        cascades=tuple(dict.fromkeys(cascade or ())),
        pipeline=pipeline,
        model=model,
        how=model_options(device, dtype, batch_size, revision, query_tokens, allow_random_weights),
        place=eval_place(index, url, collection, timeout, wait),
        wait=wait,
        languages=tuple(language or ()),
        limit_queries=limit_queries,
        depth=depth,
        resume=resume,
        union=union,
    )
    with asked_with_bars() as watcher:
        tasks = load_tasks(benchmarks or (), places(options.cache, data, output.note))
        evaluation = evaluate_tasks(tasks, options, watcher)
    _tell(evaluation, json)
    return 0 if evaluation.complete else 1


def _tell(evaluation: Evaluation, as_json: bool) -> None:
    from vrag.evaluation.results.results import public_rows

    rows = public_rows(evaluation.results)
    if as_json:
        output.data({"results": rows, "reports": evaluation.reports})
    else:
        values = ("queries", "NDCG\n@5", "NDCG\n@10", "95 %", "Recall\n@10", "queries\n/s")
        spare = ("95 %", "queries\n/s", "NDCG\n@5")
        tables.numbers(("task", "scope", "cascade"), values, map(_cells, rows), spare)
        output.line("")
        tables.facts(evaluation.reports.items())
    tell_missing(evaluation.runs)


def _cells(row: dict[str, Any]) -> list[str]:
    from vrag.evaluation.reports.tables import written

    values = (row["ndcg_at_5"], row["ndcg_at_10"], *row["intervals"]["ndcg_at_10"], row["recall_at_10"])
    five, ten, low, high, recall = (written(value, row["queries"]) for value in values)
    means = (five, ten, f"{low} to {high}", recall)
    return [row["task"], row["scope"], row["cascade"], str(row["queries"]), *means, f"{row['queries_per_second']:.1f}"]
