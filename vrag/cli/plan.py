"""`vrag plan`: what an index will cost, before anything is embedded but a sample."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output, tables
from vrag.cli.model_options import ModelOption, PipelineOption
from vrag.cli.place import IndexOption, finite, named_path
from vrag.errors import UsageError
from vrag.runtime.units import counted, size
from vrag.settings import index_for_writing

if TYPE_CHECKING:
    from vrag.planning.estimate import Estimate, Sample, VectorSample

_GB = 10**9


def plan(
    paths: Annotated[
        list[Path] | None, typer.Argument(parser=named_path, help="PDFs, images, or folders of them.")
    ] = None,
    pages: Annotated[
        int | None, typer.Option(min=1, help="Plan for this many pages instead of those of PATHS.")
    ] = None,
    pipeline: PipelineOption = None,
    model: ModelOption = None,
    sample: Annotated[
        int, typer.Option(min=1, max=1000, help="How many pages of PATHS to embed for the measurement.")
    ] = 8,
    node_memory: Annotated[
        float, typer.Option(min=1, max=1_000_000, callback=finite, help="Memory of one node of a cluster, GB.")
    ] = 64,
    node_disk: Annotated[
        float, typer.Option(min=1, max=1_000_000, callback=finite, help="Disk of one node of a cluster, GB.")
    ] = 2000,
    index: IndexOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Estimate size, time and machines before anything is indexed. A sample of pages is embedded to measure it.

    Example: vrag plan ./pdfs --pages 1000000
    """
    from vrag.embedders.families import load_embedder
    from vrag.pipeline.choosing import choose_pipeline
    from vrag.planning.estimate import Machine, estimate
    from vrag.planning.probing import measure_made_up, this_machine

    if not paths and pages is None:
        raise UsageError("Name documents, or a number of pages.", "e.g. vrag plan ./pdfs, or vrag plan --pages 100000")
    chosen = choose_pipeline(pipeline, model)
    embedder = load_embedder(chosen.model)
    looked: dict[str, Any] = {"documents": None, "failed": []}
    if paths:
        measured, looked, found = _look(paths, sample, chosen, embedder)
        pages = pages or found
    else:
        measured = measure_made_up(chosen, embedder)
    assert pages is not None
    here = this_machine(index_for_writing(index).absolute())
    node = Machine(int(node_memory * _GB), int(node_disk * _GB))
    result = estimate(measured, pages, here, node, chosen.server)
    facts = {"pipeline": chosen.name, "model": chosen.model, **looked, "sample": _sample(measured)}
    facts |= {"estimate": asdict(result), "machine": asdict(here), "node": asdict(node)}
    if json:
        output.data(facts)
    else:
        _print(facts, measured, result)
    return 0


def _look(paths: list[Path], sample: int, chosen: Any, embedder: Any) -> tuple[Sample, dict[str, Any], int]:
    from vrag.pages.files import find_files
    from vrag.pages.workers import PageWorkers, count_pages
    from vrag.planning.probing import measure_files

    files = find_files(paths)
    with PageWorkers(chosen.page_spec(embedder.page_spec), os.cpu_count() or 1) as workers:
        counts, failed = count_pages(files, workers)
        measured = measure_files(counts, sample, workers, chosen, embedder)
    return measured, {"documents": len(counts), "failed": failed}, sum(counts.values())


def _sample(sample: Sample) -> dict[str, Any]:
    facts = asdict(sample)
    facts["disk_a_page"] = sample.disk.a_page
    facts["vectors"] = [{**asdict(v), "bytes_a_page": v.bytes_a_page} for v in sample.vectors]
    return facts


def _print(facts: dict[str, Any], sample: Sample, result: Estimate) -> None:
    node = facts["node"]
    documents = f" of {counted(facts['documents'], 'document')}" if facts["documents"] is not None else ""
    rows = {
        "pages": f"{result.pages:,}{documents}",
        "pipeline": f"{facts['pipeline']}, model {facts['model']}",
        "measured on": f"{sample.source}: {sample.seconds_a_page:.2f} s a page",
        "embedding": f"{_duration(result.embed_seconds)} on this machine",
        "disk": f"{size(result.disk)} ({size(result.disk / result.pages)} a page)",
        "memory": f"{size(result.memory)} scanned by first stages",
        "on a server": f"{size(result.server_disk)} of disk, {size(result.server_memory)} in memory, each copy",
        "cluster": f"{counted(result.nodes, 'node')} of {size(node['memory'])} memory, {size(node['disk'])} disk",
    }
    tables.facts(rows.items())
    output.line("")
    heads = ("rows", "dim", "bytes a page", "all pages", "one exact scan")
    tables.numbers(("vector",), heads, [_vector(vector, result) for vector in sample.vectors])
    for text in (*facts["failed"], *result.notes):
        output.note(text)


def _vector(vector: VectorSample, result: Estimate) -> tuple[str, ...]:
    total, scan = size(vector.bytes_a_page * result.pages), f"{result.scan_seconds[vector.name]:,.3f} s"
    return vector.name, f"{vector.rows:.1f}", str(vector.dim), f"{vector.bytes_a_page:,.0f}", total, scan


def _duration(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.1f} hours" if hours >= 1 else f"{seconds / 60:.1f} minutes"
