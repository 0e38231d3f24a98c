"""What is left of the ranking when file names say nothing: every file renamed to a random name.

    python eval/renamed.py DATA_FOLDER [--sets ...] [--index-root DIR] [--json FILE]

Needs the indexes that `python eval/development.py DATA_FOLDER` has made. Each is copied, its files get random names,
and `ingest` makes the contexts again; no page is embedded. Compared are the default cascade and the same without
context, both over all pages.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from development import Result, run_scope

from vrag import Index, VragError
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.settings import is_index

DEFAULT = "best"
_TABLES = ("corpus.jsonl", "queries.jsonl", "qrels.jsonl")


def renamed_benchmark(source: Path, target: Path) -> dict[str, Path]:
    """Copy a benchmark folder with a random name for every PDF; the new path by the old name.

    Args:
        source: A benchmark in our own layout.
        target: Folder to make.
    """
    shutil.rmtree(target, ignore_errors=True)
    (target / "pdfs").mkdir(parents=True)
    chance = random.Random(0)
    paths = {}
    for file in sorted((source / "pdfs").iterdir()):
        paths[file.name] = target.absolute() / "pdfs" / f"{chance.randbytes(8).hex()}{file.suffix}"
        shutil.copyfile(file, paths[file.name])
    for table in _TABLES:
        rows = [json.loads(line) for line in (source / table).read_text(encoding="utf-8").splitlines()]
        for row in rows:
            if row.get("doc") in paths:
                row["doc"] = paths[row["doc"]].name
        (target / table).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return paths


def renamed_index(source: Path, target: Path, paths: Mapping[str, Path]) -> Index:
    """Copy an index as if its files had always had their new names; contexts are made again.

    Args:
        source: Folder of the index.
        target: Folder of the copy.
        paths: New path by old name.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    index = Index.open(target)
    for document in index.documents.all():
        new = str(paths[Path(document.paths[0]).name])
        index.documents.put(replace(document, paths=(new,), stamps={}))
    report = index.ingest([next(iter(paths.values())).parent])
    if report.added or report.failed:
        raise VragError(f"Renaming embedded {report.added} pages and failed on {len(report.failed)}.", "It must not.")
    return index


def run_set(data: Path, root: Path, name: str) -> list[Result]:
    """The default cascade with context before and after, and without context."""
    original = root / name
    if not is_index(original):
        raise VragError(f"There is no index {original}.", f"First: python eval/development.py {data} --sets {name}")
    with Index.open(original) as index:
        with_context = str(index.pipeline.cascade(DEFAULT))
        without = with_context.replace("+context", "")
        before = run_scope(index, load_benchmark(data / name), "union", [with_context, without])
    work = root / f"{name}-renamed"
    paths = renamed_benchmark(data / name, work / name)
    with renamed_index(original, work / "index", paths) as index:
        after = run_scope(index, load_benchmark(work / name), "union", [with_context])
    shutil.rmtree(work)
    change = after[0].ndcg - before[1].ndcg
    print(f"{name}: renamed {after[0].ndcg:.3f}, without context {before[1].ndcg:.3f}: {change:+.3f}\n", flush=True)
    return [*before, *after]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sets one after the other; 1 when one cannot be run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder of benchmark folders")
    parser.add_argument("--sets", nargs="+", default=["mmlongbench-dev", "financebench-dev"])
    parser.add_argument("--index-root", type=Path, default=Path(".vrag/development"), help="where the indexes are")
    parser.add_argument("--json", type=Path, help="write everything measured to this file")
    options = parser.parse_args(arguments)
    report: dict[str, Any] = {}
    try:
        for name in options.sets:
            report[name] = [asdict(result) for result in run_set(options.data, options.index_root, name)]
    except VragError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
