"""Prints the tables of docs/performance/scale.md: a sample measured here, and the formulas of vrag.planning.estimate.

    python eval/scale.py PDFS...     # documents for the built-in pipeline, e.g. eval/samples/pdfs

The built-in pipeline is measured on the documents. ColPali's shape (1,024 patches of dimension 128, rows of 32, one
mean) is measured with random vectors, which says what storage and scans cost, and nothing about embedding.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vrag.embedders.families import load_embedder
from vrag.embedders.protocol import PageVectors, QueryVectors
from vrag.grid import Grid, Tile
from vrag.pages.files import find_files
from vrag.pages.page import Page
from vrag.pages.workers import PageWorkers, count_pages
from vrag.pipeline.pipeline import load_pipeline, make_pipeline
from vrag.planning.estimate import GB, Machine, Sample, estimate, memory_a_page
from vrag.planning.probing import measure_files, measure_made_up
from vrag.pooling.poolings import normalise
from vrag.store.layout import ServerLayout

SIZES = (10_000, 1_000_000, 100_000_000)
NODE = Machine(64 * GB, 2000 * GB)
EVERYTHING = Machine(1 << 60, 1 << 60)
PATCHES = make_pipeline(
    "patches",
    {"vectors": {"rows": {"pooling": "rows"}, "global": {"pooling": "mean", "single": True}}},
    "eval/scale.py",
)


class RandomPatches:
    """Vectors of ColPali's shape, of no meaning."""

    dim = 128
    mean = None

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def embed_pages(self, pages: Sequence[Page]) -> list[PageVectors]:
        """Float32 [1024, 128] a page."""
        grid = Grid.patches([Tile(32, 32)])
        return [PageVectors(normalise(self._rng.normal(size=(1024, 128))), grid) for _ in pages]

    def embed_query(self, text: str) -> QueryVectors:
        """Float32 [20, 128]."""
        return QueryVectors(normalise(self._rng.normal(size=(20, 128))), ("x",) * 20)


def builtin(paths: Sequence[str]) -> Sample:
    """The built-in pipeline on documents."""
    pipeline, embedder = load_pipeline("builtin"), load_embedder("builtin")
    with PageWorkers(pipeline.page_spec(embedder.page_spec), os.cpu_count() or 1) as workers:
        counts, _ = count_pages(find_files([Path(path) for path in paths]), workers)
        return measure_files(counts, 32, workers, pipeline, embedder)


def show(name: str, sample: Sample, hours: str) -> None:
    """The two tables of one pipeline."""
    print(f"\n### {name}\n\n| vector | rows | d | bytes a page, float16 | exact scan, µs a page |")
    print("| --- | --- | --- | --- | --- |")
    for v in sample.vectors:
        print(f"| `{v.name}` | {v.rows:.1f} | {v.dim} | {v.bytes_a_page:,.0f} | {v.scan_us:.1f} |")
    print(f"\nWords and boxes {sample.payload_a_page:,.0f} B, on disk in all {sample.disk.a_page:,.0f} B a page.\n")
    print(
        f"| pages | disk | memory | memory, binary | nodes | nodes, binary | scans a second, pooled | {hours} hours |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for pages in SIZES:
        plain, binary = (
            estimate(sample, pages, EVERYTHING, NODE, ServerLayout(replication=2, quantization=q))
            for q in ("none", "binary")
        )
        scans = 1 / plain.scan_seconds[sample.vectors[1].name]
        small = pages * memory_a_page(sample.vectors, "binary") / GB
        print(
            f"| {pages:,} | {plain.disk / GB:,.1f} GB | {plain.memory / GB:,.1f} GB | {small:,.1f} GB "
            f"| {plain.nodes} | {binary.nodes} | {scans:,.3g} | {plain.embed_seconds / 3600:,.1f} |"
        )


def main() -> None:
    """Measure and print."""
    command = " ".join(["python eval/scale.py", *sys.argv[1:]])
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; {command}")
    show("Built-in model, pipeline `builtin`", builtin(sys.argv[1:]), "CPU")
    patches = measure_made_up(PATCHES, RandomPatches())  # type: ignore[arg-type]
    show("ColPali's shape: 1,024 patches, rows, mean", Sample(**{**_fields(patches), "seconds_a_page": 0.1}), "GPU")


def _fields(sample: Sample) -> dict[str, object]:
    return {name: getattr(sample, name) for name in sample.__dataclass_fields__}


if __name__ == "__main__":
    main()
