"""What an index holds, and whether two of them answer alike; each function is to be run in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.soak.driver import _Silent, collection
from vrag import Index
from vrag.cascade.bm25 import TEXT
from vrag.catalog.documents import page_id
from vrag.catalog.failures import Failures
from vrag.catalog.kinds import ARRIVING, PAGE
from vrag.grid import FloatArray
from vrag.ingest.ingest_options import IngestOptions
from vrag.pipeline.pipeline import CONTEXT, FULL
from vrag.places.place import FolderPlace
from vrag.store.interface import Condition, Selection
from vrag.upkeep.repool import repool
from vrag.upkeep.transfer import transfer

FLOAT16_STEP = 2.0**-11  # of numbers below 1
CASCADES = ("exact", "two-stage", "three-stage", "best", "best-exact")
PAGES = Selection((Condition("kind", (PAGE, ARRIVING)),))
_CLOSE = 1e-5  # scores that differ by less are the same


@dataclass
class State:
    """Pages and documents of an index.

    Args:
        stored: Document of every page, by the page's id.
        known: Whether it is complete, by document.
        paths: Where every document was found.
        missing: Pages that complete documents should have, with their documents.
        pipeline: Of the index.
    """

    stored: dict[str, str] = field(default_factory=dict)
    known: dict[str, bool] = field(default_factory=dict)
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    pipeline: str = ""


def look(folder: Path) -> State:
    """What is there; nothing where there is no index."""
    if not (folder / "index.json").is_file():
        return State()
    with Index.open(folder) as index:
        return state_of(index)


def state_of(index: Index) -> State:
    """What an open index holds."""
    state = State({r.id: str(r.payload["doc_id"]) for r in index.stored.store.scroll(PAGES, keys=("doc_id",))})
    state.pipeline, failed = index.pipeline.name, Failures(index.stored.store).by_document()
    for document in index.documents.all():
        state.known[document.doc_id] = document.complete
        state.paths[document.doc_id] = document.paths
        whole = set(range(1, document.pages + 1)) - failed.get(document.doc_id, {}).keys()
        ids = {page_id(document.doc_id, n, index.stored.model_key) for n in whole}
        if document.complete:
            state.missing |= dict.fromkeys(ids - state.stored.keys(), document.doc_id)
    return state


@dataclass
class Verdict:
    """An index that went through much, beside one that was made in one go.

    Args:
        pages: Of the index.
        searches: Compared.
        losses: Pages that only one of them has, or whose vectors differ.
        rankings: Searches that end otherwise.
        problems: What `verify` says.
    """

    pages: int = 0
    searches: int = 0
    losses: list[str] = field(default_factory=list)
    rankings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def finish(root: Path, queries: Sequence[str], url: str | None) -> Verdict:
    """Take what was cut off to its end, and compare with an index of the same folder that never was."""
    documents, worn = root / "d", root / "i"
    if (worn / "index.json").is_file():
        repool(worn, "builtin")
    verdict = Verdict()
    with ExitStack() as stack:
        index = stack.enter_context(Index.open(worn) if (worn / "index.json").is_file() else Index.create(worn))
        fresh = stack.enter_context(Index.create(root / "fresh"))
        index.verify(repair=True)
        for one in (index, fresh):
            report = one.ingest([documents], workers=1, options=IngestOptions(retry=True))
            verdict.problems += [f"failed: {failure}" for failure in report.failed]
        index.forget(index.gone([documents]))
        _compare(verdict, index, fresh, queries)
    if url is not None:
        _copied(verdict, root, queries, url)
    return verdict


def _copied(verdict: Verdict, root: Path, queries: Sequence[str], url: str) -> None:
    """Through the server and back, where earlier copies were cut off."""
    transfer(FolderPlace(root / "i"), collection(root / "i", url), _Silent())
    report = transfer(collection(root / "i", url), FolderPlace(root / "pulled"), _Silent())
    if report.extra or report.pages < verdict.pages:
        verdict.losses.append(f"pulled: {report}")
    with Index.open(root / "pulled") as pulled, Index.open(root / "fresh") as fresh:
        if _contents(pulled) == _contents(fresh):  # what was removed here since an earlier push is left alone there
            _compare(verdict, pulled, fresh, queries)


def _contents(index: Index) -> set[str]:
    return {document.doc_id for document in index.documents.all()}


def _compare(verdict: Verdict, index: Index, fresh: Index, queries: Sequence[str]) -> None:
    verdict.problems += [f"{Path(index.place.name).name}: {problem}" for problem in index.verify()]
    verdict.pages = fresh.page_count
    mine, theirs = page_vectors(index), page_vectors(fresh)
    verdict.losses += [f"{key}: only in one" for key in sorted(mine.keys() ^ theirs.keys())]
    verdict.losses += [f"{key}: other vectors" for key in mine.keys() & theirs.keys() if _differ(key, mine, theirs)]
    for query in queries:
        for cascade in CASCADES:
            verdict.searches += 1
            difference = compare(hits(index, query, cascade), hits(fresh, query, cascade))
            if difference:
                stages = [one.search(query, k=3, cascade=cascade) for one in (index, fresh)]
                first = [[(hit.doc, hit.page, hit.stages) for hit in found] for found in stages]
                verdict.rankings.append(f"{Path(index.place.name).name}: {cascade}: {query!r}: {difference}; {first}")


Hits = list[tuple[str, float]]


def hits(index: Index, query: str, cascade: str | None, k: int = 20) -> Hits:
    """A ranking: ids with scores; equal scores by id."""
    found = index.search(query, k=k, cascade=cascade)
    return [(hit.id, hit.score) for hit in found]


def compare(some: Hits, others: Hits) -> str:
    """What is different; empty when nothing is. Places may be swapped only where scores are the same."""
    if len(some) != len(others):
        return f"{len(some)} hits, not {len(others)}"
    for place, ((mine, score), (theirs, other)) in enumerate(zip(some, others, strict=True), 1):
        if abs(score - other) > _CLOSE * max(1.0, abs(other)):
            return f"hit {place} has score {score:.6f}, not {other:.6f}"
        if mine != theirs and not _tied(mine, score, others):
            return f"hit {place} is {mine}, not {theirs}"
    return ""


def _tied(page: str, score: float, others: Hits) -> bool:
    return any(page == other and abs(score - theirs) <= _CLOSE * max(1.0, abs(score)) for other, theirs in others)


Vectors = dict[tuple[str, str], FloatArray]


def page_vectors(index: Index) -> Vectors:
    """Every dense vector of every page."""
    names = [name for name in index.pipeline.vector_names if name not in (TEXT, CONTEXT)]
    return {(r.id, name): r.vectors[name] for r in index.stored.store.scroll(PAGES, names) for name in names}


def _differ(key: tuple[str, str], mine: Vectors, theirs: Vectors) -> bool:
    """`full` bit by bit; what was repooled was pooled from stored numbers, so it may differ by a step of float16."""
    step = 0 if key[1] == FULL else FLOAT16_STEP
    return mine[key].shape != theirs[key].shape or not np.allclose(mine[key], theirs[key], rtol=0, atol=step)


def as_model(is_real: bool, work: Callable[[], object]) -> Callable[[], object]:
    """The work, with the tiny model unless the built-in one is wanted."""

    def run() -> object:
        from tests.soak.tiny import install

        if not is_real:
            install()
        return work()

    return run
