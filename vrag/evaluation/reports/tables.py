"""What the Markdown and the HTML report both say, as titled tables of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from vrag.evaluation.results.published import SOURCE
from vrag.evaluation.results.results import Results

_WELL_KNOWN = ("vidore/", "mteb/baseline")
_FEW = 50  # queries of a mean below which thousandths say nothing
_NAMES = {
    "ndcg_at_5": "NDCG@5",
    "ndcg_at_10": "NDCG@10",
    "recall_at_10": "Recall@10",
    "recall_at_100": "Recall@100",
    "mrr": "MRR",
    "f1": "F1",
    "citation_f1": "citation F1",
    "unanswerable_f1": "unanswerable F1",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text.

    Args:
        title: Heading.
        head: Column names; a leading ">" sets a column of numbers to the right.
        rows: Cells.
        note: A sentence below; may be empty.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def metric_name(key: str) -> str:
    """A metric's name for people."""
    return _NAMES.get(key, key.replace("_at_", "@").replace("_", " "))


def written(value: float, queries: int) -> str:
    """A mean over so many queries, with the digits that they can tell apart: 50 questions cannot say thousandths."""
    return f"{value:.{_digits(queries)}f}"


def _digits(queries: int) -> int:
    return 2 if queries < _FEW else 3


def facts(results: Results) -> list[tuple[str, str]]:
    """How the evaluation was made, as pairs."""
    task = results["tasks"][0]
    model, machine = task["model"], results["machine"]
    return [
        ("model", model["name"]),
        ("model revision", str(model["revision"] or "none stated")),
        ("fingerprint", model["fingerprint"]),
        ("pipeline", task["pipeline"]["name"]),
        ("cascades", "; ".join(dict.fromkeys(f"{r['cascade']} = {r['stages']}" for r in results["results"]))),
        ("machine", f"{machine['processor']}, {machine['cpus']} CPUs, {machine['system']}"),
        ("date", results["measured"]["date"]),
        ("versions", ", ".join(f"{name} {version}" for name, version in results["versions"].items())),
        ("settings", _settings(results["settings"])),
    ]


def tables(results: Results) -> list[Table]:
    """The report's tables in their order; those that have nothing to say are left out."""
    makers: Sequence[Callable[[Results], Table]] = (
        quality, means, against_reference, published, languages, speed, corpora,
    )  # fmt: skip
    made = (make(results) for make in makers)
    return [table for table in made if table.rows]


def quality(results: Results) -> Table:
    """One row a task, scope and cascade."""
    keys = ("ndcg_at_5", "ndcg_at_10", "recall_at_10", "recall_at_100", "mrr")
    rows = [
        (*_identity(row), str(row["queries"]), *(with_interval(row, key) for key in keys)) for row in results["results"]
    ]
    note = "In brackets: 95 % bootstrap intervals over queries."
    head = ("task", "scope", "cascade", ">queries", *(f">{metric_name(key)}" for key in keys))
    return Table("Quality", head, tuple(rows), note)


def means(results: Results) -> Table:
    """Means over the tasks of each suite; empty when there is but one task."""
    groups: dict[tuple[str, str, str, str], list[float]] = {}
    suites = {task["task"]: task["suite"] for task in results["tasks"]}
    for row in results["results"]:
        group = (suites[row["task"]] or "all tasks", row["scope"], row["cascade"], row["metric"])
        groups.setdefault(group, []).append(row["score"])
    rows = [
        (suite, scope, cascade, str(len(scores)), metric_name(metric), f"{sum(scores) / len(scores):.3f}")
        for (suite, scope, cascade, metric), scores in groups.items()
        if len(scores) > 1
    ]
    return Table("Means over tasks", ("tasks", "scope", "cascade", ">number", "metric", ">mean"), tuple(rows))


def against_reference(results: Results) -> Table:
    """Each cascade beside the reference one."""
    rows = [_beside(row) for row in results["results"] if "versus" in row]
    head = ("task", "scope", "cascade", "against", "metric", ">difference", ">% of reference", ">p", ">top 10 kept")
    note = (
        "Against: the reference cascade. Top 10 kept: how many of "
        "the reference's ten best pages are among the cascade's ten, mean over queries. p: paired randomisation test, "
        "two-sided; below 0.05 the difference is hardly chance."
    )
    return Table("Cascades compared", head, tuple(rows), note)


