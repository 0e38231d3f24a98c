"""Cascades run to the end, against plain loops over the same vectors."""

import numpy as np
import pytest

from tests.search.pages import FIELDS, NAMES, PAGES, QUERY, RULE, maxsim, point_id, runner
from vrag.cascade.regions import RegionRule
from vrag.cascade.text import parse_cascade
from vrag.search import blending
from vrag.search.blending import contrast
from vrag.search.ranking import rank_pages, step_labels
from vrag.search.rescoring import Rescorer
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Condition, Record, Selection


def run(store, text, k=5, selection=None):
    return rank_pages(runner(store, selection), parse_cascade(text, {}, NAMES), k)


def ids(ranking, k=5):
    return [point.id for point in ranking.points[:k]]


def best(vectors, keys, k=5):
    return sorted(keys, key=lambda key: -maxsim(vectors["full"][key]))[:k]


def test_exact_is_maxsim(store, vectors):
    ranking = run(store, "full")
    assert ids(ranking) == best(vectors, vectors["full"])
    for point in ranking.points:
        assert point.score == pytest.approx(maxsim(vectors["full"][point.id]), rel=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        "rows:40 > full",
        "global:100% > rows:100% > full",
        "union(rows:40, text:40) > full",
        "rrf(rows:40, global:40):40 > full",
    ],
)
def test_full_limits_equal_exact(store, text):
    assert ids(run(store, text)) == ids(run(store, "full"))


def test_a_union_ranks_the_candidates_of_every_branch(store, vectors):
    fours = [point_id(i) for i in range(0, PAGES, 4)]
    rows = sorted(vectors["rows"], key=lambda key: -maxsim(vectors["rows"][key]))[:5]
    ranking = run(store, "union(rows:5, text:40) > full", k=3)
    assert ids(ranking, 3) == best(vectors, {*fours, *rows}, 3)


def test_a_filter_holds_in_every_branch(store):
    odd = Selection((Condition("doc_id", ("odd",)),))
    for text in (
        "union(rows:3, text:3) > full",
        "rrf(rows:5, text:5):4 > full",
        "full+0.5*text",
        "rrf(rows:5, text:9)",
    ):
        found = run(store, text, selection=odd).points
        assert found
        assert {point.payload["doc_id"] for point in found} == {"odd"}


def test_an_addition_is_standardised_and_scaled_by_the_spread(store, vectors):
    keys = list(vectors["full"])
    full = np.array([maxsim(vectors["full"][key]) for key in keys])
    rows = np.array([maxsim(vectors["rows"][key]) for key in keys])
    naive = full + 0.5 * full.std() * (rows - rows.mean()) / rows.std()
    ranking = run(store, "full+0.5*rows")
    assert ids(ranking) == [keys[i] for i in np.argsort(-naive)[:5]]
    assert ranking.points[0].score == pytest.approx(naive.max(), rel=1e-3)


def test_a_page_scores_the_same_however_many_candidates_there_are(store, vectors, monkeypatch):
    """What is blended in is standardised over the pages that lead, which more candidates do not change."""
    monkeypatch.setattr(blending, "_LEADING", 6)
    keys = list(vectors["full"])
    full = np.array([maxsim(vectors["full"][key]) for key in keys])
    rows = np.array([maxsim(vectors["rows"][key]) for key in keys])
    leading = np.argsort(-full)[:6]
    naive = full + 0.5 * full[leading].std() * (rows - rows[leading].mean()) / rows[leading].std()
    for text in ("full+0.5*rows", f"full:{PAGES} > full+0.5*rows", "full:9 > full+0.5*rows"):
        scores = {point.id: point.score for point in run(store, text).points}
        expected = {keys[i]: naive[i] for i in np.argsort(-naive)[:5]}
        assert scores == pytest.approx(expected, rel=1e-3), text


def test_words_count_as_far_as_they_tell_pages_apart(store, vectors, monkeypatch):
    keys = list(vectors["full"])
    full = np.array([maxsim(vectors["full"][key]) for key in keys])
    found = {point.id: point.score for point in run(store, "text", k=PAGES).points}
    words = np.array([found.get(key, 0.0) for key in keys])
    naive = full + 0.5 * full.std() * (words - words.mean()) / words.std()
    assert run(store, "full+0.5*text").points[0].score == pytest.approx(naive.max(), rel=1e-3)
    monkeypatch.setattr(blending, "_CONTRAST", 1)  # the second best has the same words as the best
    assert run(store, "full+0.5*text").points[0].score == pytest.approx(full.max(), rel=1e-3)


def test_words_that_all_pages_have_alike_count_nothing():
    assert contrast(np.full(40, 3.0)) == 0
    assert contrast(np.zeros(40)) == 0
    assert contrast(np.array([2.0, *[0.5] * 39])) == 0.75


