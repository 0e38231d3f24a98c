"""Our numbers against trec_eval's own code, and against values worked out by hand."""

import time

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from vrag.errors import UsageError
from vrag.evaluation.numbers.metrics import evaluate, judge, ranked

CUTS = (1, 3, 5, 10, 100)
TREC = {
    "ndcg": "ndcg_cut",
    "recall": "recall",
    "precision": "P",
    "map": "map_cut",
}
# Ids whose order as text differs from their order as numbers, and one outside ASCII.
DOCS = ["d1", "d10", "d2", "d20", "d3", "D3", "a", "b", "page-7", "é", "z", "zz"]
# Few values, so that ties are common; 1 + 1e-9 equals 1 as a float32 but not as a float64.
SCORES = st.sampled_from([-1.5, 0.0, 0.25, 1.0, 1.0 + 1e-9, 2.0, 1e-30, 17.5])

runs = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]), st.dictionaries(st.sampled_from(DOCS), SCORES, min_size=1), min_size=1
)
qrels = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]),
    st.dictionaries(st.sampled_from(DOCS), st.integers(0, 4), min_size=1),  # below 0 pytrec_eval may never return
    min_size=1,
)


def assert_trec_parity(run, judgements):
    names = {f"{trec}.{','.join(map(str, CUTS))}" for trec in TREC.values()} | {"map", "recip_rank", "ndcg"}
    expected = pytrec_eval.RelevanceEvaluator(judgements, names).evaluate(run)
    ours = {f"{name}@{k}": f"{trec}_{k}" for name, trec in TREC.items() for k in CUTS}
    ours |= {"map": "map", "mrr": "recip_rank", "ndcg": "ndcg"}
    values = evaluate(run, judgements, list(ours))
    for row, query in enumerate(judgements):
        for name, trec in ours.items():
            theirs = expected[query][trec] if query in expected else 0.0
            assert values[name][row] == pytest.approx(theirs, abs=1e-9), (query, name)


@given(runs, qrels)
def test_parity_with_trec_eval(run, judgements):
    assert_trec_parity(run, judgements)


def test_parity_on_long_rankings_with_ties():
    rng = np.random.default_rng(7)
    docs = [f"doc{i}" for i in range(2000)]

    def draw(count, values):
        return dict(zip(rng.choice(docs, count, replace=False).tolist(), values.tolist(), strict=True))

    run = {f"q{q}": draw(300, rng.integers(0, 40, 300) / 8) for q in range(20)}
    judgements = {f"q{q}": draw(150, rng.integers(0, 4, 150)) for q in range(20)}
    assert_trec_parity(run, judgements)


def test_values_worked_out_by_hand():
    run = {"q": {"a": 3.0, "b": 2.0, "c": 1.0}}
    judgements = {"q": {"a": 1, "c": 2, "missed": 3}}
    values = evaluate(run, judgements, ["ndcg@3", "recall@2", "precision@2", "mrr", "map"])
    ideal = 3 + 2 / np.log2(3) + 1 / 2
    assert values["ndcg@3"][0] == pytest.approx((1 + 2 / 2) / ideal)
    assert values["recall@2"][0] == pytest.approx(1 / 3)
    assert values["precision@2"][0] == pytest.approx(1 / 2)
    assert values["mrr"][0] == 1.0
    assert values["map"][0] == pytest.approx((1 / 1 + 2 / 3) / 3)


def test_negative_grades_count_as_irrelevant():
    run = {"q": {"a": 3.0, "b": 2.0, "c": 1.0}}
    negative, zero = {"q": {"a": -2, "b": 1}}, {"q": {"a": 0, "b": 1}}
    names = ["ndcg@10", "ndcg", "recall@10", "precision@10", "mrr", "map"]
    assert evaluate(run, negative, names) == evaluate(run, zero, names)


def test_ties_go_to_the_larger_id():
    assert ranked({"a": 1.0, "c": 1.0, "b": 2.0}) == ["b", "c", "a"]


def test_scores_are_compared_as_float32():
    assert ranked({"a": 1.0 + 1e-9, "b": 1.0}) == ["b", "a"]


def test_a_perfect_ranking_scores_one():
    judgements = {"q": {"a": 3, "b": 1}}
    values = evaluate({"q": {"a": 2.0, "b": 1.0}}, judgements, ["ndcg@10", "recall@10", "mrr", "map"])
    assert [value[0] for value in values.values()] == pytest.approx([1, 1, 1, 1])


def test_a_query_without_hits_counts_as_zero():
    judgements = {"found": {"a": 1}, "lost": {"a": 1}}
    values = evaluate({"found": {"a": 1.0}}, judgements)
    assert all(value.tolist()[1] == 0.0 for value in values.values())
    assert values["ndcg@10"].mean() == 0.5


def test_an_empty_run_is_all_zeros():
    values = evaluate({}, {"q": {"a": 1}, "r": {"b": 0}})
    assert all(value.tolist() == [0.0, 0.0] for value in values.values())


def test_queries_that_nobody_judged_are_passed_over():
    assert judge({"q": {"a": 1.0}, "x": {"a": 1.0}}, {"q": {"a": 1}}).queries == ("q",)


@pytest.mark.parametrize("name", ["precision", "ndcg@0", "ndcg@", "bleu", "recall@-1", "NDCG@10"])
def test_an_unknown_metric_is_named(name):
    with pytest.raises(UsageError, match=name):
        evaluate({}, {"q": {"a": 1}}, [name])


def test_two_hundred_thousand_pairs_take_seconds():
    rng = np.random.default_rng(0)
    run = {f"q{q}": {f"d{d}": score for d, score in enumerate(rng.random(1000).tolist())} for q in range(200)}
    judgements = {f"q{q}": {f"d{d}": 1 for d in rng.choice(1000, 5).tolist()} for q in range(200)}
    started = time.perf_counter()
    evaluate(run, judgements)
    assert time.perf_counter() - started < 5
