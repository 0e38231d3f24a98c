"""The steps over an index of other documents, which stay where they are."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.golden.contract import as_json
from tests.golden.running import Step

CASCADES = {
    "limits": "global:100 > runs:32 > full",
    "share": "global:10% > full",
    "hnsw": "global@hnsw:200 > runs:64 > full",
    "mean": "mean(runs):64 > full",
    "text": "text",
    "union": "union(runs:64, text:32) > full",
    "rrf": "rrf(runs:100, text:100):50 > full",
    "twice": "rrf(runs:100, runs:50, text:100):50 > full",
    "nested": "union(global:200 > runs:50, text:20) > full",
    "bits": "runs@bits:256 > full@bits:64 > full",
    "bits-twice": "union(runs@bits:64, runs:64, text:32) > runs:50 > full",
    "regions": "runs:64 > full@regions+context",
    "blend": "runs:64 > full+0.6*text",
    "blend-union": "union(runs:64, text:32) > runs+0.5*text:50 > full+0.5*global",
}
_EXPLAINED = 4  # questions that are explained by every cascade
_COSTLY = {"best-exact": 4}  # seconds a question, as vectors of every page are read


def steps(questions: Path, sample: int) -> Iterator[Step]:
    """Search, explain and let through, by every cascade; questions are at even distances, for the command a third."""
    from vrag import Index

    rows = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = [rows[at * len(rows) // sample] for at in range(sample)] if len(rows) > sample else rows
    with Index.open("index") as index:
        named = dict.fromkeys(index.pipeline.cascades)
    for name, cascade in {**{name: name for name in named}, **CASCADES}.items():
        asked = rows[: _COSTLY.get(name, len(rows))]
        _write(Path(f"{name}.jsonl"), asked[::3])
        search = ("search", "--queries", f"{name}.jsonl", "--index", "index", "--cascade", cascade, "--json")
        yield Step(f"search-{name}", search)
        yield Step(f"hits-{name}", partial(_with_index, partial(_hits, asked, cascade)))
        explained = asked[: 1 if name in _COSTLY else _EXPLAINED]
        yield Step(f"explained-{name}", partial(_with_index, partial(_explained, explained, cascade)))
    yield Step("beside", partial(_with_index, partial(_beside, rows)))


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    lines = (json.dumps({"query-id": number, "query": row["query"]}) for number, row in enumerate(rows))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _with_index(do: Callable[[Any], Iterator[str]]) -> str:
    from vrag import Index

    with Index.open("index") as index:
        return "".join(f"{line}\n" for line in do(index))


def _hits(rows: list[dict[str, Any]], cascade: str, index: Any) -> Iterator[str]:
    """Of all documents, and of the one that the question is about."""
    for row in rows:
        yield row["query"]
        yield from map(as_json, index.search(row["query"], 10, cascade))
        if row.get("doc"):
            yield row["doc"]
            yield from map(as_json, index.search(row["query"], 3, cascade, f"doc={row['doc']}"))


def _explained(rows: list[dict[str, Any]], cascade: str, index: Any) -> Iterator[str]:
    """Where a page stood, what counted there, and what each step let through."""
    chosen = index.pipeline.cascade(cascade)
    for row in rows:
        yield row["query"]
        found = index.explain(row["query"], row.get("doc"), cascade=cascade)
        yield f"{found.doc} {found.page} {found.cascade}"
        yield from map(as_json, found.stages)
        yield as_json(found.counted) if found.counted else "nothing counted"
        for step in range(len(chosen.steps)):
            points = index.let_through(row["query"], chosen, step, 10)
            yield f"step {step}: " + " ".join(f"{point.id}={float(point.score)!r}" for point in points)


def _beside(rows: list[dict[str, Any]], index: Any) -> Iterator[str]:
    """Snippets and matches of the best hits."""
    for row in rows:
        for hit in index.search(row["query"], 2):
            yield f"{hit.doc} {hit.page}: {index.snippet(row['query'], hit)}"
            yield from map(as_json, index.matches(row["query"], hit))
