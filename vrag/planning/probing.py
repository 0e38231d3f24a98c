"""The sample: some pages read, embedded, pooled and stored in a folder that goes away, with the clock running."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vrag.bits.beside import BitsStore, view_of
from vrag.cascade.bm25 import TEXT
from vrag.catalog.documents import KEYS, Documents
from vrag.catalog.kinds import PAGE
from vrag.catalog.page_bits import PageBits, asks_for_bits
from vrag.catalog.payload import page_payload
from vrag.catalog.stored import Stored
from vrag.embedders.protocol import Embedder
from vrag.errors import PageError, UsageError
from vrag.pages.page import Page, Words
from vrag.pages.workers import PageWorkers
from vrag.pipeline.pipeline import FULL, Pipeline
from vrag.places.opening import keep_bits
from vrag.places.place import FolderPlace
from vrag.planning.estimate import Disk, Machine, Sample, VectorSample
from vrag.settings import CACHE, SHARD
from vrag.store.interface import AnyVector, Record, Selection, SparseVector, StageRequest

_STORED = 256  # records of the throw-away store: the sample's pages, again and again
_FEW = 8  # records of the smallest one: what an index takes beside its pages is told by the difference
_QUERIES = 5
_WORDS = 400  # of a made-up page: an ordinary page of a report
_QUERY = "what was the revenue of the northern region in the last quarter"
_FILLER = (
    "pump",
    "water",
    "seven",
    "valves",
    "inspectors",
    "record",
    "pressure",
    "flow",
    "yearly",
    "cost",
    "the",
    "and",
)


def measure_files(
    counts: dict[Path, int], wanted: int, workers: PageWorkers, pipeline: Pipeline, embedder: Embedder
) -> Sample:
    """A sample of the user's own pages, spread evenly over all of them.

    Raises:
        UsageError: No page can be read.
    """
    places = [(file, page) for file, pages in counts.items() for page in range(1, pages + 1)]
    picked = [places[int(i)] for i in np.linspace(0, len(places) - 1, min(wanted, len(places)))] if places else []
    started = time.perf_counter()
    futures = [workers.load(file, page) for file, page in picked]
    pages = [page for page in map(_settled, futures) if page is not None]
    reading = time.perf_counter() - started
    if not pages:
        raise UsageError("No page of these documents can be read, so nothing can be estimated.")
    return _measure(pages, reading / len(pages), f"{len(pages)} of these pages", pipeline, embedder)


def measure_made_up(pipeline: Pipeline, embedder: Embedder) -> Sample:
    """A sample of two pages made up here; its time has no reading and no OCR in it."""
    pages = [_made_up(number) for number in (1, 2)]
    source = f"{len(pages)} made-up pages of {_WORDS} words; reading and OCR not counted"
    return _measure(pages, 0.0, source, pipeline, embedder)


def this_machine(folder: Path) -> Machine:
    """Memory of this machine, and free disk where `folder` is or will be."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return Machine(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), shutil.disk_usage(there).free)


def _measure(pages: Sequence[Page], reading: float, source: str, pipeline: Pipeline, embedder: Embedder) -> Sample:
    embedder.embed_pages(pages[:1])  # the first call warms the model up
    started = time.perf_counter()
    embedded = embedder.embed_pages(pages)
    made = [
        {FULL: page.full, **{spec.name: spec.of_page(page, embedder.mean) for spec in pipeline.vectors}}
        for page in embedded
    ]
    seconds = reading + (time.perf_counter() - started) / len(pages)
    payloads = [page_payload(page, vectors.grid, "0" * 64) for page, vectors in zip(pages, embedded, strict=True)]
    sparse = [{TEXT: pipeline.text.document(page.words.texts)} if pipeline.text else {} for page in pages]
    wanted = (i % len(made) for i in range(max(_STORED, len(made))))
    records = [Record(str(uuid.uuid4()), payloads[i], made[i], sparse[i]) for i in wanted]
    disk, scans = _store(records, pipeline, embedder)
    samples = []
    for field in pipeline.schema(embedder.dim):
        if field.name in made[0]:
            rows = [1 if vectors[field.name].ndim == 1 else len(vectors[field.name]) for vectors in made]
            dim, of_row = made[0][field.name].shape[-1], field.packing.size if field.packing else 0
            about = (float(np.mean(rows)), max(rows), field.hnsw, scans[field.name], of_row)
            samples.append(VectorSample(field.name, dim, *about))
    payload = float(np.mean([len(json.dumps(payload)) for payload in payloads]))
    words = float(np.mean([len(page.words.texts) for page in pages]))
    packed = [_packed_bytes(record, pipeline, embedder) for record in records[: len(made)]]
    return Sample(len(pages), source, seconds, disk, payload, tuple(samples), words, float(np.mean(packed)))


