"""Times, recall and ratios."""

import csv
import time

import numpy as np
import pytest

from vrag.bench.apart import measure_apart
from vrag.bench.measure import FEWEST, Result, SpeedRow, Truth, best, make_row, timed, timed_scorer
from vrag.bench.peers import PEERS, numpy_scorer, one_blas_thread
from vrag.bench.run import machine, with_ratios
from vrag.bench.speed_plot import label_of, write_csv, write_plot


def test_a_row_counts_what_was_found():
    exact = [list(range(10)), list(range(10, 20))]
    result = Result([0.1, 0.3], [list(range(5)) + list(range(90, 95)), list(range(10, 20))])
    row = make_row(100, "s", "c", result, Truth(exact), 7)
    assert row.recall_at_10 == pytest.approx(0.75)
    assert row.qps == pytest.approx(5)
    assert (row.median_ms, row.bytes, row.pages) == (pytest.approx(200), 7, 100)


def test_pieces_and_questions_are_counted_apart():
    exact = [list(range(10))] * 4
    worse = [[90, 0, 1, *range(91, 98)], list(range(10)), list(range(90, 100)), [1, 0, *range(2, 10)]]
    right = [frozenset({0}), frozenset({0, 50}), frozenset(), frozenset({0})]
    truth = Truth(exact, right, [False, True, False, True])
    row = make_row(100, "s", "c", Result([1.0] * 4, worse), truth)
    assert row.recall_at_10 == pytest.approx(0.1)
    assert row.questions_recall_at_10 == 1
    assert row.ndcg_kept == pytest.approx(1 / np.log2(3))
    both = 1 / (1 + 1 / np.log2(3))  # the second right page is not in the exact top ten
    assert row.questions_ndcg_kept == pytest.approx((both + 1 / np.log2(3)) / (both + 1))
    pieces = make_row(100, "s", "c", Result([1.0], worse[:1]), Truth(exact[:1]))
    assert (pieces.ndcg_kept, pieces.questions_recall_at_10, pieces.questions_ndcg_kept) == (None, None, None)


def test_equal_scores_rank_by_page():
    assert best(np.array([1.0, 3.0, 3.0, 2.0], np.float32), 3) == [1, 2, 3]


def test_one_call_is_not_counted():
    calls = []
    result = timed(lambda query: calls.append(query) or [1], [np.zeros(1), np.ones(1)])
    assert len(calls) == 3
    assert len(result.seconds) == len(result.ranked) == 2


def test_a_slow_system_answers_fewer_queries():
    queries = [np.zeros(1)] * 9
    result = timed(lambda query: time.sleep(0.02) or [1], queries, most_s=0.05, build_s=7)
    assert FEWEST <= len(result.seconds) == len(result.ranked) < 9
    row = make_row(3, "s", "c", result, Truth([[1]] * 9))
    assert (row.queries, row.recall_at_10, row.build_s) == (len(result.ranked), 1, 7)


def test_a_slow_scorer_answers_fewer_queries(corpus):
    def score(query, block):
        time.sleep(0.01)
        return np.zeros(len(block), np.float32)

    result, scores = timed_scorer(score, corpus.blocks(8, size=4), corpus.source.queries, 0.01, 8)
    assert len(result.seconds) == len(result.ranked) == len(scores) == FEWEST


def test_ratios_are_to_the_fastest_exact_search():
    rows = [
        SpeedRow(1, s, c, qps, 1, 0, 1, 1)
        for s, c, qps in (("numpy GEMM", "", 2), ("Qdrant Edge", "full", 3), ("maxsim-cpu", "", 4), ("vrag", "x", 40))
    ]
    assert [(row.system, row.ratio) for row in with_ratios(rows)] == [
        ("vrag", 10),
        ("maxsim-cpu", 1),
        ("Qdrant Edge", 0.75),
        ("numpy GEMM", 0.5),
    ]


def test_exact_scores_over_blocks_are_maxsim(corpus):
    queries = corpus.source.queries
    with one_blas_thread():
        result, scores = timed_scorer(numpy_scorer(), corpus.blocks(11, size=4), queries)
    for i, query in enumerate(queries):
        expected = [(query @ corpus.page(n).T).max(axis=1).sum() for n in range(11)]
        np.testing.assert_allclose(scores[i], expected, rtol=1e-5)
        assert result.ranked[i] == np.argsort(-np.array(expected), kind="stable")[:10].tolist()
    assert min(result.seconds) > 0


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_finds_the_nearest_pages(peer, corpus, tmp_path):
    if not peer.installed:
        pytest.skip(peer.install)
    queries = corpus.source.queries
    exact = [best(np.array([(q @ corpus.page(n).T).max(axis=1).sum() for n in range(30)])) for q in queries]
    result = measure_apart(peer.name, corpus, 30, tmp_path)
    assert make_row(30, peer.name, "", result, Truth(exact)).recall_at_10 > 0.8


def test_rows_as_csv_and_as_a_picture(tmp_path):
    rows = [
        SpeedRow(pages, "vrag", f"rows@bits:{pages} > full", 9.0, recall, 1, 1, 1)
        for pages, recall in ((100, 1), (1000, 0.5))
    ]
    write_csv(rows, tmp_path / "b.csv")
    read = list(csv.DictReader((tmp_path / "b.csv").read_text().splitlines()))
    assert [(r["pages"], r["cascade"], r["qps"]) for r in read] == [
        ("100", rows[0].cascade, "9.0"),
        ("1000", rows[1].cascade, "9.0"),
    ]
    assert label_of(rows[0]) == "vrag rows@bits:100 > full"
    pytest.importorskip("matplotlib")
    write_plot(rows, tmp_path / "b.png")
    from PIL import Image

    with Image.open(tmp_path / "b.png") as picture:
        assert picture.size == (1560, 660)


def test_one_size_is_a_picture_of_bars(tmp_path):
    pytest.importorskip("matplotlib")
    from PIL import Image

    rows = [SpeedRow(100, name, "", qps, recall, 1, 1, 1) for name, qps, recall in (("a", 9.0, 1.0), ("b", 90.0, 0.5))]
    write_plot(rows, tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as picture:
        blue = [np.array(picture.convert("RGB"))[y] for y in range(picture.height)]
    filled = [line for line in blue if (np.abs(line.astype(int) - (31, 119, 180)).sum(axis=1) < 9).sum() > 40]
    assert filled  # of a; that of b is hollow
    assert picture.height < 400


def test_the_machine_is_named():
    assert "cores, Python 3" in machine()
