"""The steps of the contract over an index of the samples."""

import csv
import dataclasses
import inspect
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.golden.running import Step

SAMPLES = Path(__file__).parents[2] / "eval" / "samples"
CASCADES = {
    "exact": "exact",
    "two-stage": "two-stage",
    "three-stage": "three-stage",
    "best": "best",
    "best-exact": "best-exact",
    "limits": "global:12 > runs:8 > full",
    "share": "global:50% > full",
    "hnsw": "global@hnsw:12 > full",
    "mean": "mean(runs):8 > full",
    "text": "text",
    "union": "union(runs:6, text:4) > full",
    "rrf": "rrf(runs:8, text:8):6 > full",
    "rrf-last": "rrf(runs:8, text:8)",
    "twice": "rrf(runs:8, runs:4, text:8):6 > full",
    "twice-bits": "union(runs@bits:6, runs:6, text:4) > runs:5 > full",
    "nested": "union(global:12 > runs:6, text:4) > full",
    "bits": "runs@bits:10 > full@bits:6 > full",
    "bits-only": "full@bits",
    "regions": "runs:10 > full@regions",
    "context": "runs:10 > full+context",
    "regions-context": "full@regions+context",
    "bits-regions-context": "full@bits@regions+context",
    "blend": "runs:10 > full+0.6*text",
    "blend-union": "union(runs:8, text:4) > runs+0.5*text:6 > full+0.5*global",
}
QUESTION = "How much revenue came from freight in 2025?"
VALVE = "At what pressure does the relief valve of pump number 3 open?"
_INDEX = ("--index", "index")
_PLAN = tuple(
    rf'"{key}": (\S+?)[,}}]'
    for key in (
        *("disk", "memory", "empty", "a_page", "log_a_page", "rows_a_page", "bits_a_page", "disk_a_page", "nodes"),
        *("server_disk", "server_memory"),
    )
)
_TIMED = (r'"pareto": (\w+)', r'"chosen": ("[^"]*")')  # the cheapest is whichever was quickest