def _packed_bytes(record: Record, pipeline: Pipeline, embedder: Embedder) -> int:
    """What travels with a page on a server beside what it has here."""
    if not asks_for_bits(pipeline):
        return 0
    page = replace(record, payload={**record.payload, "kind": PAGE})
    return len(json.dumps(PageBits.of(pipeline, embedder.dim, embedder.mean).payload(page)))


def _store(records: Sequence[Record], pipeline: Pipeline, embedder: Embedder) -> tuple[Disk, dict[str, float]]:
    """What an index of these records takes, and microseconds a page of an exact stage over each vector."""
    query = embedder.embed_query(_QUERY).vectors
    with tempfile.TemporaryDirectory(prefix="vrag-plan-") as name:
        folder = Path(name)
        with closing(BitsStore.create(folder / SHARD, pipeline.schema(embedder.dim), KEYS)) as store:
            about = (pipeline, embedder.fingerprint().digest, embedder.dim, embedder.mean)
            keep_bits(FolderPlace(folder), Stored(store, Documents(store), *about))
            store.upsert(records[:_FEW])
            store.optimize()
            few = _lasting(folder)
            store.upsert(records[_FEW:])
            store.optimize()
            scans = {}
            for name in records[0].vectors:
                form = pipeline.spec(name).of_query(query, embedder.mean, mean=False)
                scan = _scan(store, name, form)
                scan()
                started = time.perf_counter()
                for _ in range(_QUERIES):
                    scan()
                scans[name] = (time.perf_counter() - started) / _QUERIES / len(records) * 1e6
            log, rows = _allocated(folder / SHARD, "wal/*"), _allocated(folder / CACHE, "bits/*.rows")
            a_page = (_lasting(folder) - few) / (len(records) - _FEW)
            bits = _allocated(folder / CACHE, "bits/*.bits") / len(records)
        return Disk(max(few - _FEW * a_page, 0), a_page, log / len(records), rows / len(records), bits), scans


def _scan(store: BitsStore, name: str, query: AnyVector) -> Callable[[], object]:
    """Scores every page by a vector: by its bits where nothing else is kept of it."""
    if name not in store.packed:
        return partial(store.query, [StageRequest(name, query, 10)], Selection())
    view = view_of(store)
    assert view is not None
    assert not isinstance(query, SparseVector)
    return partial(view.packed[name].maxsim, query)


def _lasting(folder: Path) -> int:
    """Bytes of an index's segments and packed bits, which grow for ever."""
    return _allocated(folder / SHARD, "segments/**/*") + _allocated(folder / CACHE, "bits/*.bits")


def _allocated(folder: Path, names: str) -> int:
    """Bytes that the disk has given the files of a folder."""
    return sum(file.stat().st_blocks * 512 for file in folder.glob(names) if file.is_file())


def _made_up(number: int) -> Page:
    from PIL import Image

    columns, rows = 10, _WORDS // 10
    boxes = np.array(
        [(c / columns, r / rows, (c + 0.9) / columns, (r + 0.8) / rows) for r in range(rows) for c in range(columns)],
        np.float32,
    )
    texts = tuple(f"{_FILLER[(i * number) % len(_FILLER)]}" for i in range(_WORDS))
    words = Words(texts, boxes, np.repeat(np.arange(rows), columns).astype(np.int32))
    image = Image.new("RGB", (1224, 1584), "white")
    return Page(number, 612.0, 792.0, words, "layer", "pdfium", image)


def _settled(future: Any) -> Page | None:
    try:
        page: Page = future.result()
    except PageError:
        return None
    return page
