"""Pictures and the HTML report hold what the explanation says, and nothing that could run."""

import base64
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.explain.test_heatmap import hottest, lies_in, one_hot
from vrag.explain.explanation import Explanation, Match, RegionAnswers, RowAnswer, StageTrace
from vrag.explain.html_report import heat_picture, html_report
from vrag.grid import Grid, Tile
from vrag.search.typed_words import ADDED

GRID = Grid.patches([Tile(6, 5)])
ROWS = (7, 22)
NASTY = "</script><img/src=x/onerror=alert(1)>"


@pytest.fixture
def explanation():
    """Two tokens, each with one patch that matches."""
    similarities = np.concatenate([one_hot(GRID, row) for row in ROWS])
    boxes = [tuple(map(float, GRID.boxes[row])) for row in ROWS]
    matches = tuple(
        Match(token, 0.9, 0.9, row, "", "", box) for token, row, box in zip(("one", NASTY), ROWS, boxes, strict=True)
    )
    stages = (StageTrace("rows", 3, 1.5, 9, 4, True), StageTrace("full", 5, 1.8, 4, 2, False))
    weights = np.ones(2, np.float32)
    return Explanation(
        f"One {NASTY}", "a&b.pdf", "/a&b.pdf", 3, "rows:4 > full", stages, matches, similarities, weights, GRID
    )


@pytest.fixture
def page():
    return Image.new("RGB", (500, 600), "white")


def redness(picture):
    pixels = np.asarray(picture, int)
    return (pixels[..., 0] - pixels[..., 1]).clip(0)


def middle(picture, row):
    x0, y0, x1, y1 = GRID.boxes[row]
    return redness(picture)[int((y0 + y1) / 2 * picture.height), int((x0 + x1) / 2 * picture.width)]


def test_the_sum_shows_all_tokens_and_a_token_only_its_own(explanation, page):
    both, first, second = (heat_picture(explanation, page, tokens) for tokens in (None, [0], [1]))
    assert middle(both, ROWS[0]) > 100
    assert middle(both, ROWS[1]) > 100
    assert middle(first, ROWS[0]) > 100
    assert middle(first, ROWS[1]) == 0
    assert middle(second, ROWS[0]) == 0
    assert page.getpixel((0, 0)) == (255, 255, 255)


def report_data(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def picture(url):
    return Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1])))


def test_the_report_needs_no_other_file(explanation, page):
    text = html_report(explanation, page)
    markup = text.split("<script", 1)[0]
    assert not re.search("(src|href|url|import)[=(]", markup)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "<title>a&amp;b.pdf, page 3" in text


def test_the_reports_data_is_the_explanation(explanation, page):
    data = report_data(html_report(explanation, page))
    assert data["query"] == f"One {NASTY}"
    assert data["standing"] == "score 1.800 in the last stage (behind all 4)"
    assert data["sums"] == "Matches add up to 1.800, the MaxSim of the whole page."
    assert [stage["rank"] for stage in data["stages"]] == [3, 5]
    assert [match["token"] for match in data["matches"]] == ["One", NASTY]
    assert picture(data["image"]).size == (500, 600)
    assert len(data["heat"]) == 2
    for url, row in zip(data["heat"], ROWS, strict=True):
        raster = np.asarray(picture(url))
        assert raster.shape == (data["size"][1], data["size"][0])
        assert raster.max() == 255
        assert lies_in(hottest(raster), GRID.boxes[row])


def test_pieces_of_a_word_are_one_button_and_so_is_all_that_the_model_adds(explanation, page):
    one, other = explanation.matches
    pieces = ("202", "##5", "?", *["<end_of_utterance>"] * 10)
    matches = tuple(replace(one if i < 2 else other, token=token) for i, token in enumerate(pieces))
    similarities = np.concatenate([one_hot(GRID, match.row) for match in matches])
    answers = tuple(RowAnswer("region", match.row, f"w{i}", 0.1 * i) for i, match in enumerate(matches))
    found = replace(
        explanation,
        query="2025?",
        matches=matches,
        similarities=similarities,
        weights=np.ones(13, np.float32),
        counted=RegionAnswers("full@regions", (0, 4), (0, 0, 1, 1), answers),
        stages=(StageTrace("text", 1, 0.0, 0, 0, False), *explanation.stages),
    )
    data = report_data(html_report(found, page))
    assert [match["token"] for match in data["matches"]] == ["2025?", ADDED]
    assert [match["contribution"] for match in data["matches"]] == pytest.approx([2.7, 9.0])
    assert [match["counted"]["contribution"] for match in data["matches"]] == pytest.approx([0.3, 7.5])
    assert data["matches"][0]["counted"]["text"] == "w2"
    assert len(data["heat"]) == 2
    assert (data["stages"][0]["standing"], data["stages"][0]["outcome"]) == ("none found", "out (no page was found)")
    assert "7.800" in data["sums"]
    assert "11.700" in data["sums"]


def test_what_is_written_on_a_page_cannot_run_in_the_report(explanation, page):
    text = html_report(explanation, page)
    assert "<img/src=x" not in text
    assert text.count("</script>") == 2


def test_large_pages_are_shown_smaller(explanation):
    data = report_data(html_report(explanation, Image.new("RGB", (3000, 3600), "white")))
    assert max(picture(data["image"]).size) == 1400
    assert max(data["size"]) == 420
