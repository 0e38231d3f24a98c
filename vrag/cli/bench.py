"""`vrag bench`: queries a second and recall against corpus size, beside what else one could use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vrag.cli import output, tables
from vrag.cli.asked_rows import QUESTIONS
from vrag.cli.place import LONGEST_S, WAIT_S, WaitOption, check_writable, finite
from vrag.errors import UsageError
from vrag.settings import find_index

if TYPE_CHECKING:
    from vrag.bench.ingesting import IngestRow
    from vrag.bench.measure import SpeedRow
    from vrag.bench.run import Report
    from vrag.bench.vectors import AskedQuery
    from vrag.index import Index


_NAMES = ("system", "cascade")
_VALUES = (
    "pages",
    "x exact",
    "recall\n@10",
    "NDCG\nkept",
    "asked:\nrecall",
    "asked:\nNDCG kept",
    "queries/s",
    "median\nms",
    "p95\nms",
    "queries",
    "build\ns",
)
_SPARE = ("p95\nms", "build\ns", "x exact", "asked:\nrecall", "asked:\nNDCG kept", "NDCG\nkept", "queries")


def bench(
    sizes: Annotated[str, typer.Option(help="Numbers of pages, with commas between.")] = "1000,5000,20000",
    index: Annotated[
        Path | None, typer.Option(help="Index whose vectors are resampled; default: nearest .vrag.")
    ] = None,
    queries: Annotated[int, typer.Option(min=1, help="How many queries of each kind to ask every system.")] = 20,
    questions: Annotated[
        Path | None,
        typer.Option(allow_dash=True, help=f"Ask these besides pieces of the pages' text. {QUESTIONS}; - reads stdin."),
    ] = None,
    rows: Annotated[int, typer.Option(min=32, help="Vectors of a page.")] = 1024,
    dim: Annotated[int, typer.Option(min=8, help="Dimension of a vector; larger ones are projected.")] = 128,
    peers: Annotated[bool, typer.Option("--peers/--no-peers", help="Measure other libraries too.")] = True,
    seconds: Annotated[
        float,
        typer.Option(min=1, max=LONGEST_S, callback=finite, help="Seconds that each system may search at each size."),
    ] = 300,
    ingest: Annotated[Path | None, typer.Option(help="Measure the ingest of these PDFs too, stage by stage.")] = None,
    ingest_pages: Annotated[int, typer.Option(min=1, help="At most so many pages of --ingest.")] = 60,
    csv: Annotated[Path | None, typer.Option(help="Write the rows to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture (PNG) to this file.")] = None,
    work: Annotated[Path | None, typer.Option(help="Folder for the stores: 0.8 MB a page, removed at the end.")] = None,
    wait: WaitOption = WAIT_S,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Measure queries a second and recall against corpus size.

    Pages are resampled from the vectors of an index, so any size is possible. The output says how.

    Example: vrag bench --sizes 1000,5000 --questions questions.jsonl --csv bench.csv --plot bench.png
    """
    from vrag.bench.ingesting import IngestBench
    from vrag.bench.run import Bench
    from vrag.bench.speed_plot import matplotlib_classes, write_csv, write_plot
    from vrag.bench.vectors import VectorCorpus, read_source
    from vrag.index import Index

    wanted = _sizes(sizes)
    check_writable(csv, plot)
    if plot:
        matplotlib_classes()  # or an hour of measuring ends with its being missing
    with Index.hold(find_index(index), force=True, wait=wait) as opened:
        corpus = VectorCorpus(read_source(opened, queries, dim, _questions(questions, opened)), rows)
    stages = IngestBench(ingest, ingest_pages, output.note).run() if ingest else []
    report = Bench(corpus, wanted, peers, work, output.note, seconds).run()
    if csv:
        write_csv(report.rows, csv)
    if plot:
        write_plot(report.rows, plot)
    if json:
        facts = {"vectors": report.vectors, "machine": report.machine, "notes": list(report.notes)}
        memory = [{**asdict(one), "total": one.total} for one in report.memory]
        rows_json = list(map(asdict, report.rows))
        output.data({"rows": rows_json, "memory": memory, "ingest": list(map(asdict, stages)), **facts})
    else:
        _print(report, stages)
    return 0


def _questions(source: Path | None, index: Index) -> list[AskedQuery]:
    from vrag.bench.vectors import AskedQuery
    from vrag.tuning.queries import read_queries

    read = read_queries(source, index, None, 0) if source else []
    right = [[key.rpartition("#") for key, grade in query.grades.items() if grade > 0] for query in read]
    return [
        AskedQuery(query.text, frozenset((doc, int(page)) for doc, _, page in pages), is_question=True)
        for query, pages in zip(read, right, strict=True)
    ]


def _sizes(text: str) -> Sequence[int]:
    parts = [part.strip().replace("_", "") for part in text.split(",")]
    if not all(part.isdecimal() and int(part) >= 10 for part in parts):
        raise UsageError(f"--sizes {text!r} must be whole numbers of at least 10.", "e.g. --sizes 1000,5000")
    return [int(part) for part in parts]


def _print(report: Report, stages: Sequence[IngestRow]) -> None:
    tables.numbers(_NAMES, _VALUES, map(_cells, report.rows), _SPARE)
    for stage in stages:
        output.line(f"{stage.pages_per_s:9.2f} pages/s  {stage.stage}")
    for line in (
        *(one.describe() for one in report.memory),
        report.vectors,
        f"Machine: {report.machine}.",
        *report.notes,
    ):
        output.line(line)


def _cells(row: SpeedRow) -> Sequence[str]:
    kept = (row.recall_at_10, row.ndcg_kept, row.questions_recall_at_10, row.questions_ndcg_kept)
    quality = (f"{row.ratio:.1f}", *("-" if value is None else f"{value:.3f}" for value in kept))
    speed = (f"{row.qps:.1f}", f"{row.median_ms:.1f}", f"{row.p95_ms:.1f}")
    return (row.system, row.cascade, f"{row.pages:,}", *quality, *speed, str(row.queries), f"{row.build_s:.0f}")
