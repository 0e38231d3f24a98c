"""What an index takes on the disk in several forms, and how much of its ranking each of them keeps: a table and a plot.

    python eval/fewer_bytes.py BENCHMARK=INDEX [BENCHMARK=INDEX ...] --folder DIR [--forms builtin compact]
                               [--json FILE] [--plot FILE]
    python eval/fewer_bytes.py --patches 200 --folder DIR
    python eval/fewer_bytes.py --json FILE [FILE ...] --plot FILE

BENCHMARK is a folder as docs/reference/evaluation.md has it, INDEX one of its pages by the built-in model, only read.
Every form is made of the stored vectors in DIR, asked all questions by its default cascade, measured as it was written
and after `vrag compact`, and deleted. Directions are fitted to the other sets' rows, where there are any. `--patches`
measures bytes alone, of made-up pages of 32 x 32 patches of 128 numbers.
With `--json` of earlier runs and no index their rows are printed and drawn together.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from vrag import Index, VragError
from vrag.catalog.documents import KEYS
from vrag.catalog.page_record import page_record, with_sums
from vrag.catalog.payload import page_grid, page_payload, page_words
from vrag.embedders.protocol import PageVectors, QueryVectors
from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.evaluation.numbers.metrics import evaluate
from vrag.grid import FloatArray, Grid, Tile
from vrag.pages.page import Page, Words
from vrag.pipeline.pipeline import CONTEXT, FULL, Pipeline, load_pipeline, make_pipeline
from vrag.places.facts import Facts, write_facts
from vrag.places.opening import open_index
from vrag.places.place import FolderPlace
from vrag.pooling.poolings import make_pooling, normalise
from vrag.runtime.batching import batched
from vrag.settings import SHARD
from vrag.store.edge.manifest import ManifestStore
from vrag.store.interface import Record, Selection

SCOPES = ("union", "document")
METRICS = ("ndcg@10", "recall@10")
_SHARE = 0.1  # of the pages whose rows directions are fitted to
_BATCH = 32
_PATCH_DIM = 128


@dataclass(frozen=True)
class Form:
    """A way to keep the pages of an index.

    Args:
        pipeline: A shipped one.
        table: What its table says otherwise.
        pooling: Name and options of a pooling whose vectors take the place of the rows.
        dims: Directions that rows are cut down to.
    """

    pipeline: str = "builtin"
    table: dict[str, Any] = field(default_factory=dict)
    pooling: tuple[str, dict[str, int | str]] | None = None
    dims: int | None = None

    def made(self) -> Pipeline:
        """The pipeline, under the name of the shipped one."""
        return make_pipeline(self.pipeline, {**load_pipeline(self.pipeline).source, **self.table}, self.pipeline)


def _merged(rows: int, name: str, options: dict[str, int | str]) -> Form:
    """Rows of `rows` words each: a region then has as many words as before."""
    return Form(table={"regions": {"window": 16 // rows, "stride": 8 // rows}}, pooling=(name, options))


FORMS = {
    "builtin": Form(),
    "compact": Form("compact"),
    "one bit": Form("compact", {"bits": {"full": 1, "alone": True}}),
    "clusters of 2": _merged(2, "hierarchical", {"factor": 2}),
    "clusters of 3": _merged(3, "hierarchical", {"factor": 3}),
    "runs of 2": _merged(2, "runs", {"size": 2, "cap": 100_000}),
    "256 directions": Form(dims=256),
    "128 directions": Form(dims=128),
}


@dataclass(frozen=True)
class Row:
    """One form of one index; kB are 1,000 bytes a page.

    Args:
        written: As it is after it was written.
        kept: After `vrag compact`.
        parts: Of `kept`, by what it is for.
        quality: By scope and metric.
    """

    benchmark: str
    form: str
    pages: int
    written: float
    kept: float
    parts: dict[str, float]
    quality: dict[str, dict[str, float]]


class Projected:
    """An embedder whose vectors are cut down to the directions of a basis float32 [d, k]."""

    def __init__(self, embedder: Any, basis: FloatArray) -> None:
        self._embedder, self._basis, self.dim = embedder, basis, basis.shape[1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    @property
    def mean(self) -> FloatArray:
        """The model's mean vector."""
        mean: FloatArray = self._embedder.mean @ self._basis
        return mean

    def embed_query(self, text: str) -> QueryVectors:
        """Rows keep their weight, less what lies in other directions."""
        query = self._embedder.embed_query(text)
        return QueryVectors(np.ascontiguousarray(query.vectors @ self._basis), query.tokens)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, draw; 1 when something cannot be measured."""
    options = _parse(arguments)
    try:
        if options.patches:
            return _print_patches(options.patches, options.folder)
        rows = _earlier(options.json) if not options.sets else _measured(options)
    except VragError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if options.sets and options.json:
        options.json[0].write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    print("\n".join(_table(rows)))
    if options.plot:
        draw(rows, options.plot)
    return 0


def _earlier(files: Sequence[Path]) -> list[Row]:
    return [Row(**row) for file in files or () for row in json.loads(file.read_text(encoding="utf-8"))]


def _measured(options: argparse.Namespace) -> list[Row]:
    sets = [(Path(folder), Path(index)) for folder, _, index in (text.partition("=") for text in options.sets)]
    rows = []
    for folder, index in sets:
        others = [path for _, path in sets if path != index] or [index]
        for name in options.forms:
            form = FORMS[name]
            basis = directions(others, form.dims) if form.dims else None
            with tempfile.TemporaryDirectory(dir=options.folder, prefix="form-") as made:
                rows.append(measure(load_benchmark(folder), index, name, form, basis, Path(made)))
            print("\n".join(_table(rows)[-1:]), file=sys.stderr, flush=True)
    return rows


def directions(indexes: Sequence[Path], count: int) -> FloatArray:
    """The directions float32 [d, count] in which the rows of indexes lie most: of the second moment, not centred."""
    random, total = np.random.default_rng(0), np.zeros((1, 1), np.float32)
    for path in indexes:
        with Index.hold(path) as index:
            for record in index.stored.store.scroll(Selection(), [FULL]):
                rows = record.vectors.get(FULL)
                if rows is not None and random.random() < _SHARE:
                    total = total + rows.T @ rows
    return np.ascontiguousarray(np.linalg.eigh(total)[1][:, ::-1][:, :count].astype(np.float32))


def measure(benchmark: Benchmark, source: Path, name: str, form: Form, basis: FloatArray | None, folder: Path) -> Row:
    """One form of an index, made in a folder."""
    with Index.hold(source) as index:
        embedder: Any = index.embedder if basis is None else Projected(index.embedder, basis)
        facts = Facts(form.pipeline, form.made().source, index.embedder.fingerprint(), embedder.dim)
        write(folder, facts, records(index, form, basis, embedder.mean))
    opened = open_index(FolderPlace(folder), None)
    opened.stored.mean, opened.stored.dim = embedder.mean, embedder.dim
    with Index(replace(opened, embedder=embedder)) as index:
        index.search("anything")  # makes the bits
    written = _bytes(folder)
    opened = open_index(FolderPlace(folder), None)
    with Index(replace(opened, embedder=embedder)) as index:
        index.compact()
        quality = {scope: _quality(index, benchmark, scope) for scope in SCOPES}
        pages = index.page_count
    parts = {part: _bytes(folder, where) / pages / 1000 for part, where in PARTS.items()}
    return Row(benchmark.name, name, pages, written / pages / 1000, _bytes(folder) / pages / 1000, parts, quality)


PARTS = {
    "full": f"{SHARD}/segments/*/vector_storage-full",
    "pooled": f"{SHARD}/segments/*/vector_storage-[rg]*",
    "bits": "cache/bits",
    "words": f"{SHARD}/segments/*/payload_*",
    "log": f"{SHARD}/wal",
}


def records(index: Index, form: Form, basis: FloatArray | None, mean: FloatArray | None) -> Iterator[Record]:
    """The records of an index in another form."""
    pipeline = form.made()
    pool = make_pooling(*form.pooling, "here") if form.pooling else None
    for record in index.stored.store.scroll(Selection(), [FULL, CONTEXT]):
        if FULL in record.vectors:
            page = PageVectors(record.vectors[FULL], page_grid(record.payload))
            payload = dict(record.payload)
            if pool:
                pooled = pool(page.full, page.grid)
                first = [rows.min() for rows in pooled.sources]  # a merged row stands where its first word stands
                page = PageVectors(pooled.vectors, Grid.free(page.grid.boxes[first]))
                payload["grid"] = page_payload(Page(1, 1, 1, Words(), "layer"), page.grid, "")["grid"]
            page = replace(page, full=_cut(page.full, basis))
            yield page_record(record.id, payload, page, page_words(payload).texts, pipeline, mean)
        elif CONTEXT in record.vectors:
            yield with_sums(replace(record, vectors={CONTEXT: _cut(record.vectors[CONTEXT], basis)}))
        else:
            yield record


def _cut(rows: FloatArray, basis: FloatArray | None) -> FloatArray:
    return rows if basis is None else normalise(rows @ basis)


def write(folder: Path, facts: Facts, found: Iterator[Record]) -> None:
    """An index with these records."""
    store = ManifestStore.create(folder / SHARD, facts.to_pipeline("here").schema(facts.dim), KEYS)
    for batch in batched(found, _BATCH):
        store.upsert(list(batch))
        store.trim()
    store.optimize()
    store.close()
    write_facts(folder, facts)


def _quality(index: Index, benchmark: Benchmark, scope: str) -> dict[str, float]:
    queries = [query for query in benchmark.queries if query.id in benchmark.qrels and query.doc]
    run = {}
    for query in queries:
        hits = index.search(query.text, k=10, where=f"doc={query.doc}" if scope == "document" else ())
        run[query.id] = {page: hit.score for hit in hits for page in benchmark.ids[PageRef(hit.doc, hit.page)]}
    found = evaluate(run, {query.id: benchmark.qrels[query.id] for query in queries}, list(METRICS))
    return {metric: float(values.mean()) for metric, values in found.items()}


def _bytes(folder: Path, where: str = "") -> int:
    """Bytes that the disk has given a folder, or what is in it at a place."""
    places = folder.glob(where) if where else [folder]
    return sum(file.stat().st_blocks * 512 for place in places for file in place.rglob("*") if file.is_file())


def _table(rows: Sequence[Row]) -> list[str]:
    head = ["set", "form", "as written", "compacted", *PARTS, *(f"{m}, {s}" for s in SCOPES for m in METRICS), "kept"]
    whole = {row.benchmark: row.quality for row in rows if row.form == "builtin"}
    lines = [f"| {' | '.join(head)} |", "| --- | --- " + "| ---: " * (len(head) - 2) + "|"]
    for row in rows:
        sizes = [row.written, row.kept, *row.parts.values()]
        found = [row.quality[scope][metric] for scope in SCOPES for metric in METRICS]
        kept = " / ".join(f"{share:.1%}" for share in _shares(row, whole)) if row.benchmark in whole else ""
        cells = [row.benchmark, row.form, *(f"{kb:.1f} kB" for kb in sizes), *(f"{value:.3f}" for value in found), kept]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _shares(row: Row, whole: dict[str, dict[str, dict[str, float]]]) -> list[float]:
    """NDCG@10 of a form against the builtin's, by scope."""
    return [row.quality[scope]["ndcg@10"] / whole[row.benchmark][scope]["ndcg@10"] for scope in SCOPES]


