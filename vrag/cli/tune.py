"""`vrag tune`: compare cascades with scoring every page of one's own index, and choose."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output, tables
from vrag.cli.asked_rows import QUESTIONS
from vrag.cli.completion import complete_cascades
from vrag.cli.place import WAIT_S, CollectionOption, IndexOption, TimeoutOption, UrlOption, WaitOption, finite
from vrag.cli.progress import bar_of_steps
from vrag.cli.tables import TableColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vrag.cascade.cascade import Cascade
    from vrag.index import Index
    from vrag.tuning.queries import TuningQuery
    from vrag.tuning.tune import Measured, Tuning

_DRAWN = 50


def tune(
    index: IndexOption = None,
    queries: Annotated[Path | None, typer.Option(allow_dash=True, help=f"{QUESTIONS}; - reads stdin.")] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="How many queries to ask; default: all of the file, or 50 drawn from the pages."),
    ] = None,
    cascade: Annotated[
        list[str] | None,
        typer.Option(
            autocompletion=complete_cascades, help="Cascade to compare; may be repeated. Default: a range of them."
        ),
    ] = None,
    keep: Annotated[
        float,
        typer.Option(min=0, max=1, callback=finite, help="Share of the reference's top 10 that must still be found."),
    ] = 0.99,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the drawn queries: the same seed draws the same ones.")] = 0,
    apply: Annotated[bool, typer.Option("--apply", help="Make the chosen cascade the index's default.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Write recall against latency to this PNG.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    force: Annotated[bool, typer.Option(help="Tune even if another model made the index.")] = False,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
) -> int:
    """Find the fastest cascade that still finds what scoring every page finds.

    Example: vrag tune --queries questions.jsonl --apply
    """
    from vrag.index import Index
    from vrag.places.place import choose_place
    from vrag.tuning.candidates import with_reordering
    from vrag.tuning.tune import total_steps
    from vrag.tuning.tune import tune as measure
    from vrag.tuning.tuning_plot import check_plot
    from vrag.tuning.tuning_plot import plot as write_plot

    if plot is not None:
        check_plot(plot)
    with Index.hold(choose_place(index, url, collection, timeout, wait), force=force) as opened:
        cascades = _cascades(opened, cascade)
        asked = _queries(opened, queries, sample, seed)
        with bar_of_steps("Searching", total_steps(opened, cascades, asked)) as step:
            tuning = measure(opened, cascades, asked, keep, step)
        facts = {"index": opened.place.name, "pages": opened.page_count, "queries": len(asked)}
        facts["drawn"] = queries is None
        facts["default"] = opened.pipeline.default_cascade
        chosen = with_reordering(opened, tuning.chosen.name or tuning.chosen.cascade)
        if apply:
            opened.set_default_cascade(chosen)
    if plot is not None:
        write_plot(tuning, plot, f"{facts['pages']} pages, {facts['queries']} queries")
        output.note(f"Plot written to {plot}.")
    if json:
        output.data({**facts, **_as_json(tuning), "chosen": chosen, "applied": apply})
    else:
        _print(tuning, facts, chosen, apply)
    return 0


def _cascades(index: Index, texts: Sequence[str] | None) -> list[Cascade]:
    from vrag.tuning.candidates import propose

    return [index.pipeline.cascade(text) for text in texts] if texts else propose(index)


def _queries(index: Index, source: Path | None, sample: int | None, seed: int) -> list[TuningQuery]:
    from vrag.tuning.queries import draw_queries, read_queries

    if source is not None:
        return read_queries(source, index, sample, seed)
    return draw_queries(index, sample or _DRAWN, seed)


def _as_json(tuning: Tuning) -> dict[str, Any]:
    keys = ("cascade", "name", "recall", "ndcg", "median_ms", "p95_ms", "bytes", "pareto")
    rows = [
        {
            **{key: getattr(row, key) for key in keys},
            "interval": list(row.interval),
            "stages": [asdict(stage) for stage in row.stages],
        }
        for row in tuning.rows
    ]
    return {"reference": tuning.reference, "keep": tuning.keep, "rows": rows}


def _print(tuning: Tuning, facts: dict[str, Any], chosen: str, applied: bool) -> None:
    _print_table(tuning)
    origin = "drawn from the pages" if facts["drawn"] else "given"
    output.note(
        f"{facts['queries']} queries {origin}, {facts['pages']} pages. The reference scores every page by "
        f"{tuning.reference!r}. Recall of its top 10, half a 95 % interval, and before the last stages; median and p95 "
        "ms a search; MB read. * no other is both faster and better."
    )
    output.line(
        f"Cheapest that keeps {tuning.keep:.0%} of the reference's top 10: {chosen}"
        f" ({tuning.chosen.recall:.3f}, {tuning.chosen.median_ms:.1f} ms)",
    )
    if applied:
        output.note(f"It is the index's default now (before: {facts['default']}).")
    elif chosen != facts["default"]:
        output.note(f"The default is {facts['default']}; make this one the default with --apply.")


def _print_table(tuning: Tuning) -> None:
    judged = any(row.ndcg is not None for row in tuning.rows)
    heads = ("", "recall", "±", "before", *(["NDCG"] if judged else []), "ms", "p95", "MB")
    columns = [TableColumn("cascade"), *(TableColumn(head, right=True) for head in heads)]
    styles = ["bold" if row is tuning.chosen else "" if row.pareto else "dim" for row in tuning.rows]
    tables.table(columns, [_cells(row, judged) for row in tuning.rows], styles)


def _cells(row: Measured, judged: bool) -> list[str]:
    label = f"{row.cascade} ({row.name})" if row.name and row.name != row.cascade else row.cascade
    ndcg = [] if not judged else [f"{row.ndcg:.3f}" if row.ndcg is not None else "-"]
    return [
        label,
        "*" if row.pareto else "",
        f"{row.recall:.3f}",
        f"{(row.interval.high - row.interval.low) / 2:.3f}",
        " ".join(f"{stage.recall:.3f}" for stage in row.stages[:-1]),
        *ndcg,
        f"{row.median_ms:.1f}",
        f"{row.p95_ms:.1f}",
        f"{row.bytes / 1e6:.1f}",
    ]
