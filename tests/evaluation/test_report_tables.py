"""Each table of a report from rows made by hand: what stands in it, how many digits, and when it is left out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.evaluation.reports.charts import COLOURS, Bar, bar_chart
from vrag.evaluation.reports.markdown import title, to_markdown
from vrag.evaluation.reports.tables import (
    against_reference,
    corpora,
    facts,
    languages,
    means,
    metric_name,
    published,
    quality,
    speed,
    tables,
    written,
)


def row(task="T", cascade="best", score=0.5, queries=100, **more):
    scores = dict.fromkeys(("ndcg_at_5", "ndcg_at_10", "recall_at_10", "recall_at_100", "mrr"), score)
    return {
        "task": task,
        "scope": "union",
        "cascade": cascade,
        "stages": f"{cascade} as text",
        "metric": "ndcg_at_5",
        "score": score,
        "queries": queries,
        "intervals": {},
        "languages": {},
        "measured": {"median_ms": 1.25, "p95_ms": 20.0, "queries_per_second": 80.04},
        **scores,
        **more,
    }


def task(name="T", suite=None, **more):
    return {
        "task": name,
        "suite": suite,
        "source": f"/data/{name}",
        "revision": None,
        "documents": 3,
        "pages": 12,
        "missing_pages": 1,
        "queries": 30,
        "unjudged": 2,
        "model": {"name": "some/model", "revision": None, "fingerprint": "abc"},
        "pipeline": {"name": "builtin"},
        "measured": {
            "index_bytes": 2_400_000,
            "pages_per_second": None,
            "ingest_peak_bytes": None,
            "search_peak_bytes": 3 << 29,
        },
        **more,
    }


def results(rows, tasks=None, **more):
    return {
        "results": rows,
        "tasks": tasks or [task(name) for name in dict.fromkeys(r["task"] for r in rows)],
        "published": [],
        "machine": {"processor": "A CPU", "cpus": 4, "system": "Linux"},
        "measured": {"date": "2025-01-02T03:04:05"},
        "versions": {"numpy": "2.0", "vrag": "1"},
        "settings": {"languages": [], "limit_queries": None, "depth": 100},
        **more,
    }


@pytest.mark.parametrize(
    ("value", "queries", "text"),
    [(0.12345, 1, "0.12"), (0.12345, 49, "0.12"), (0.12345, 50, "0.123"), (0.9996, 400, "1.000"), (1.0, 3, "1.00")],
)
def test_few_questions_cannot_say_thousandths(value, queries, text):
    assert written(value, queries) == text


@pytest.mark.parametrize(
    ("key", "name"),
    [("ndcg_at_5", "NDCG@5"), ("mrr", "MRR"), ("precision_at_3", "precision@3"), ("map", "map")],
)
def test_metrics_have_the_names_that_people_know(key, name):
    assert metric_name(key) == name


def test_an_interval_stands_where_there_is_one():
    given = row(score=0.5, queries=60, intervals={"ndcg_at_5": (0.4, 0.61), "mrr": (0.1, 0.9)})
    ((*_, queries, ndcg_5, ndcg_10, _, _, mrr),) = quality(results([given])).rows
    assert (queries, ndcg_5, ndcg_10, mrr) == ("60", "0.500 [0.400, 0.610]", "0.500", "0.500 [0.100, 0.900]")


def test_means_are_over_the_tasks_of_a_suite_by_cascade_and_metric():
    rows = [
        row("A", "best", 0.2),
        row("B", "best", 0.4),
        row("C", "best", 0.9),
        row("A", "exact", 0.5),
        row("B", "exact", 0.7),
        row("D", "best", 0.1, metric="mrr"),
    ]
    tasks = [task("A", "v1"), task("B", "v1"), task("C", "v2"), task("D", "v1")]
    assert means(results(rows, tasks)).rows == (
        ("v1", "union", "best", "2", "NDCG@5", "0.300"),
        ("v1", "union", "exact", "2", "NDCG@5", "0.600"),
    )


def test_tasks_of_no_suite_are_all_tasks_and_one_task_has_no_mean():
    assert means(results([row("A", score=0.2), row("B", score=0.3)])).rows[0][0] == "all tasks"
    assert means(results([row("A")])).rows == ()


def test_a_cascade_is_set_beside_the_reference():
    versus = {
        "cascade": "exact",
        "difference": -0.0123,
        "interval": (-0.03, 0.004),
        "percent": 97.53,
        "p_value": 0.0411,
        "top_10_kept": 0.9876,
    }
    few = {**versus, "percent": None, "top_10_kept": None}
    rows = [row(versus=versus), row(cascade="exact"), row(cascade="few", queries=8, versus=few)]
    assert [cells[3:] for cells in against_reference(results(rows)).rows] == [
        ("exact", "NDCG@5", "-0.012 [-0.030, +0.004]", "97.5 %", "0.041", "98.8%"),
        ("exact", "NDCG@5", "-0.01 [-0.03, +0.00]", "–", "0.041", "–"),
    ]


def test_published_figures_are_the_best_the_well_known_and_ours():
    def pair(model, score, task="T"):
        return {"task": task, "model": model, "metric": "ndcg_at_5", "score": score, "ours": 0.5, "cascade": "best"}

    models = ["first/of-all", "somebody/else", "vidore/colpali-v1.3", "mteb/baseline-bm25", "some/model", "nobody/x"]
    pairs = [pair(model, 0.9 - 0.1 * n) for n, model in enumerate(models)] + [pair("again/first", 0.25, "U")]
    table = published(results([row()], published=pairs))
    assert [cells[:2] for cells in table.rows] == [
        ("T", "first/of-all"),
        ("T", "vidore/colpali-v1.3"),
        ("T", "mteb/baseline-bm25"),
        ("T", "some/model"),
        ("U", "again/first"),
    ]
    assert table.rows[0][3:] == ("0.9000", "0.5000", "-0.4000", "best")
    assert table.rows[-1][3:6] == ("0.2500", "0.5000", "+0.2500")


def test_languages_and_times_have_a_row_each():
    spoken = {"english": {"queries": 60, "ndcg_at_5": 0.7}, "french": {"queries": 9, "ndcg_at_5": 0.6789}}
    made = results([row(languages=spoken), row(cascade="exact")])
    assert [cells[3:] for cells in languages(made).rows] == [
        ("english", "60", "NDCG@5", "0.700"),
        ("french", "9", "NDCG@5", "0.68"),
    ]
    assert speed(made).rows == (
        ("T", "union", "best", "1.2", "20.0", "80.0"),
        ("T", "union", "exact", "1.2", "20.0", "80.0"),
    )


def test_a_corpus_says_what_it_took():
    measured = {"index_bytes": 5_000, "pages_per_second": 3.456, "ingest_peak_bytes": 1 << 30, "search_peak_bytes": 0}
    none = task("empty", pages=0, revision="0123456789abcdef", measured=measured)
    first, second = corpora(results([row()], [task(), none])).rows
    assert first[1:3] == ("T", "local")
    assert first[-4:] == ("2.4 MB", "200 kB", "–", "– / 1.50")
    assert second[2] == "01234567"
    assert second[-4:] == ("0.0 MB", "5 kB", "3.46 pages/s", "1.00 / 0.00")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"languages": [], "limit_queries": None, "depth": 100}, "100 hits judged"),
        (
            {"languages": ["french", "german"], "limit_queries": 5, "depth": 10},
            "languages french, german, the first 5 questions of each language, 10 hits judged",
        ),
    ],
)
def test_the_facts_say_how_it_was_made(settings, text):
    made = dict(facts(results([row(), row("U"), row(cascade="exact")], settings=settings)))
    assert made["settings"] == text
    assert made["cascades"] == "best = best as text; exact = exact as text"
    assert made["model revision"] == "none stated"
    assert made["machine"] == "A CPU, 4 CPUs, Linux"
    assert made["versions"] == "numpy 2.0, vrag 1"


def test_tables_with_nothing_to_say_are_left_out():
    assert [table.title for table in tables(results([row()]))] == ["Quality", "Speed", "Corpora and indexes"]
    both = [table.title for table in tables(results([row("A"), row("B")]))]
    assert both == ["Quality", "Means over tasks", "Speed", "Corpora and indexes"]


@pytest.mark.parametrize(("count", "said"), [(1, "T0"), (3, "T0, T1, T2"), (5, "T0, T1, T2 and 2 more")])
def test_a_title_names_three_tasks(count, said):
    assert title(results([row(f"T{n}") for n in range(count)])) == f"Evaluation: {said}"


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20)


@given(NAMES, NAMES)
def test_no_name_breaks_a_table_of_markdown(name, cascade):
    text = to_markdown(results([row(name, cascade)]))
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(cells) == 1
    assert text.count("\n## ") == 3


SHARES = st.floats(-0.5, 1.5)


@given(st.lists(st.tuples(NAMES, NAMES, SHARES, SHARES, SHARES), min_size=1, max_size=9))
def test_a_chart_has_every_bar_once_in_its_group_and_colour(rows):
    bars = [Bar(group, name, value, low, high, "label") for group, name, value, low, high in rows]
    html = bar_chart(bars, "what it shows")
    assert html.count('<span class="track"') == len(bars)
    assert html.count("<dt>") == len({bar.group for bar in bars})
    names = list(dict.fromkeys(bar.name for bar in bars))
    for number, colour in enumerate(COLOURS):
        wanted = sum(names.index(bar.name) % len(COLOURS) == number for bar in bars)
        assert html.count(f"background:{colour}") == wanted
    for share in map(float, re.findall(r"(?:width|left):([\d.]+)%", html)):
        assert 0 <= share <= 100