def lay_out(folder: Path) -> None:
    """Put the samples, and some files that are wrong, into the folder where the commands run."""
    shutil.copytree(SAMPLES / "pdfs", folder / "pdfs")
    shutil.copy(SAMPLES / "questions.jsonl", folder)
    rows = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]
    answers = [json.loads(line) for line in (SAMPLES / "answers.jsonl").read_text().splitlines()]
    with (folder / "questions.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("question", "file", "page", "answer", "format"))
        for row, known in zip(rows, answers, strict=True):
            table.writerow((row["query"], row["doc"], row["page"], known["answer"], known["format"]))
        table.writerow(("Who is the president?", rows[0]["doc"], "", "", ""))
    (folder / "some.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows[:4]))
    (folder / "wrong.jsonl").write_text('{"query-id": 1, "query": "x"}\n{"query": 3}\n')
    (folder / "about.csv").write_text("file,year\nferry-annual-report.pdf,2025\nsolar-kiln-paper.pdf,2019\n")
    (folder / "wrong").mkdir()
    (folder / "wrong" / "notes.pdf").write_text("no PDF at all")
    shutil.copy(SAMPLES / "pdfs" / "solar-kiln-paper.pdf", folder / "wrong" / "copy.pdf")
    (folder / "empty").mkdir()


def steps() -> list[Step]:
    """All of them; each finds what those before it left."""
    return [
        *_growing(),
        *_searching(),
        *_asking(),
        *_explaining(),
        *_looking(),
        *_judging(),
        *_api(),
        *_wrong(),
        *_changing(),
    ]


def _step(name: str, *words: str, varies: tuple[str, ...] = (), tidy: Callable[[str], str] = str) -> Step:
    return Step(name, words, varies, tidy)


def _growing() -> Iterator[Step]:
    alone = ("--workers", "1", "--batch-size", "1")  # which pages are embedded together changes the last digits
    yield _step("ingest", "ingest", "pdfs", *_INDEX, *alone, "--json")
    yield _step("ingest-again", "ingest", "pdfs", *_INDEX)
    yield _step("ingest-again-json", "ingest", "pdfs", *_INDEX, "--json")
    yield _step("ingest-metadata", "ingest", "pdfs", *_INDEX, "--metadata", "about.csv", "--meta", "shelf=7", "--json")


def _searching() -> Iterator[Step]:
    for name, cascade in CASCADES.items():
        yield _step(f"search-{name}", "search", QUESTION, *_INDEX, "-k", "3", "--cascade", cascade, "--json")
    for name in ("exact", "best", "twice"):
        yield _step(f"search-{name}-text", "search", VALVE, *_INDEX, "-k", "3", "--cascade", CASCADES[name])
    more = {
        "default": [VALVE, "-k", "4"],
        "top-11": ["bees", "-k", "11", "--cascade", "two-stage", "--json"],
        "doc": ["energy", "--where", "doc=ferry-annual-report.pdf", "-k", "3", "--json"],
        "year": ["energy", "--where", "year >= 2020", "-k", "3", "--cascade", "exact", "--json"],
        "ocr": ["valve", "--where", "source=ocr", "-k", "3", "--json"],
        "none": ["valve", "--where", "year > 2030"],
        "phrase": ['"relief valve" -heating', "-k", "3", "--json"],
        "without": ["honey -bees", "-k", "3"],
        "exact-words": ["honey harvest", "--exact-words", "-k", "2", "--json"],
        "matches": [QUESTION, "--explain", "-k", "2"],
        "matches-json": [QUESTION, "--explain", "-k", "2", "--json"],
        "queries": ["--queries", "some.jsonl", "-k", "2", "--json"],
        "saved": [QUESTION, "-k", "2", "--image-dir", "hits"],
    }
    for name, words in more.items():
        yield _step(f"search-{name}", "search", *words, *_INDEX)
    yield Step("search-saved-files", lambda: _lines(path.name for path in sorted(Path("hits").iterdir())))


def _asking() -> Iterator[Step]:
    yield _step("ask", "ask", QUESTION, *_INDEX)
    yield _step("ask-json", "ask", VALVE, *_INDEX, "-k", "2", "--json")
    yield _step("ask-where", "ask", VALVE, *_INDEX, "--where", "doc=solar-kiln-paper.pdf", "--json")
    yield _step("ask-queries", "ask", "--queries", "some.jsonl", *_INDEX, "-k", "1", "--json")
    yield Step("ask-claims", _claims)


def _claims() -> str:
    """What JSON has of a language model's answer."""
    from vrag.ask.answer import Answer, Claim, Mismatch, Quote
    from vrag.ask.answer_json import reply_json

    box = (0.1, 0.2, 0.3, 0.4)
    quotes = (
        Quote("opens at 6.5 bar", "a.pdf", "/a.pdf", 2, (box,)),
        Quote("opens at 8 bar", "a.pdf", "/a.pdf", 2, (box,), "changed", (Mismatch("8", "6.5"),)),
    )
    claims = (
        Claim("It opens at 6.5 bar.", (1,), True, unquoted=("42",)),
        Claim("It opens at 8 bar.", (1, 2), False, "Quote [2] says “8”."),
    )
    said = Answer(
        "When?", True, "It opens at 6.5 bar. [1]", quotes, (), "m", claims, "When does it open?", ("Page 3.",)
    )
    return json.dumps(reply_json(said), ensure_ascii=False)


def _explaining() -> Iterator[Step]:
    for name in ("exact", "three-stage", "best", "rrf", "twice", "nested", "bits", "blend-union"):
        yield _step(f"explain-{name}", "explain", QUESTION, *_INDEX, "--cascade", CASCADES[name], "--json")
    page = ("--doc", "bees-on-the-roof-slides.pdf", "--page", "2")
    yield _step("explain-text", "explain", VALVE, *_INDEX)
    yield _step("explain-page", "explain", VALVE, *_INDEX, *page, "--cascade", CASCADES["twice-bits"])
    yield _step("explain-page-json", "explain", VALVE, *_INDEX, *page, "-k", "2", "--json")
    filtered = ("--where", "doc=solar-kiln-paper.pdf")
    yield _step("explain-filtered", "explain", VALVE, *_INDEX, *page, *filtered, "--cascade", CASCADES["union"])


def _looking() -> Iterator[Step]:
    for name, words in {
        "ls": ["ls", "pdfs/ferry-annual-report.pdf", "old-notices-scanned.pdf"],
        "ls-all": ["ls"],
        "ls-where": ["ls", "--where", "year >= 2020"],
        "ls-facet": ["ls", "--facet", "author"],
        "info": ["info"],
        "status": ["status"],
        "verify": ["verify"],
    }.items():
        yield _step(name, *words, *_INDEX)
        yield _step(f"{name}-json", *words, *_INDEX, "--json", varies=(r'"bytes": (\d+)',))
    yield _step("version", "--version")
    yield _step("pipelines", "pipelines")
    yield _step("skill", "skill", "install", "--path", "skills", "--json")
    yield _step("skill-again", "skill", "install", "--path", "skills")
    yield _step("pipelines-json", "pipelines", "--json")
    yield _step("pipeline", "pipelines", "show", "builtin")
    yield _step("pipeline-json", "pipelines", "show", "plain", "--json")
    here = tuple(rf'"{key}": ("(?:[^"\\]|\\.)*"|\w+)' for key in ("runs_here", "how", "needs"))
    yield _step("models", "models", "--json", varies=here)
    facts = tuple(rf'"{key}": ("(?:[^"\\]|\\.)*"|\w+)' for key in ("ok", "found"))
    yield _step("doctor", "doctor", "--json", varies=facts)
    yield _step("plan", "plan", "pdfs", "--pages", "1000", "--sample", "1", "--json", varies=_PLAN)


def _judging() -> Iterator[Step]:
    tune = ("tune", *_INDEX, "--queries", "questions.jsonl", "--json")
    yield _step("tune", *tune, varies=_TIMED, tidy=_by_cascade)
    chosen = (word for name in ("union", "rrf", "bits") for word in ("--cascade", CASCADES[name]))
    yield _step("tune-cascades", *tune, "--sample", "5", *chosen, varies=_TIMED, tidy=_by_cascade)
    yield _step(
        "tune-drawn",
        "tune",
        *_INDEX,
        "--sample",
        "5",
        "--cascade",
        "two-stage",
        "--json",
        varies=_TIMED,
        tidy=_by_cascade,
    )
    yield _step("eval-make", "eval", "make", "questions.csv", "pdfs", "--out", "bench", "--json")
    judge = ("eval", "bench", *_INDEX, "--cache", "cache", "--json")
    yield _step("eval", *judge, "--cascade", "exact", "--cascade", "best", "--out", "first")
    yield _step("eval-two-stage", *judge, "--limit-queries", "8", "--cascade", "two-stage", "--out", "second")
    yield _step("eval-best", *judge, "--limit-queries", "8", "--cascade", "best", "--out", "third")
    yield _step("eval-compare", "eval", "compare", "second", "third", "--json")
    yield _step("eval-compare-nothing", "eval", "compare", "first", "second")
    answers = ("eval", "answers", "bench", *_INDEX, "--cache", "cache", "--limit-queries", "8", "--json")
    yield _step("eval-answers", *answers, "--out", "answers")
    yield _step("eval-answers-compare", "eval", "compare", "answers", "answers", "--metric", "shown_in_3", "--json")
    yield _step("eval-gate", "eval", "gate", "first", "--baseline", "first")


def _by_cascade(said: str) -> str:
    """The answer of `tune` with its rows by name; they come with the quickest first."""
    found = json.loads(said)
    found["rows"].sort(key=lambda row: row["cascade"])
    return f"{json.dumps(found)}\n"


def _wrong() -> Iterator[Step]:
    mistakes = {
        "cascade": ["search", "x", *_INDEX, "--cascade", "four-stage"],
        "cascade-text": ["search", "x", *_INDEX, "--cascade", "runs:256 >> full"],
        "cascade-vector": ["search", "x", *_INDEX, "--cascade", "rows:256 > full"],
        "cascade-middle": ["search", "x", *_INDEX, "--cascade", "runs:6+0.5*text > full"],
        "filter-key": ["search", "x", *_INDEX, "--where", "colour=red"],
        "filter-doc": ["search", "x", *_INDEX, "--where", "doc=none.pdf"],
        "filter": ["ls", *_INDEX, "--where", "year >"],
        "no-index": ["search", "x"],
        "no-index-there": ["info", "--index", "empty"],
        "top": ["search", "x", *_INDEX, "-k", "0"],
        "no-query": ["search", *_INDEX],
        "no-question": ["ask", *_INDEX],
        "html": ["ask", "--queries", "some.jsonl", *_INDEX, "--html", "a.html"],
        "empty-query": ["search", "", *_INDEX],
        "queries": ["search", "--queries", "wrong.jsonl", *_INDEX],
        "recipe": ["ingest", "pdfs", "--index", "other", "--pipeline", "nope"],
        "recipe-differs": ["ingest", "pdfs", *_INDEX, "--dpi", "72"],
        "recipe-repool": ["repool", *_INDEX, "--pipeline", "colpali"],
        "path": ["ingest", "missing", *_INDEX],
        "no-files": ["ingest", "empty", *_INDEX],
        "page": ["explain", "x", *_INDEX, "--doc", "solar-kiln-paper.pdf", "--page", "99"],
        "page-of-what": ["explain", "x", *_INDEX, "--page", "1"],
        "rm": ["rm", "none.pdf", *_INDEX, "--yes"],
        "rm-unasked": ["rm", "solar-kiln-paper.pdf", *_INDEX],
        "facet": ["ls", *_INDEX, "--facet", "colour"],
        "command": ["nope"],
        "option": ["search", "x", "--nope"],
        "benchmark": ["eval", "empty", *_INDEX],
        "pull": ["pull", "--index", "pulled"],
    }
    for name, words in mistakes.items():
        yield _step(f"wrong-{name}", *words)
    for name in ("cascade-text", "filter-key", "no-index", "top", "recipe-differs", "page", "rm", "option"):
        yield _step(f"wrong-{name}-json", *mistakes[name], "--json")


def _changing() -> Iterator[Step]:
    search = ("search", QUESTION, "-k", "3", "--json")
    files = (r'"(?:files|bytes)": (\d+)', r"(\d+) files")
    yield _step("snapshot", "snapshot", "create", "index.tar.gz", *_INDEX, "--json", varies=files)
    yield _step("snapshot-taken", "snapshot", "create", "index.tar.gz", *_INDEX)
    yield _step("restore", "snapshot", "restore", "index.tar.gz", "--index", "restored", varies=files)
    yield _step("restore-taken", "snapshot", "restore", "index.tar.gz", "--index", "restored")
    yield _step("restored-search", *search, "--index", "restored")
    yield _step("ingest-wrong", "ingest", "wrong", "--index", "restored")
    yield _step("status-failed", "status", "--failed", "--index", "restored")
    yield _step("rm", "rm", "ferry-annual-report.pdf", "--index", "restored", "--yes", "--json")
    yield _step("rm-search", *search, "--index", "restored")
    yield _step("rm-verify", "verify", "--index", "restored", "--json")
    yield _step("repool-into", "repool", *_INDEX, "--pipeline", "plain", "--into", "plain", "--json")
    yield _step("repool-into-search", *search, "--index", "plain")
    yield _step("repool", "repool", "--index", "restored", "--pipeline", "plain")
    yield _step("repool-search", *search, "--index", "restored")
    yield _step("repool-info", "info", "--index", "restored", "--json", varies=(r'"bytes": (\d+)',))


def _api() -> Iterator[Step]:
    yield Step("api-names", _names)
    yield Step("api-index", _index_members)
    yield Step("api-answers", lambda: _with_index(_answers))
    yield Step("api-pages", lambda: _with_index(_pages))


def _with_index(do: Callable[[Any], Iterator[str]]) -> str:
    from vrag import Index

    with Index.open("index") as index:
        return _lines(do(index))


def _answers(index: Any) -> Iterator[str]:
    """Hits as data, with what stands beside them."""
    for name in ("exact", "best", "twice"):
        hits = index.search(VALVE, 2, CASCADES[name])
        yield from (name, *map(as_json, hits), index.snippet(VALVE, hits[0]))
    yield from map(as_json, index.matches(QUESTION, index.search(QUESTION, 1)[0]))


def _pages(index: Any) -> Iterator[str]:
    """What each step of some cascades lets through, and what is stored."""
    for name in ("three-stage", "best", "nested"):
        cascade = index.pipeline.cascade(CASCADES[name])
        for step in range(len(cascade.steps)):
            yield f"{cascade}, step {step}"
            points = index.let_through(QUESTION, cascade, step, 5)
            yield f"{len(points)} pages"
            yield from (f"{point.id} {float(point.score)!r}" for point in points[:8])
    for name in ("full", "runs", "global"):
        vector = index.vectors("solar-kiln-paper.pdf", 1, name)
        yield f"{name} {vector.dtype} {vector.shape} {vector.reshape(-1)[:4].tolist()}"
    yield f"{index.page_count} pages, lost: {index.lost!r}, picture {index.page_image('solar-kiln-paper.pdf', 1).size}"


def _names() -> str:
    import vrag

    lines = [f"__all__ = {vrag.__all__}"]
    for name in vrag.__all__:
        what = getattr(vrag, name)
        lines.append(f"{name}{inspect.signature(what)}")
        if dataclasses.is_dataclass(what):
            lines += [f"    {field.name}: {field.type}" for field in dataclasses.fields(what)]
    errors = [e for e in vars(__import__("vrag.errors").errors).values() if isinstance(e, type)]
    lines += sorted(f"{e.__name__}: exit code {e.exit_code}" for e in errors if issubclass(e, vrag.VragError))
    return _lines(lines)


def _index_members() -> str:
    from vrag import Index

    lines = []
    for name, member in sorted(inspect.getmembers(Index)):
        if not name.startswith("_"):
            lines.append(f"{name}{inspect.signature(member)}" if callable(member) else f"{name}: property")
    return _lines(lines)


def as_json(data: Any) -> str:
    """A dataclass on one line, unrounded."""
    return json.dumps(dataclasses.asdict(data), ensure_ascii=False, default=float)


def _lines(lines: Any) -> str:
    return "".join(f"{line}\n" for line in lines)
