"""Indexes of evaluation: made once for a corpus, a pipeline and a model, and found again by their content."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from vrag.embedders.options import ModelOptions
from vrag.errors import IndexExistsError, IndexMismatchError
from vrag.evaluation.benchmarks.benchmark import Benchmark
from vrag.index import Index
from vrag.ingest.report import IngestReport, Progress
from vrag.pipeline.pipeline import Pipeline
from vrag.settings import folder_bytes, is_index

CACHED = "indexes"


def open_index(
    digests: Mapping[str, str], cache: Path, pipeline: Pipeline, how: ModelOptions, wait: float = 0.0
) -> Index:
    """The cached index of a corpus, made when there is none yet.

    It is found by the documents' content, the pipeline and the model. One that another version of the model made is
    left alone, and a new one made beside it.

    Args:
        digests: SHA-256 of each document, by file name.
        cache: Folder of the cache.
        pipeline: With its model.
        how: How the model is run.
        wait: Seconds to wait for another process that has the index open.
    """
    made_by = json.dumps([pipeline.source, how.kept], sort_keys=True)
    place = cache / CACHED / corpus_digest(digests)[:16] / _digest(made_by)[:16]
    for version in itertools.count(1):
        folder = place / str(version)
        try:
            if not is_index(folder):
                with contextlib.suppress(IndexExistsError):  # another process has made it meanwhile
                    return Index.create(folder, pipeline, options=how, wait=wait)
            return Index.hold(folder, options=replace(how, named=pipeline.model), wait=wait)
        except IndexMismatchError:
            continue
    raise AssertionError("unreachable")


def fill_index(
    index: Index, benchmark: Benchmark, digests: Mapping[str, str], progress: Progress | None, report: IngestReport
) -> None:
    """Index the benchmark's documents that are not whole in the index yet; an index that has all is not touched."""
    whole = _whole(index)
    missing = [benchmark.pdfs / doc for doc in benchmark.docs if digests[doc] not in whole]
    if missing:
        index.ingest(missing, progress=progress, report=report)


def is_whole(index: Index, wanted: AbstractSet[str]) -> bool:
    """Whether the index has every page it can have of the documents, given by SHA-256."""
    return wanted <= _whole(index)


def _whole(index: Index) -> set[str]:
    return {document.doc_id for document in index.documents.all() if document.complete}


def corpus_digest(digests: Mapping[str, str]) -> str:
    """SHA-256 over the contents of a corpus, whatever its files are called."""
    return _digest("\n".join(sorted(set(digests.values()))))


def index_bytes(index: Index) -> int:
    """Size on disk; 0 on a server, which keeps its own books."""
    return folder_bytes(index.path) if index.path else 0


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
