"""What operators leave behind: one record of what was scored and what passed."""

from dataclasses import replace

import pytest

from tests.search.pages import NAMES, PAGES, maxsim, point_id, runner
from vrag.cascade.cascade import Cascade, Stage
from vrag.cascade.text import parse_cascade
from vrag.search import operators
from vrag.search.operators import Operator
from vrag.search.plan import Limits
from vrag.search.ranking import rank_pages
from vrag.search.running import METHODS
from vrag.search.watching import watch

CASCADES = [
    "full",
    "rows:12 > full",
    "global:30 > rows:12 > full",
    "global@hnsw:20 > rows:12 > full",
    "union(rows:12, text:12) > full",
    "rrf(rows:12, global:30 > rows:7):9 > full",
    "rrf(rows:12, rows:12):9 > rows:8 > full",
    "rrf(rows:9, text:12)",
    "rrf(rows:9, global:9) > full",
    "text:20 > full",
    "rows:20 > full@regions",
    "rows:20 > full@regions+context+0.5*text:12 > rows",
    "full+0.5*rows+0.2*text",
    "rows:30% > full",
]


def watched(store, text, k=5, detail="candidates"):
    return watch(runner(store), parse_cascade(text, {}, NAMES), Limits(k, lambda: PAGES), detail)


def scores(points):
    return {point.id: point.score for point in points}


@pytest.mark.parametrize("text", CASCADES)
def test_a_watched_cascade_ends_where_the_search_ends(store, text):
    seen, cascade = watched(store, text), parse_cascade(text, {}, NAMES)
    ranking = rank_pages(runner(store), cascade, 5)
    last = len(cascade.steps) - 1
    passed = [point.score for point in seen.let_through(last)]
    assert passed == pytest.approx([point.score for point in ranking.points])
    assert passed == [point.score for point in seen.scored(last)[:5]]
    if isinstance(cascade.steps[last], Stage):  # of equal ranks in two branches the engine takes either
        assert seen.passed(last) == {point.id for point in ranking.points}


@pytest.mark.parametrize("text", CASCADES)
def test_what_passes_is_the_same_however_much_is_told(store, text):
    all_scored, by_step = watched(store, text), watched(store, text, detail="steps")
    steps = [i for i, step in enumerate(all_scored.cascade.steps) if isinstance(step, Stage)]
    assert [by_step.passed(i) for i in steps] == [all_scored.passed(i) for i in steps]


@pytest.mark.parametrize("text", CASCADES)
def test_what_passed_one_step_is_what_the_next_one_scored(store, text):
    seen = watched(store, text)
    for i in range(len(seen.cascade.steps) - 1):
        assert scores(seen.let_through(i)).keys() == scores(seen.scored(i + 1)).keys()
        assert seen.limit(i) <= len(seen.scored(i))


@pytest.mark.parametrize("text", [text for text in CASCADES if "(" not in text])
def test_what_a_step_lets_through_is_what_the_cascade_that_ends_there_finds(store, text):
    seen = watched(store, text)
    for i in range(len(seen.cascade.steps)):
        shorter = Cascade("", seen.cascade.steps[: i + 1])
        found = rank_pages(runner(store), shorter, 5).points
        assert scores(seen.let_through(i)) == pytest.approx(scores(found))


def test_every_candidate_is_scored_and_branches_have_records_of_their_own(store, vectors):
    seen = watched(store, "rrf(rows:12, global:30 > rows:7):9 > full")
    first, second = seen.branches(0)
    assert scores(first.scored(0)) == pytest.approx({k: maxsim(v) for k, v in vectors["rows"].items()}, rel=1e-3)
    assert [len(second.scored(i)) for i in (0, 1)] == [PAGES, 30]
    assert [len(second.let_through(i)) for i in (0, 1)] == [30, 7]
    assert len(seen.scored(0)) == len(scores([*first.let_through(0), *second.let_through(1)]))
    assert [len(seen.let_through(i)) for i in (0, 1)] == [9, 5]


def test_a_stage_that_stands_twice_has_the_scores_of_each(store):
    """Each branch has its own, and a page that only the other one found is scored for this one too."""
    stages = rank_pages(runner(store), parse_cascade("union(rows:40, text:9 > rows:3) > full", {}, NAMES), 5).stages
    assert [label for label, _ in stages] == ["rows", "text", "rows#2", "full"]
    once, again = stages[0][1], stages[2][1]
    assert again == {page: once[page] for page in again}
    assert stages[3][1].keys() <= again.keys()


def test_a_page_that_was_no_candidate_is_scored_beside_them(store, vectors):
    seen = watched(store, "rows:6 > full+0.5*global:5 > full@regions")
    dropped = next(page for page in vectors["full"] if page not in scores(seen.scored(1)))
    alone = seen.of_page(1, dropped)
    assert alone.blended[0] == pytest.approx(maxsim(vectors["full"][dropped]), rel=1e-3)
    assert alone.blended[-1] == alone.score
    assert dropped not in scores(seen.scored(1))
    best = seen.let_through(2)[0].id
    assert seen.of_page(2, best).start == seen.trail.starts(2)[best]
    assert seen.of_page(0, best).score == scores(seen.scored(0))[best]


def test_a_page_without_a_word_has_no_word_score(store):
    assert watched(store, "text").of_page(0, point_id(1)).score == 0.0
    assert watched(store, "text").of_page(0, point_id(4)).score > 0.0


@pytest.mark.parametrize(
    ("text", "searched", "seen"),
    [
        ("full", 1, 1),
        ("global:30 > rows:12 > full", 3, 3),  # two of a search are for the scores that hits show
        ("rows:20 > full@regions", 1, 1),
        ("rows:20 > full+0.5*text", 3, 3),
        ("global@hnsw:30 > full", 2, 3),
        ("rrf(rows:12, global:12):9 > full", 3, 5),
    ],
)
def test_how_often_the_engine_is_asked(store, monkeypatch, text, searched, seen):
    asked, query = [], store.query
    monkeypatch.setattr(store, "query", lambda *a: asked.append(a) or query(*a))
    rank_pages(runner(store), parse_cascade(text, {}, NAMES), 5)
    assert len(asked) == searched
    asked.clear()
    watched(store, text)
    assert len(asked) == seen


def test_pages_are_not_counted_for_limits_that_do_not_depend_on_it(store):
    def never():
        raise AssertionError("the pages need not be counted")

    uncounted = replace(runner(store), count_pages=never)
    assert len(rank_pages(uncounted, parse_cascade("rows:12 > full", {}, NAMES), 5).points) == 5


def test_every_operator_has_a_method():
    kinds = {kind for kind in vars(operators).values() if isinstance(kind, type) and issubclass(kind, Operator)}
    assert METHODS.keys() == kinds - {Operator}