def test_an_addition_that_knows_no_page_changes_nothing(store):
    assert ids(run(store, "rows:9 > full+0*text")) == ids(run(store, "rows:9 > full"))


def test_every_stage_is_scored_for_the_pages_left(store, vectors):
    ranking = run(store, "rows:9 > full+0.5*text:7 > full")
    assert [label for label, _ in ranking.stages] == ["rows", "full+0.5*text", "full"]
    first = ranking.points[0].id
    assert ranking.stages[0][1][first] == pytest.approx(maxsim(vectors["rows"][first]), rel=1e-3)


def test_rank_fusion_gives_its_own_score(store):
    ranking = run(store, "rrf(rows:9, text:9)")
    assert [label for label, _ in ranking.stages] == ["rows", "text", "rrf"]
    scores = [point.score for point in ranking.points]
    assert scores == sorted(scores, reverse=True)
    assert max(scores) <= 2 / 60 + 1e-6


def test_labels_tell_stages_of_one_vector_apart():
    stages = parse_cascade("mean(rows):9 > rows:5 > full", {}, ("rows", "full")).stages
    assert step_labels(stages) == ["rows", "rows#2", "full"]


def region_score(rows, head=0):
    """The formula of `vrag.cascade.regions`, as a loop."""
    totals = []
    for start in range(0, max(1, len(rows) - RULE.window + RULE.stride), RULE.stride):
        inside = [*range(start, min(start + RULE.window, len(rows))), *range(min(head, len(rows)))]
        totals.append(sum(max(float(q @ rows[i]) for i in inside) for q in QUERY))
    return max(totals)


@pytest.mark.parametrize(("text", "head"), [("full@regions", 0), ("rows:40 > full@regions+context", 2)])
def test_the_best_region_counts(store, vectors, text, head):
    naive = {key: region_score(rows, head) for key, rows in vectors["full"].items()}
    ranking = run(store, text)
    assert ids(ranking) == sorted(naive, key=lambda key: -naive[key])[:5]
    assert ranking.points[0].score == pytest.approx(max(naive.values()), rel=1e-3)


def test_where_the_best_region_begins_is_told(store, vectors):
    ranking = run(store, "rows:40 > full@regions")
    for point in ranking.points[:5]:
        start = ranking.trail.starts(1)[point.id]
        inside = vectors["full"][point.id][start : start + RULE.window]
        assert maxsim(inside) == pytest.approx(point.score, rel=1e-3)


def test_a_region_of_the_whole_page_is_maxsim(store):
    whole = runner(store, rescorer=Rescorer(store, None, RegionRule(window=100, stride=100)))
    assert ids(rank_pages(whole, parse_cascade("full@regions", {}, NAMES), 5)) == ids(run(store, "full"))


def test_without_bits_the_stored_vectors_are_scored(store):
    assert ids(run(store, "rows:40 > full@bits")) == ids(run(store, "full"))


def test_an_addition_goes_on_top_of_regions(store):
    ranking = run(store, "rows:40 > full@regions+0.5*text:20 > full")
    assert [label for label, _ in ranking.stages] == ["rows", "full@regions+0.5*text", "full"]


@pytest.mark.parametrize("text", ["full", "rows:2 > full", "rrf(rows:9, global:9):9 > full", "rows:4"])
def test_pages_that_another_process_writes_after_the_count_are_found(store, text):
    cascade = parse_cascade(text, {}, NAMES)
    assert len(rank_pages(runner(store, pages=0), cascade, 4).points) == 4


def test_regions_are_told_stage_by_stage(store, vectors):
    ranking = run(store, "full@regions:9 > full@regions+context:7 > full")
    first, second = ranking.trail.starts(0), ranking.trail.starts(1)
    assert (len(first), len(second)) == (PAGES, 9)


@pytest.mark.parametrize("text", ["full@regions", "rows:40 > full@regions+0.5*text"])
def test_a_page_that_is_removed_meanwhile_is_no_candidate(vectors, tmp_path, monkeypatch, text):
    store = EdgeStore.create(tmp_path / "shard", FIELDS, {"doc_id": "keyword"})
    records = [
        Record(key, {"doc_id": "a", "page": i}, {name: vectors[name][key] for name in vectors})
        for i, key in enumerate(vectors["full"])
    ]
    store.upsert(records)
    best, fetch = ids(run(store, text))[0], store.fetch

    def removed_first(*arguments):
        store.delete(Selection(ids=frozenset([best])))
        return fetch(*arguments)

    before = run(store, text)
    monkeypatch.setattr(store, "fetch", removed_first)
    after = run(store, text)
    assert ids(after, PAGES)[:4] == ids(before)[1:]
    assert np.isfinite([point.score for point in after.points]).all()
    store.close()
