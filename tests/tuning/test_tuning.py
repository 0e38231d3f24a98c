"""Tuning agrees with numpy, and draws its queries from the pages it searches."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pdfs import write_pdf
from vrag import Index, VragError
from vrag.evaluation.numbers.statistics import ConfidenceInterval
from vrag.pipeline.pipeline import load_pipeline, make_pipeline
from vrag.tuning.candidates import bytes_read, propose, reference_of, vector_bytes, with_reordering
from vrag.tuning.queries import TuningQuery, draw_queries, page_key, read_queries
from vrag.tuning.tune import Measured, StageRecall, Tuning, on_the_front, total_steps, tune

PAGES = 48
NOUNS = ["engine", "harbour", "penguin", "violin", "glacier", "orchard", "teapot", "satellite", "lantern", "volcano"]
VERBS = ["repairs", "paints", "measures", "carries", "hides", "sells", "describes", "cools", "photographs"]


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The path of an index of 48 pages, and the folder of its PDF."""
    folder, rng = tmp_path_factory.mktemp("many"), random.Random(3)
    sentences = [
        f"The {rng.choice(NOUNS)} {rng.choice(VERBS)} a {rng.choice(NOUNS)} in hall {i % 7} of the {rng.choice(NOUNS)}."
        for i in range(PAGES * 3)
    ]
    write_pdf(folder / "many.pdf", ["\n".join(sentences[3 * page : 3 * page + 3]) for page in range(PAGES)])
    with Index.create(folder / "index", "plain") as index:
        assert index.ingest([folder / "many.pdf"]).added == PAGES
    return folder / "index"


@pytest.fixture(scope="module")
def index(many):
    with Index.open(many) as index:
        yield index


def maxsim(index, query, name):
    """Pages, best first, by MaxSim over a named vector."""
    rows = index.embed_query(query)
    scores = [(rows @ index.vectors("many.pdf", page, name).T).max(axis=1).sum() for page in range(1, PAGES + 1)]
    return [int(page) + 1 for page in np.argsort(-np.array(scores), kind="stable")]


def test_recall_after_each_stage_is_what_numpy_says(index):
    queries = [TuningQuery("a violin in the harbour"), TuningQuery("who photographs the glacier")]
    cascade = index.pipeline.cascade("runs:12 > full")
    (row,) = [row for row in tune(index, [cascade], queries).rows if row.cascade == "runs:12 > full"]
    wanted = []
    for query in queries:
        exact, kept = set(maxsim(index, query.text, "full")[:10]), set(maxsim(index, query.text, "runs")[:12])
        wanted.append(len(exact & kept) / 10)
    assert [stage.stage for stage in row.stages] == ["runs:12", "full"]
    assert [stage.recall for stage in row.stages] == pytest.approx([np.mean(wanted)] * 2)
    assert 0 < row.recall < 1


def test_a_union_is_measured_by_what_its_branches_let_through(index):
    query = "a violin in the harbour"
    (row,) = [
        r
        for r in tune(index, [index.pipeline.cascade("union(runs:12, global:12) > full")], [TuningQuery(query)]).rows
        if r.cascade != "full"
    ]
    exact, runs = set(maxsim(index, query, "full")[:10]), set(maxsim(index, query, "runs")[:12])
    assert row.stages[0].stage == "union(runs:12, global:12)"
    assert len(exact & runs) / 10 <= row.stages[0].recall <= 1
    assert row.recall == row.stages[0].recall


def test_exact_scoring_is_measured_and_keeps_everything(index):
    tuning = tune(index, [index.pipeline.cascade("global:11 > full")], [TuningQuery("teapot and lantern")])
    assert tuning.reference == "full"
    (exact,) = [row for row in tuning.rows if row.cascade == "full"]
    assert (exact.name, exact.recall, exact.ndcg) == ("exact", 1.0, None)
    assert tuning.chosen.recall >= tuning.keep
    assert [row.median_ms for row in tuning.rows] == sorted(row.median_ms for row in tuning.rows)


def test_every_cascade_is_searched_once_a_query(index):
    calls = []
    queries = [TuningQuery("teapot"), TuningQuery("violin")]
    cascades = propose(index)
    tune(index, cascades, queries, step=lambda: calls.append(1))
    assert len(calls) == total_steps(index, cascades, queries) == len(cascades) * 2


def test_ndcg_is_that_of_the_labelled_queries(index):
    best = maxsim(index, "violin harbour", "full")
    path = index.documents.find("many.pdf")[0].paths[0]
    queries = [
        TuningQuery("violin harbour", {page_key(path, best[0]): 1}),
        TuningQuery("teapot", {page_key(path, maxsim(index, "teapot", "full")[2]): 1}),
        TuningQuery("nobody judged this"),
    ]
    (row,) = tune(index, [], queries).rows
    assert row.ndcg == pytest.approx((1 + 1 / 2) / 2)