def draw(rows: Sequence[Row], file: Path) -> None:
    """Share of NDCG@10 kept against kB a page, a panel a set."""
    from vrag.bench.speed_plot import matplotlib_classes

    new_figure, new_canvas = matplotlib_classes()
    names = list(dict.fromkeys(row.benchmark for row in rows))
    whole = {row.benchmark: row.quality for row in rows if row.form == "builtin"}
    figure = new_figure(figsize=(6.2 * len(names), 4.8), layout="constrained")
    new_canvas(figure)
    panels: Any = figure.subplots(1, len(names), squeeze=False, sharey=True)
    for axes, name in zip(panels[0], names, strict=True):
        shown = [row for row in rows if row.benchmark == name]
        for i, (scope, mark) in enumerate(zip(SCOPES, "os", strict=True)):
            kept = [100 * _shares(row, whole)[i] for row in shown]
            axes.scatter([row.kept for row in shown], kept, marker=mark, s=46, label=f"questions asked of one {scope}"
                         if scope == "document" else "questions asked of all pages")  # fmt: skip
        for row in shown:
            highest = 100 * max(_shares(row, whole))
            axes.annotate(row.form, (row.kept, highest), (0, 8), textcoords="offset points", ha="center", fontsize=9)
        axes.axhline(99, color="0.6", linewidth=0.8, linestyle="--")
        axes.axvline(100, color="0.6", linewidth=0.8, linestyle="--")
        axes.set(title=f"{name}, {shown[0].pages:,} pages", xlabel="kB a page on the disk, compacted")
        axes.set_xlim(0, 1.12 * max(row.kept for row in shown))
        axes.margins(y=0.12)
    panels[0][0].set_ylabel("NDCG@10, % of builtin")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    figure.savefig(file, dpi=110)


