"""What is timed and how often, told by a clock that the searches themselves move."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.bench import measure
from vrag.bench import run as run_module
from vrag.bench.measure import FEWEST, TOP, Result, SpeedRow, Truth, best, make_row, timed, timed_scorer
from vrag.bench.peers import Peer
from vrag.bench.run import CASCADES, NUMPY, with_ratios
from vrag.errors import UsageError


@pytest.fixture
def clock(monkeypatch):
    """Seconds pass where a test adds them to `now`, and nowhere else."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(measure, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def taking(clock, *seconds):
    """A search that takes so long each time, and gives the number of the call."""
    times = iter(seconds)
    calls = []

    def search(query):
        clock.now += next(times)
        calls.append(query)
        return [len(calls)]

    return search


def test_the_first_answer_is_not_counted_and_the_others_are_one_by_one(clock):
    result = timed(taking(clock, 100, 1, 2, 3), list("abc"), build_s=4)
    assert result == Result([1, 2, 3], [[2], [3], [4]], 4)


@pytest.mark.parametrize(
    ("most", "answers"),
    [(math.inf, 6), (100, 6), (49, 5), (40, 5), (39.9, 4), (30, 4), (29.9, FEWEST), (1, FEWEST), (0, FEWEST)],
)
def test_no_query_is_asked_once_the_time_is_over_but_the_fewest(clock, most, answers):
    result = timed(taking(clock, 0, *[10] * 6), list("abcdef"), most)
    assert len(result.seconds) == len(result.ranked) == answers


@pytest.mark.parametrize(("most", "answers"), [(math.inf, 9), (45, 4), (90, 9), (39, FEWEST), (0.001, FEWEST)])
def test_a_scorer_of_blocks_is_asked_what_fits_into_its_time_for_all_pages(clock, most, answers):
    asked = []

    def score(query, block):
        clock.now += 0.5 * len(block)  # 10 seconds a query for all 20 pages
        asked.append((int(query[0, 0]), len(block)))
        return np.full(len(block), query[0, 0], np.float32)

    queries = [np.full((1, 1), number, np.float32) for number in range(9)]
    blocks = [np.zeros((size, 1, 1), np.float32) for size in (8, 8, 4)]
    result, scores = timed_scorer(score, blocks, queries, most, pages=20)
    assert scores.shape == (answers, 20)
    assert result.seconds == [10.0] * answers
    assert scores[:, 0].tolist() == scores[:, -1].tolist() == list(range(answers))
    assert asked[:2] == [(0, 8), (0, 8)]  # one to warm up, one to see how long it takes
    assert asked[2:] == [(number, size) for size in (8, 8, 4) for number in range(answers)]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.integers(1, 12))
def test_the_best_are_in_order_of_score_and_then_of_page(scores, k):
    found = best(np.array(scores, np.float32), k)
    assert found == sorted(range(len(scores)), key=lambda page: (-scores[page], page))[:k]


@given(st.lists(st.permutations(range(15)), min_size=1, max_size=5), st.data())
def test_recall_is_the_share_of_the_exact_ten_among_the_first_ten(exact, data):
    exact = [list(order[:TOP]) for order in exact]
    ranked = [data.draw(st.permutations(range(15))) for _ in exact]
    row = make_row(15, "s", "", Result([0.1] * len(exact), ranked), Truth(exact))
    shares = [sum(page in right for page in found[:TOP]) / TOP for found, right in zip(ranked, exact, strict=True)]
    assert row.recall_at_10 == pytest.approx(sum(shares) / len(shares))
    assert make_row(15, "s", "", Result([0.1] * len(exact), exact), Truth(exact)).recall_at_10 == 1


def test_a_system_that_answered_fewer_is_judged_by_those():
    exact = [[1], [2], [3], [4]]
    row = make_row(9, "s", "", Result([0.001, 0.003], [[1], [9]]), Truth(exact))
    assert (row.recall_at_10, row.queries) == (0.5, 2)
    assert (row.median_ms, row.qps) == (pytest.approx(2), pytest.approx(500))
    assert row.p95_ms == pytest.approx(2.9)


@given(st.lists(st.tuples(st.sampled_from(["vrag", "Qdrant Edge"]), st.floats(0.1, 1e6)), max_size=5))
def test_ratios_are_to_the_fastest_exact_and_rows_come_fastest_first(others):
    exact = [SpeedRow(9, NUMPY, "", 7.0, 1, 0, 1, 1), SpeedRow(9, "Qdrant Edge", CASCADES["exact"], 14.0, 1, 0, 1, 1)]
    rows = with_ratios([*(SpeedRow(9, system, "x > full", qps, 1, 0, 1, 1) for system, qps in others), *exact])
    assert [row.qps for row in rows] == sorted((row.qps for row in rows), reverse=True)
    assert all(row.ratio == pytest.approx(row.qps / 14) for row in rows)


@pytest.mark.parametrize(
    ("peer", "left", "says"),
    [
        (Peer("p", "no_such_module", "pip install p"), 0, "not installed (pip install p)"),
        (Peer("p", "numpy", "", most=(99, "it is slow")), 0, "it is slow (measured up to 99)"),
        (Peer("p", "numpy", "", copies=2), 20e9, "it needs 22 GB of memory, and 20 are free"),
        (Peer("p", "numpy", "", copies=2), 22e9, ""),
        (Peer("p", "numpy", "", most=(100, "it is slow")), 1, ""),
    ],
)
def test_a_peer_is_left_out_for_a_reason(monkeypatch, peer, left, says):
    monkeypatch.setattr(run_module, "_memory_left", lambda: left)
    assert run_module._left_out(peer, 100, 11e9) == says


def test_the_room_that_is_needed_is_said(tmp_path, monkeypatch):
    values = 10**9
    needed = 6 * values + (1 << 30)
    for free, enough in ((needed, True), (needed - 1, False)):
        monkeypatch.setattr(run_module.shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        if enough:
            run_module._require_space(tmp_path, values)
        else:
            with pytest.raises(UsageError, match=r"has 7 GB free, and these sizes need 7\.") as caught:
                run_module._require_space(tmp_path, values)
            assert "--work" in caught.value.hint