def _beside(row: Mapping[str, Any]) -> tuple[str, ...]:
    versus = row["versus"]
    values = (versus["difference"], *versus["interval"])
    change, low, high = (f"{value:+.{_digits(row['queries'])}f}" for value in values)
    return (
        *_identity(row),
        versus["cascade"],
        metric_name(row["metric"]),
        f"{change} [{low}, {high}]",
        _or_dash(versus["percent"], "{:.1f} %"),
        f"{versus['p_value']:.3f}",
        _or_dash(versus["top_10_kept"], "{:.1%}"),
    )


def published(results: Results) -> Table:
    """Published figures on the same tasks, with our difference: the best one, the well known ones, and our model's."""
    rows = []
    before = ""
    for pair in results["published"]:
        best, before = pair["task"] != before, pair["task"]
        if best or pair["model"].startswith(_WELL_KNOWN) or pair["model"] == results["tasks"][0]["model"]["name"]:
            numbers = (f"{pair['score']:.4f}", f"{pair['ours']:.4f}", f"{pair['ours'] - pair['score']:+.4f}")
            rows.append((pair["task"], pair["model"], metric_name(pair["metric"]), *numbers, pair["cascade"]))
    head = ("task", "model", "metric", ">published", ">ours", ">difference", "cascade")
    return Table("Beside published figures", head, tuple(rows), f"{SOURCE} All of them are in results.json.")


def languages(results: Results) -> Table:
    """The task's metric by language of the queries."""
    rows = [
        (
            *_identity(row),
            language,
            str(values["queries"]),
            metric_name(row["metric"]),
            written(values[row["metric"]], values["queries"]),
        )
        for row in results["results"]
        for language, values in row["languages"].items()
    ]
    return Table("By language", ("task", "scope", "cascade", "language", ">queries", "metric", ">score"), tuple(rows))


def speed(results: Results) -> Table:
    """Latency and throughput of each cascade."""
    rows = [
        (*_identity(row), f"{m['median_ms']:.1f}", f"{m['p95_ms']:.1f}", f"{m['queries_per_second']:.1f}")
        for row in results["results"]
        for m in (row["measured"],)
    ]
    note = "The ten best pages, one question after the other in one process, embedding the question included."
    head = ("task", "scope", "cascade", ">median ms", ">p95 ms", ">queries/s")
    return Table("Speed", head, tuple(rows), note)


def corpora(results: Results) -> Table:
    """Pages, questions and the index of each task."""
    head = ("task", "source", "revision", ">docs", ">pages", ">missing", ">questions", ">unlabelled",
            ">index", ">a page", ">indexed", ">peak")  # fmt: skip
    note = "Peak: memory in GiB of indexing / of searching, all processes together; – where there was nothing to index."
    return Table("Corpora and indexes", head, tuple(_corpus(task) for task in results["tasks"]), note)


def _corpus(task: Mapping[str, Any]) -> tuple[str, ...]:
    measured = task["measured"]
    return (
        task["task"],
        PurePath(task["source"]).name,
        (task["revision"] or "local")[:8],
        *(str(task[key]) for key in ("documents", "pages", "missing_pages", "queries", "unjudged")),
        f"{measured['index_bytes'] / 1e6:.1f} MB",
        f"{measured['index_bytes'] / 1e3 / max(task['pages'], 1):.0f} kB",
        _or_dash(measured["pages_per_second"], "{:.2f} pages/s"),
        " / ".join(_or_dash(_gib(measured[f"{what}_peak_bytes"]), "{:.2f}") for what in ("ingest", "search")),
    )


def _identity(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["task"], row["scope"], row["cascade"]


def with_interval(row: Mapping[str, Any], key: str) -> str:
    """A metric of a row with its interval, if it has one; a dash where it says nothing."""
    if row.get(key) is None:
        return "–"
    if key not in row["intervals"]:
        return written(row[key], row["queries"])
    return "{} [{}, {}]".format(*(written(value, row["queries"]) for value in (row[key], *row["intervals"][key])))


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _gib(size: int | None) -> float | None:
    return None if size is None else size / 2**30


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(_setting(settings)) or "defaults"


def _setting(settings: Mapping[str, Any]) -> Iterator[str]:
    if settings.get("languages"):
        yield f"languages {', '.join(settings['languages'])}"
    if settings["limit_queries"]:
        yield f"the first {settings['limit_queries']} questions of each {'kind' if 'k' in settings else 'language'}"
    yield f"{settings['k']} pages looked at" if "k" in settings else f"{settings['depth']} hits judged"
