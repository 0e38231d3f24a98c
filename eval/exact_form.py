"""How much of its exact form a cascade keeps: the same score, of every page, from the vectors themselves.

    python eval/exact_form.py DATA_FOLDER [--sets ...] [--index-root DIR] [--cascade best] [--exact best-exact]

Needs the indexes that `eval/development.py` makes. The engine cannot run a score of regions and context, so the exact
form reads every page's vectors for every question; here they are read once and kept in memory, as float16 (0.8 MB a
page of 1,000 words): the times say nothing. The table goes to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from development import ask_all, compare

from vrag import Index, VragError
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.pipeline.pipeline import FULL
from vrag.store.interface import Record, Store

_HEAD = "| set | cascade | NDCG@10 [95 %] | % of its exact form | p |\n| --- | --- | --- | --- | --- |"


class KeptVectors:
    """What a store gives for `fetch`, page vectors from memory once they were read.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._fetch = store.fetch
        self._kept: dict[str, Record] = {}

    def fetch(self, ids: Iterable[str], vectors: Sequence[str] = ()) -> dict[str, Record]:
        """Records by id; those asked for `full` alone come without payload."""
        if list(vectors) != [FULL]:
            return self._fetch(ids, vectors)
        ids = list(ids)
        for page, record in self._fetch([page for page in ids if page not in self._kept], vectors).items():
            self._kept[page] = replace(record, payload={}, vectors={FULL: record.vectors[FULL].astype(np.float16)})
        return {page: _as_float32(self._kept[page]) for page in ids}


def _as_float32(record: Record) -> Record:
    return replace(record, vectors={FULL: record.vectors[FULL].astype(np.float32)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; the exit code is 1 when something could not be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder of benchmark folders")
    parser.add_argument("--sets", nargs="+", default=["mmlongbench-dev", "financebench-dev"])
    parser.add_argument("--index-root", type=Path, default=Path(".vrag/development"), help="where the indexes are")
    parser.add_argument("--cascade", default="best")
    parser.add_argument("--exact", default="best-exact", help="the same score of every page, without bits")
    options = parser.parse_args(arguments)
    print(_HEAD, flush=True)
    try:
        for name in options.sets:
            benchmark = load_benchmark(options.data / name)
            with Index.open(options.index_root / name) as index:
                index.stored.store.fetch = KeptVectors(index.stored.store).fetch  # type: ignore[method-assign]
                exact = ask_all(index, benchmark, "union", options.exact)
                for cascade in (options.exact, options.cascade):
                    answers = exact if cascade == options.exact else ask_all(index, benchmark, "union", cascade)
                    row = compare(benchmark, "union", cascade, answers, exact)
                    text = f"{row.ndcg:.3f} [{row.interval.low:.3f}, {row.interval.high:.3f}]"
                    print(
                        f"| {name} | {cascade} | {text} | {row.percent_of_exact or 0:.1f} | {row.p_value or 0:.3f} |",
                        flush=True,
                    )
    except VragError as error:
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
