"""Explanations agree with the search, with the vectors, and with where things stand on the page."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.explain.test_heatmap import heat_of, hottest, lies_in
from vrag import Index, VragError
from vrag.embedders.protocol import WHOLE_QUERY, QueryVectors
from vrag.explain.heatmap import paint, row_heat
from vrag.explain.matching import find_matches
from vrag.grid import WHOLE_PAGE, Grid, Tile
from vrag.pages.page import Words

CASCADES = ["exact", "two-stage", "three-stage", "runs:3 > full", "global:4 > runs:2 > full", "mean(runs):3 > full"]


FUSED = ["best", "union(runs:3, text:2) > full", "rrf(runs:3, text:3):4 > full", "rrf(runs:3, text:3)"]


@pytest.mark.parametrize("cascade", CASCADES)
def test_every_hit_has_its_rank_and_scores(index, cascade):
    query = "pumps and engines in winter"
    for hit in index.search(query, 5, cascade):
        found = index.explain(query, hit.doc, hit.page, cascade)
        last = found.stages[-1]
        assert (found.doc, found.path, found.page) == (hit.doc, hit.path, hit.page)
        assert last.rank == hit.rank
        assert last.passed
        scores = {stage.stage: stage.score for stage in found.stages}
        assert scores == pytest.approx(hit.stages, abs=2e-3)
        assert found.score == pytest.approx(hit.score, abs=2e-3)
        assert found.cascade == str(index.pipeline.cascade(cascade))


@pytest.mark.parametrize("cascade", FUSED)
def test_branches_have_ranks_and_scores_of_their_own(index, cascade):
    query = "pumps and engines in winter"
    for hit in index.search(query, 5, cascade):
        found = index.explain(query, hit.doc, hit.page, cascade)
        scores = {stage.stage: stage.score for stage in found.stages}
        assert {name: scores[name] for name in hit.stages} == pytest.approx(hit.stages, abs=2e-3)
        assert (found.stages[-1].rank, found.stages[-1].passed) == (hit.rank, True)
        runs, text = found.stages[:2]
        kind = cascade[:3] if cascade.startswith("rrf") else "union"
        assert [runs.branch, text.branch, found.stages[-1].branch] == [f"{kind} 1", f"{kind} 2", ""]
        everywhere = [h for h in index.search(query, 5, runs.stage) if h.id == hit.id]
        assert runs.rank == everywhere[0].rank
        assert any(stage.passed for stage in found.stages[:2])
        assert runs.passed == (runs.rank <= runs.limit)


def test_a_page_with_none_of_the_words_is_out_of_the_branch_of_words(index):
    union = "union(runs:3, text:2) > full"
    _, text, last = index.explain("krill", "machines.pdf", 1, union, k=1).stages
    assert (text.score, text.passed, text.candidates) == (0.0, False, 1)
    assert text.rank == 2
    assert last.candidates in (3, 4)


def test_a_blended_score_is_the_sum_of_its_parts(index):
    blending = index.pipeline.cascade("best").plain
    step = blending.steps[-1]
    (words,) = step.additions
    for doc, page in (("animals.pdf", 2), ("machines.pdf", 1)):
        last = index.explain("krill in winter", doc, page, str(blending)).stages[-1]
        assert [part.name for part in last.parts] == [replace(step, additions=()).scoring, str(words)[1:]]
        assert sum(part.score for part in last.parts) == pytest.approx(last.score)
        assert (last.parts[1].score > 0) == (doc == "animals.pdf")
    assert index.explain("krill", "animals.pdf", 2, "two-stage").stages[-1].parts == ()


def test_it_is_said_what_the_region_the_head_and_the_context_answered(index):
    (hit, *_) = index.search("krill in animals", 1, "full@regions+context")
    found = index.explain("krill in animals", hit.doc, hit.page, "full@regions+context")
    counted = found.counted
    assert counted.score == pytest.approx(hit.score, abs=2e-3)
    assert (counted.rows, counted.region) == (hit.rows, hit.region)
    answers = {match.token: answer for match, answer in zip(found.matches, counted.answers, strict=True)}
    assert counted.answers[0].text.strip(".").lower() == "krill"
    assert counted.answers[0].source in ("region", "head")
    assert (answers["animals"].source, answers["animals"].text) == ("context", "")
    from_context = {match for match, answer in answers.items() if answer.source == "context"}
    assert set(hit.context_words) == from_context - {WHOLE_QUERY}
    assert index.explain("krill", hit.doc, hit.page, "exact").counted is None
    within = index.explain("krill in animals", hit.doc, hit.page, "full@regions+context", where="doc=animals.pdf")
    assert "context" not in {answer.source for answer in within.counted.answers}


@pytest.mark.parametrize("cascade", CASCADES)
def test_every_page_that_was_not_found_was_dropped_by_some_stage(index, cascade):
    query = "oil filter"
    found = {(hit.doc, hit.page) for hit in index.search(query, 1, cascade)}
    pages = [("animals.pdf", 1), ("animals.pdf", 2), ("animals.pdf", 3), ("machines.pdf", 1), ("machines.pdf", 2)]
    for doc, page in pages:
        stages = index.explain(query, doc, page, cascade, k=1).stages
        passed = [stage.passed for stage in stages]
        assert all(passed) == ((doc, page) in found)
        assert passed == sorted(passed, reverse=True)
        assert all(stage.passed == (stage.rank <= stage.limit) for stage in stages if stage.passed)
        assert [stage.candidates for stage in stages[1:]] == [stage.limit for stage in stages[:-1]]


def test_ranks_of_a_stage_are_each_given_once(index):
    pages = [("animals.pdf", 1), ("animals.pdf", 2), ("animals.pdf", 3), ("machines.pdf", 1), ("machines.pdf", 2)]
    ranks = [index.explain("bees", doc, page, "exact").stages[0].rank for doc, page in pages]
    assert sorted(ranks) == [1, 2, 3, 4, 5]


def test_without_a_page_the_best_one_is_explained(index):
    assert (index.explain("krill").doc, index.explain("krill").page) == ("animals.pdf", 2)
    assert index.explain("krill", doc="machines.pdf").doc == "machines.pdf"
    assert index.explain("krill", where="doc=machines.pdf").doc == "machines.pdf"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"page": 1}, "--doc"),
        ({"doc": "animals.pdf", "page": 9}, "No page 9"),
        ({"doc": "nope.pdf", "page": 1}, "nope.pdf"),
        ({"doc": "animals.pdf", "page": 1, "where": "doc=machines.pdf"}, "filter leaves out"),
        ({"where": "page=7"}, "nothing to explain"),
    ],
)
def test_what_cannot_be_explained_is_said(index, arguments, says):
    with pytest.raises(VragError, match=says):
        index.explain("krill", **arguments)


def test_the_matches_are_the_best_dot_products(index):
    found = index.explain("nectar and krill", "animals.pdf", 2)
    similarities = index.embed_query("nectar and krill") @ index.vectors("animals.pdf", 2).T
    assert [match.row for match in found.matches] == similarities.argmax(axis=1).tolist()
    assert [match.contribution for match in found.matches] == pytest.approx(similarities.max(axis=1), abs=1e-5)
    weights = np.array([match.contribution / match.similarity for match in found.matches])
    assert weights == pytest.approx(found.weights, abs=1e-4)


def test_search_and_explain_name_the_same_matches(index):
    hit = index.search("hydraulic pumps", 1)[0]
    assert index.matches("hydraulic pumps", hit) == index.explain("hydraulic pumps").matches


@pytest.mark.parametrize("word", ["krill", "Antarctica", "winter"])
def test_a_word_lights_up_where_it_stands(index, word):
    found = index.explain(word, "animals.pdf", 2)
    match = found.matches[0]
    assert match.text.strip(".").lower() == word.lower()
    heat = row_heat(found.similarities, found.weights, found.grid)
    raster = paint(heat.sum(axis=0), found.grid, (612, 792))
    assert lies_in(hottest(raster), match.box)


@pytest.mark.parametrize("place", [(150, 180), (800, 1300)])
def test_a_painted_word_lights_up_where_it_was_painted(tmp_path, place):
    page = Image.new("RGB", (1240, 1600), "white")
    draw = ImageDraw.Draw(page)
    large = ImageFont.load_default(40)
    for i, line in enumerate(["Meeting of the housing council", "Rent and heating were discussed", "No decision"]):
        draw.text((200, 600 + 90 * i), line, "black", large)
    draw.text(place, "Volcano", "black", large)
    page.save(tmp_path / "page.png")
    with Index.create(tmp_path / "index") as index:
        assert index.ingest([tmp_path / "page.png"]).added == 1
        found = index.explain("volcano")
    x0, y0, x1, y1 = draw.textbbox(place, "Volcano", large)
    heat = row_heat(found.similarities, found.weights, found.grid)
    x, y = hottest(paint(heat.sum(axis=0), found.grid, page.size))
    assert x0 - 15 <= x * 1240 <= x1 + 15
    assert y0 - 15 <= y * 1600 <= y1 + 15
    assert found.matches[0].text == "Volcano"


def words(*rows):
    texts, boxes = zip(*rows, strict=True)
    return Words(texts, np.array(boxes, np.float32), np.zeros(len(rows), np.int32))


def test_a_patch_is_named_by_the_words_in_it():
    grid = Grid.patches([Tile(2, 2)])
    query = QueryVectors(np.eye(4, dtype=np.float32)[[3, 1]] * 2, ("low", "high"))
    page = words(("right", [0.6, 0.6, 0.7, 0.65]), ("below", [0.72, 0.6, 0.8, 0.65]), ("left", [0.1, 0.1, 0.2, 0.2]))
    low, high = find_matches(query, np.eye(4, dtype=np.float32), grid, page)
    assert (low.text, low.place, low.row) == ("right below", "row 2, column 2", 3)
    assert (high.text, high.place, high.row) == ("", "row 1, column 2", 1)
    assert (low.similarity, low.contribution) == (1.0, 2.0)
    assert low.box == (0.5, 0.5, 1.0, 1.0)


def test_tiles_are_told_apart_and_the_global_one_is_named():
    grid = Grid.patches([Tile(1, 2, (0, 0, 1, 0.5)), Tile(1, 2, (0, 0.5, 1, 1)), Tile(1, 1, is_global=True)])
    query = QueryVectors(np.eye(5, dtype=np.float32)[[1, 2, 4]], ("a", "b", "c"))
    places = [match.place for match in find_matches(query, np.eye(5, dtype=np.float32), grid, Words())]
    assert places == ["tile 1, row 1, column 2", "tile 2, row 1, column 1", "whole page, row 1, column 1"]


def test_a_page_without_words_matches_nothing_and_shows_nothing():
    query = QueryVectors(np.ones((1, 3), np.float32), ("x",))
    grid = Grid.free([WHOLE_PAGE])
    (match,) = find_matches(query, np.zeros((1, 3), np.float32), grid, Words())
    assert (match.text, match.similarity, match.box) == ("", 0.0, WHOLE_PAGE)
    assert heat_of(np.zeros((1, 1), np.float32), grid).max() == 0