def _print_patches(pages: int, folder: Path | None) -> int:
    """Bytes of pages of patches, by how `full` is kept."""
    tables: dict[str, dict[str, Any]] = {
        "float16": {},
        "two bits": {"bits": {"full": 2, "alone": True}},
        "one bit": {"bits": {"full": 1, "alone": True}},
    }
    print(f"| `full` of {pages} pages of 1,024 patches of {_PATCH_DIM} numbers | compacted | {' | '.join(PARTS)} |")
    print("| --- " + "| ---: " * (len(PARTS) + 1) + "|")
    for name, table in tables.items():
        pipeline = make_pipeline("patches", {**load_pipeline("colpali").source, **table}, "here")
        with tempfile.TemporaryDirectory(dir=folder, prefix="form-") as made:
            sizes = [size / pages / 1000 for size in _patch_bytes(Path(made), pipeline, pages)]
        print(f"| {name} | {' | '.join(f'{kb:.1f} kB' for kb in sizes)} |", flush=True)
    return 0


def _patch_bytes(folder: Path, pipeline: Pipeline, pages: int) -> list[int]:
    from vrag.bits.beside import BitsStore
    from vrag.catalog.documents import Documents
    from vrag.catalog.stored import Stored
    from vrag.places.opening import keep_bits

    random, grid, empty = np.random.default_rng(0), Grid.patches([Tile(32, 32)]), Words()
    with_store: Callable[..., BitsStore] = BitsStore.create
    store = with_store(folder / SHARD, pipeline.schema(_PATCH_DIM), KEYS)
    keep_bits(FolderPlace(folder), Stored(store, Documents(store), pipeline, "made up", _PATCH_DIM))
    for number in range(1, pages + 1):
        full = normalise(random.normal(size=(len(grid), _PATCH_DIM)))
        payload = page_payload(Page(number, 612.0, 792.0, empty, "layer"), grid, "0" * 64)
        page_id = f"00000000-0000-0000-0000-{number:012}"
        store.upsert([page_record(page_id, payload, PageVectors(full, grid), (), pipeline, None)])
    store.optimize()
    store.compact()
    store.close()
    return [_bytes(folder), *(_bytes(folder, where) for where in PARTS.values())]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sets", nargs="*", metavar="BENCHMARK=INDEX")
    parser.add_argument(
        "--folder", type=Path, help="where the forms are made; by default the system's temporary folder"
    )
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--patches", type=int, help="made-up pages of patches instead, bytes alone")
    parser.add_argument("--json", type=Path, nargs="+", help="write what was measured; without an index read it again")
    parser.add_argument("--plot", type=Path, help="draw it as a PNG")
    options = parser.parse_args(arguments)
    if not (options.sets or options.patches or options.json):
        parser.error("name BENCHMARK=INDEX, --patches or --json")
    return options


if __name__ == "__main__":
    sys.exit(main())
