"""Numbers made of answers: means, languages, the reference cascade, speed."""

import numpy as np
import pytest

from tests.evaluation.made_up import made_up_run
from vrag.evaluation.benchmarks.task import Options
from vrag.evaluation.numbers.metrics import evaluate
from vrag.evaluation.numbers.statistics import bootstrap_interval, randomisation_test
from vrag.evaluation.reports.html import to_html
from vrag.evaluation.reports.markdown import to_markdown
from vrag.evaluation.results.results import make_results
from vrag.evaluation.results.scoring import METRICS, key, score_task, speed

QRELS = {f"q{n}": {f"p{n}": 1} for n in range(8)}
PERFECT = {query: dict.fromkeys(grades, 1.0) for query, grades in QRELS.items()}
HALF = {query: hits if number % 2 else {"p8": 2.0, **hits} for number, (query, hits) in enumerate(PERFECT.items())}


def test_a_perfect_run_scores_one_and_an_empty_one_nothing():
    perfect, empty = score_task(made_up_run({"exact": PERFECT, "none": {}}, QRELS))
    for metric in ("ndcg@1", "ndcg@5", "ndcg@10", "recall@10", "map", "mrr"):
        assert perfect[key(metric)] == 1.0
        assert empty[key(metric)] == 0.0
    assert perfect["score"] == 1.0
    assert perfect["queries"] == 8
    assert empty["versus"] == {
        "cascade": "exact", "difference": -1.0, "interval": [-1.0, -1.0], "percent": 0.0, "top_10_kept": 0.0,
        "p_value": pytest.approx(2 / 2**8, rel=0.5),
    }  # fmt: skip


def test_rows_have_every_metric_as_the_metrics_module_has_it():
    (row,) = score_task(made_up_run({"two-stage": HALF}, QRELS))
    values = evaluate(HALF, QRELS, METRICS)
    assert {metric: row[key(metric)] for metric in METRICS} == {m: v.mean() for m, v in values.items()}
    assert row["intervals"]["ndcg_at_10"] == list(bootstrap_interval(values["ndcg@10"]))
    assert row["per_query"]["q0"]["ndcg_at_10"] == pytest.approx(1 / np.log2(3))
    assert row["languages"] == {}


def test_the_exact_cascade_is_the_reference_wherever_it_stands():
    rows = score_task(made_up_run({"fast": HALF, "exact": PERFECT}, QRELS))
    assert "versus" not in rows[1]
    versus = rows[0]["versus"]
    assert versus["cascade"] == "exact"
    ndcg = evaluate(HALF, QRELS, ["ndcg@10"])["ndcg@10"]
    assert versus["difference"] == pytest.approx(ndcg.mean() - 1)
    assert versus["percent"] == pytest.approx(100 * ndcg.mean())
    assert versus["p_value"] == pytest.approx(randomisation_test(ndcg / 8, np.ones(8) / 8))
    assert versus["top_10_kept"] == 1.0
    assert score_task(made_up_run({"a": HALF, "b": PERFECT}, QRELS))[1]["versus"]["cascade"] == "a"


def test_languages_count_alike_however_many_questions_they_have():
    languages = {query: "french" if query == "q0" else "english" for query in QRELS}
    only_french = {"q0": PERFECT["q0"]}
    (row,) = score_task(made_up_run({"exact": only_french}, QRELS, languages))
    assert row["languages"]["french"]["ndcg_at_10"] == 1.0
    assert row["languages"]["english"]["ndcg_at_10"] == 0.0
    assert row["languages"]["english"]["queries"] == 7
    assert row["ndcg_at_10"] == row["score"] == 0.5
    assert row["intervals"]["ndcg_at_10"] == [0.5, 0.5]  # each language's questions are all alike


def test_the_metric_of_the_task_is_its_score():
    (row,) = score_task(made_up_run({"exact": HALF}, QRELS, metric="ndcg_at_5"))
    assert row["metric"] == "ndcg_at_5"
    assert row["score"] == row["ndcg_at_5"]


def test_speed():
    values = speed([0.1, 0.2, 0.3, 0.4])
    assert values == {"median_ms": pytest.approx(250), "p95_ms": pytest.approx(385),
                      "queries_per_second": pytest.approx(4)}  # fmt: skip


def test_many_questions_are_scored_and_reported(tmp_path):
    rng = np.random.default_rng(1)
    docs = [f"p{n}" for n in range(500)]
    hits = {}
    for number in range(300):
        found = rng.choice(docs, 100, replace=False).tolist()
        hits[f"q{number}"] = dict(zip(found, range(100, 0, -1), strict=True))
    qrels = {query: dict.fromkeys(list(found)[5:7], 1) for query, found in hits.items()}
    run = made_up_run({"exact": hits}, qrels)
    results = make_results([run], Options(tmp_path, tmp_path))
    assert results["results"][0]["mrr"] == pytest.approx(1 / 6)
    assert "| made-up | union | exact | 300 |" in to_markdown(results)
    assert to_html(results, [run]).count("text of &lt;q") >= 300