def test_the_default_over_few_pages_is_its_own_reference(many, tmp_path):
    """48 pages are fewer than its candidates, so it can lose nothing, and nothing slower may be chosen."""
    with Index.create(tmp_path / "index", "builtin") as index:
        index.ingest([many.parent / "many.pdf"])
        best = str(index.pipeline.cascade("best").plain)
        tuning = tune(index, [index.pipeline.cascade("best")], draw_queries(index, 8, seed=2))
        (row,) = [row for row in tuning.rows if row.cascade == best]
        assert row.recall == 1.0
        assert tuning.chosen.median_ms <= row.median_ms


def measured(recall, ms, ndcg=None):
    stages = (StageRecall("full", recall),)
    return Measured(f"{recall} {ms}", "", stages, ConfidenceInterval(0, 1), ndcg, ms, ms, 0)


def test_equal_quality_never_costs_more():
    rows = (measured(0.5, 1, 0.3), measured(0.9, 5, 0.6), measured(1.0, 9, 0.6))
    assert Tuning("full", 0.99, rows, labelled=10).chosen.median_ms == 5
    assert Tuning("full", 0.99, rows, labelled=9).chosen.median_ms == 9  # so few answers say nothing
    assert Tuning("full", 0.99, (measured(0.9, 5), measured(1.0, 9))).chosen.median_ms == 9


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), min_size=1, max_size=12))
def test_the_front_is_whatever_nothing_beats(pairs):
    rows = on_the_front([measured(recall / 5, ms) for recall, ms in pairs])
    for row in rows:
        better = [o for o in rows if o.recall > row.recall and o.median_ms <= row.median_ms]
        assert not (row.pareto and better)
        assert row.pareto or any(o.pareto and o.recall >= row.recall and o.median_ms <= row.median_ms for o in rows)
    tuning = Tuning("full", max(row.recall for row in rows), tuple(rows))
    assert tuning.chosen.pareto
    assert tuning.chosen.recall == tuning.keep


def test_proposals_are_the_pipelines_and_ladders_over_its_vectors(index):
    texts = [str(cascade) for cascade in propose(index)]
    assert len(texts) == len(set(texts))
    assert {"full", "runs:256 > full", "global:500 > runs:128 > full"} <= set(texts)
    assert all(text == "full" or text.endswith(" > full") for text in texts)


def test_reading_is_left_out_of_what_is_measured_and_put_back_into_what_is_chosen(index, monkeypatch):
    assert with_reordering(index, "two-stage") == "two-stage"  # this default does not read
    pipeline = index.pipeline
    reading = "runs:256 > full:15 > read(15, weight=0.7)"
    table = {"model": "builtin", "vectors": pipeline.source["vectors"],
             "cascades": {**pipeline.cascades, "reading": reading}, "search": {"cascade": "reading"}}  # fmt: skip
    monkeypatch.setattr(type(index), "pipeline", property(lambda self: make_pipeline("mine", table, "mine.toml")))
    assert str(reference_of(index)) == "full"
    assert [str(cascade) for cascade in propose(index) if cascade.reordering] == []
    assert with_reordering(index, "two-stage") == with_reordering(index, "runs:256 > full") == "reading"
    assert with_reordering(index, "runs:12 > full") == "runs:12 > full:15 > read(15, weight=0.7)"
    assert with_reordering(index, "reading") == "reading"
    assert bytes_read(index.pipeline.cascade("reading"), {"full": 4.0, "runs": 1.0}, 48, 10) == 48 * 1 + 48 * 4


def test_a_larger_index_gets_longer_ladders(index, monkeypatch):
    monkeypatch.setattr(type(index), "page_count", property(lambda self: 2000))
    texts = [str(cascade) for cascade in propose(index)]
    assert {"runs:32 > full", "runs:512 > full", "global:64 > full", "global:512 > runs:128 > full"} <= set(texts)
    assert "runs:1024 > full" not in texts


def test_packed_bits_are_proposed_where_compiled_kernels_score_them(index, monkeypatch):
    monkeypatch.setattr(type(index), "page_count", property(lambda self: 2000))
    bits = {"runs@bits:64 > full", "full@bits:64 > full", "runs@bits:256 > full@bits:64 > full"}
    assert bits < {str(cascade) for cascade in propose(index)}
    monkeypatch.setattr("vrag.bits.kernels.compiled.kernels", lambda: None)
    assert not any("@bits" in str(cascade) for cascade in propose(index))


def test_the_default_pipeline_is_compared_with_its_own_score_of_every_page(index, monkeypatch):
    pipeline = replace(load_pipeline(), name="builtin")
    monkeypatch.setattr(type(index), "pipeline", property(lambda self: pipeline))
    monkeypatch.setattr(type(index), "page_count", property(lambda self: 2000))
    assert str(reference_of(index)) == "full@bits@regions+context+0.8*text"
    texts = {str(cascade) for cascade in propose(index)}
    last = str(pipeline.cascade("best").plain.steps[-1])
    assert last.startswith("full@bits@regions+context")
    assert {f"runs@bits:64 > {last}", f"union(runs@bits:128, text:32) > {last}"} < texts
    monkeypatch.setattr("vrag.bits.kernels.compiled.kernels", lambda: None)
    assert f"union(runs:128, text:32) > {last}" in {str(cascade) for cascade in propose(index)}


