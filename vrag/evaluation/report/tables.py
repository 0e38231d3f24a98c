"""What the Markdown and the HTML report both say, as titled tables of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vrag.evaluation.published import SOURCE
from vrag.evaluation.results import Results

_WELL_KNOWN = ("vidore/", "mteb/baseline")
_NAMES = {"ndcg_at_5": "NDCG@5", "ndcg_at_10": "NDCG@10", "recall_at_10": "Recall@10", "mrr": "MRR"}


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
    return _NAMES.get(key, key.replace("_at_", "@"))


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
    keys = ("ndcg_at_5", "ndcg_at_10", "recall_at_10", "mrr")
    rows = [
        (*_identity(row), str(row["queries"]), *(_with_interval(row, key) for key in keys))
        for row in results["results"]
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
        (suite, scope, cascade, str(len(scores)), metric_name(metric), f"{sum(scores) / len(scores):.4f}")
        for (suite, scope, cascade, metric), scores in groups.items()
        if len(scores) > 1
    ]
    return Table("Means over tasks", ("tasks", "scope", "cascade", ">number", "metric", ">mean"), tuple(rows))


def against_reference(results: Results) -> Table:
    """Each cascade beside the reference one."""
    rows = []
    for row in results["results"]:
        if "versus" in row:
            versus = row["versus"]
            low, high = versus["interval"]
            rows.append(
                (
                    *_identity(row),
                    versus["cascade"],
                    metric_name(row["metric"]),
                    f"{versus['difference']:+.4f} [{low:+.4f}, {high:+.4f}]",
                    _or_dash(versus["percent"], "{:.1f} %"),
                    f"{versus['p_value']:.4f}",
                    _or_dash(versus["top_10_kept"], "{:.1%}"),
                )
            )
    head = ("task", "scope", "cascade", "against", "metric", ">difference", ">of it", ">p", ">its top 10 kept")
    note = "p: paired randomisation test over queries, two-sided; below 0.05 the difference is hardly chance."
    return Table("Cascades compared", head, tuple(rows), note)


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
        (*_identity(row), language, str(values["queries"]), metric_name(row["metric"]), f"{values[row['metric']]:.4f}")
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
    head = ("task", "source", "revision", ">documents", ">pages", ">missing", ">questions", ">without labels",
            ">index", ">a page", ">pages/s indexed", ">peak memory")  # fmt: skip
    return Table("Corpora and indexes", head, tuple(_corpus(task) for task in results["tasks"]))


def _corpus(task: Mapping[str, Any]) -> tuple[str, ...]:
    measured = task["measured"]
    return (
        task["task"],
        task["source"],
        (task["revision"] or "local")[:12],
        *(str(task[key]) for key in ("documents", "pages", "missing_pages", "queries", "unjudged")),
        f"{measured['index_bytes'] / 1e6:.1f} MB",
        f"{measured['index_bytes'] / 1e3 / max(task['pages'], 1):.0f} kB",
        _or_dash(measured["pages_per_second"], "{:.2f}"),
        _or_dash(_gib(measured["ingest_peak_bytes"] or measured["search_peak_bytes"]), "{:.2f} GiB"),
    )


def _identity(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["task"], row["scope"], row["cascade"]


def _with_interval(row: Mapping[str, Any], key: str) -> str:
    if key not in row["intervals"]:
        return f"{row[key]:.4f}"
    low, high = row["intervals"][key]
    return f"{row[key]:.4f} [{low:.3f}, {high:.3f}]"


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _gib(size: int | None) -> float | None:
    return None if size is None else size / 2**30


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(_setting(settings)) or "defaults"


def _setting(settings: Mapping[str, Any]) -> Iterator[str]:
    if settings["languages"]:
        yield f"languages {', '.join(settings['languages'])}"
    if settings["limit_queries"]:
        yield f"the first {settings['limit_queries']} questions of each language"
    yield f"{settings['depth']} hits judged"