def test_bytes_are_those_of_the_candidates_vectors(index):
    sizes = vector_bytes(index)
    full = np.mean([index.vectors("many.pdf", page).size * 2 for page in range(1, PAGES + 1)])
    assert sizes["full"] == pytest.approx(full, rel=0.1)
    assert sizes["global"] == 384 * 2
    sizes = {"full": 1000.0, "runs": 100.0, "global": 10.0}
    cascade = index.pipeline.cascade("global:30 > runs:20 > full")
    assert bytes_read(cascade, sizes, 48, 10) == 48 * 10 + 30 * 100 + 20 * 1000
    assert bytes_read(index.pipeline.cascade("global@hnsw:30 > full"), sizes, 48, 10) == 30 * 10 + 30 * 1000
    packed = index.pipeline.cascade("runs@bits:20 > full@bits:10 > full")
    assert bytes_read(packed, {"full": 1600.0, "runs": 160.0}, 48, 5) == 48 * 10 + 20 * 100 + 10 * 1600
    assert bytes_read(reference_of(index), sizes, 48, 10) == 48000
    fused = index.pipeline.cascade("union(runs:12, global:15) > full")
    assert bytes_read(fused, sizes, 48, 10) == 48 * 110 + 27 * 1000


def test_drawn_queries_are_runs_of_the_pages_words(index):
    queries = [query.text for query in draw_queries(index, 60, seed=1)]
    assert len(queries) == 60
    words = [" ".join(word.strip(".") for word in text).replace(". ", " ") for _, _, text in index.texts()]
    for query in queries:
        assert query
        assert any(query in text for text in words), query
        assert query.split()[0] not in ("the", "a", "in", "of")
    assert len(set(queries)) > 40


def test_the_seed_decides_which_queries_are_drawn(index):
    assert draw_queries(index, 9, seed=5) == draw_queries(index, 9, seed=5)
    assert draw_queries(index, 9, seed=5) != draw_queries(index, 9, seed=6)


def test_without_words_no_queries_can_be_drawn(tmp_path):
    write_pdf(tmp_path / "empty.pdf", ["", "two words"])
    with Index.create(tmp_path / "index", "plain") as index:
        index.ingest([tmp_path / "empty.pdf"])
        with pytest.raises(VragError, match="--queries"):
            draw_queries(index, 5, seed=0)


def test_queries_of_a_file_have_their_labels(index, tmp_path):
    rows = [{"query": "teapot", "doc": "many.pdf", "page": 3}, {"query": "violin"}, {"query": "lantern"}]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    queries = read_queries(tmp_path / "q.jsonl", index, None, 0)
    path = index.documents.find("many.pdf")[0].paths[0]
    assert queries[0] == TuningQuery("teapot", {page_key(path, 3): 1})
    assert [query.grades for query in queries[1:]] == [{}, {}]
    some = read_queries(tmp_path / "q.jsonl", index, 2, 0)
    assert len(some) == 2
    assert all(query in queries for query in some)


def test_queries_of_a_benchmark_folder_have_their_grades(index, tmp_path):
    (tmp_path / "pdfs").mkdir()
    (tmp_path / "pdfs" / "many.pdf").write_bytes(b"")
    for name, rows in {
        "corpus": [{"corpus-id": 1, "doc": "many.pdf", "page": 4}, {"corpus-id": 2, "doc": "many.pdf", "page": 5}],
        "queries": [{"query-id": "a", "query": "teapot"}],
        "qrels": [{"query-id": "a", "corpus-id": 2, "score": 2}],
    }.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (query,) = read_queries(tmp_path, index, None, 0)
    path = index.documents.find("many.pdf")[0].paths[0]
    assert query == TuningQuery("teapot", {page_key(path, 5): 2})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no questions"),
        ('{"words": "x"}', "line 1: 'query' is missing"),
        ('{"question": 1}', "line 1: 'question' must be text"),
        ('{"query": "x", "page": 1}', "line 1: there is a page, and no document"),
        ('{"query": "x", "doc": "other.pdf", "page": 1}', "other.pdf"),
        ('{"query": "x", "doc": "many.pdf", "page": 0}', "at least 1"),
        ("nonsense", "not JSON"),
    ],
)
def test_queries_that_cannot_be_used_are_named(index, tmp_path, text, says):
    (tmp_path / "q.jsonl").write_text(text)
    with pytest.raises(VragError, match=says):
        read_queries(tmp_path / "q.jsonl", index, None, 0)


def test_the_default_cascade_stays_after_it_was_set(folder, tmp_path):
    with Index.create(tmp_path / "index", "plain") as index:
        index.ingest([folder])
        index.set_default_cascade("runs:30 > full")
        assert str(index.pipeline.cascade(None)) == "runs:30 > full"
        with pytest.raises(VragError, match="nope"):
            index.set_default_cascade("nope")
    with Index.open(tmp_path / "index") as index:
        assert index.pipeline.default_cascade == "runs:30 > full"
        assert index.search("krill", 1)[0].page == 2
    assert {entry.name for entry in (tmp_path / "index").iterdir()} >= {"index.json", "shard"}
    assert not list((tmp_path / "index").glob("index.json.*"))
