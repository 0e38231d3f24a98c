"""Reports: tables, charts, questions, TREC files, on made-up numbers."""

import base64
import io
import re
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.evaluation.made_up import made_up_run
from tests.pdfs import write_pdf
from vrag.evaluation.benchmarks.benchmark import PageRef
from vrag.evaluation.benchmarks.task import Options
from vrag.evaluation.reports.charts import Bar, bar_chart
from vrag.evaluation.reports.html import to_html
from vrag.evaluation.reports.markdown import to_markdown
from vrag.evaluation.reports.questions import place, worst_first
from vrag.evaluation.reports.tables import quality, speed
from vrag.evaluation.reports.thumbnails import crops, thumbnails
from vrag.evaluation.reports.trec import qrels_text, run_text
from vrag.evaluation.results.results import make_results
from vrag.evaluation.results.scoring import score_task
from vrag.evaluation.runs.journal import Ranked
from vrag.evaluation.runs.runner import file_name
from vrag.pages.drawing import PageDrawer
from vrag.pages.page import PageSpec

QRELS = {"good": {"p1": 1}, "bad": {"p2": 2, "p3": 1}, "ugly <b>": {"p1": 1}}
HITS = {"good": {"p1": 3.0}, "bad": {"p1": 2.0, "p2": 1.0}, "ugly <b>": {}}
VOID = {"meta", "img", "input"}


@pytest.fixture
def run():
    return made_up_run({"exact": HITS, "fast | one": {**HITS, "good": {"p2": 1.0}}}, QRELS)


@pytest.fixture
def results(run, tmp_path):
    return make_results([run], Options(tmp_path, tmp_path))


class Balanced(HTMLParser):
    """Fails on tags that do not close in the order they opened."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def test_markdown_tables_have_as_many_cells_as_their_heads(results):
    text = to_markdown(results)
    assert "fast \\| one" in text
    for block in re.findall(r"(?:^\|.*\|\n?)+", text, re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(counts) == 1
    for title in ("Quality", "Cascades compared", "Speed", "Corpora and indexes"):
        assert f"## {title}" in text
    assert "## Means" not in text  # of one task


def test_markdown_obeys_nothing_it_is_given(results):
    hostile = "de ![x](http://evil/p.png) <img src=x> `code` *b* [a]: x\n# head\r\n| cell &amp; \x1b[31m"
    for row in results["results"]:
        row["languages"] = {hostile: {"queries": 1, row["metric"]: 1.0}}
        row["task"] = row["cascade"] = hostile
    for task in results["tasks"]:
        task["task"] = task["model"]["name"] = hostile
    text = to_markdown(results)
    assert "http:&#47;&#47;evil" in text
    assert not re.search(r"(?<!\\)[\[`*](?!\*)", re.sub(r"\*\*[a-z ]+\*\*", "", text))
    assert not set("\x1b\r<") & set(text)
    assert [line for line in text.splitlines() if line.startswith("# ")] == text.splitlines()[:1]


def test_html_is_well_formed_and_escaped(run, results):
    html = to_html(results, [run])
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert "ugly &lt;b&gt;" in html
    assert "ugly <b>" not in html
    assert html.count("<article>") == 2  # the first cascade answers the third one perfectly
    assert "Short of NDCG@10 1 with <b>exact</b>: those with" in html


def test_questions_that_are_all_answered_are_not_shown_as_the_worst(tmp_path):
    perfect = {query: {page: float(grade) for page, grade in grades.items()} for query, grades in QRELS.items()}
    run = made_up_run({"exact": perfect}, QRELS)
    html = to_html(make_results([run], Options(tmp_path, tmp_path)), [run])
    assert "<article>" not in html
    assert "Short of NDCG@10 1 with <b>exact</b>: none." in html


def test_the_first_page_is_quoted_and_every_picture_can_be_shown_large(tmp_path):
    write_pdf(tmp_path / "d.pdf", ["one", "two", "three"])
    run = made_up_run({"exact": HITS}, QRELS)
    run.runs[0] = replace(run.runs[0], benchmark=replace(run.runs[0].benchmark, pdfs=tmp_path))
    run.runs[0].answers["bad"] = replace(run.runs[0].answers["bad"], snippet="what <i>it</i> says")
    html = to_html(make_results([run], Options(tmp_path, tmp_path)), [run])
    assert "<blockquote>p. 1 of d: what &lt;i&gt;it&lt;/i&gt; says</blockquote>" in html
    assert html.count("data:image/jpeg") == html.count("<input type='checkbox' aria-label='Show p. ") == 5


def test_tables_say_what_the_rows_say(results):
    first, second = quality(results).rows
    row = results["results"][0]
    assert first[:4] == ("made-up", "union", "exact", "3")
    assert first[5].startswith(f"{row['ndcg_at_10']:.2f} [")  # three questions say no more
    assert second[2] == "fast | one"
    assert speed(results).rows[0][3:] == ("500.0", "500.0", "2.0")


def test_the_worst_question_comes_first(run):
    questions = worst_first(run, "union", score_task(run))
    assert [question.query.id for question in questions] == ["ugly <b>", "bad", "good"]
    bad = questions[1]
    assert [corpus_id for corpus_id, _ in bad.expected] == ["p2", "p3"]  # the better grade first
    assert [corpus_id for corpus_id, _ in bad.returned] == ["p1", "p2"]


def test_pages_for_people():
    assert place("x7", PageRef("sub/manual.PDF", 3)) == "p. 3 of manual"
    assert place("x7", PageRef("ab/abcdef.png", 1)) == "x7"


def test_pictures_of_pages_that_can_be_rendered(tmp_path):
    write_pdf(tmp_path / "a.pdf", ["one", "two"], size=(400, 800))
    (tmp_path / "b.pdf").write_bytes(b"no PDF")
    pages = [PageRef("a.pdf", 2), PageRef("b.pdf", 1), PageRef("a.pdf", 9), PageRef("a.pdf", 2)]
    with closing(PageDrawer()) as drawer:
        made = thumbnails(drawer, tmp_path, pages)
    assert set(made) == {PageRef("a.pdf", 2)}
    assert made[PageRef("a.pdf", 2)].startswith("data:image/jpeg;base64,/9j/")


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y & z"]), st.floats(0, 1)), min_size=1, max_size=6)
)
def test_bars_stay_within_the_chart(rows):
    chart = bar_chart([Bar(g, n, v, v / 2, min(1, v * 1.5), f"{v:.2f}") for g, n, v in rows], "label")
    Balanced().feed(chart)
    widths = [float(w) for w in re.findall(r'<i style="width:([\d.]+)%', chart)]
    assert sorted(widths) == pytest.approx(sorted(100 * value for _, _, value in rows), abs=0.006)
    whiskers = [(float(a), float(b)) for a, b in re.findall(r'<s style="left:([\d.]+)%;width:([\d.]+)%', chart)]
    assert len(whiskers) == len(rows)
    assert all(left + width <= 100.01 for left, width in whiskers)
    assert chart.count("<dt>") == len({group for group, _, _ in rows})


def test_trec_files():
    answers = {"a b": Ranked({"p 1": 0.1, "p2": 0.1}, 1.0), "c": Ranked({}, 1.0)}
    assert run_text(answers, "tag") == "a%20b Q0 p%201 1 0.1 tag\na%20b Q0 p2 2 0.1 tag\n"
    assert qrels_text({"a b": {"50%": 2, "q": 0}}) == "a%20b 0 50%25 2\na%20b 0 q 0\n"


def test_file_names_tell_everything_apart():
    names = {file_name(*parts) for parts in [("t", "union", "a > b"), ("t", "union", "a < b"), ("t", "union", "a-b"),
                                             ("t/u", "x"), ("t.u", "x"), ("t", "u", "x")]}  # fmt: skip
    assert len(names) == 6
    assert all(re.fullmatch(r"[\w.-]+", name) for name in names)
    assert file_name("tiny", "union", "two-stage") == "tiny.union.two-stage"


def test_a_crop_shows_a_place_framed_with_what_is_around_it(tmp_path):
    write_pdf(tmp_path / "d.pdf", ["One line alone."])
    boxes = ((0.1, 0.4, 0.5, 0.45),)
    places = [(PageRef("d.pdf", 1), boxes), (PageRef("gone.pdf", 1), boxes)]
    with closing(PageDrawer()) as drawer:
        made = crops(drawer, tmp_path, places, PageSpec(max_side=800))
        whole = drawer.draw(tmp_path / "d.pdf", 1, PageSpec(words=False, max_side=800))
    assert list(made) == places[:1]  # what cannot be drawn is left out
    picture = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(made[places[0]].partition(",")[2]))).convert("RGB"), int
    )
    height, width, _ = picture.shape
    assert height / width == pytest.approx(0.15 * whole.height / whole.width, rel=0.03)
    framed = (picture[..., 0] > 180) & (picture[..., 2] < 120)
    rows, columns = np.flatnonzero(framed.any(1)) / height, np.flatnonzero(framed.any(0)) / width
    assert (rows[0], rows[-1]) == pytest.approx((1 / 3, 2 / 3), abs=0.06)  # 5 % of the page above, and below
    assert (columns[0], columns[-1]) == pytest.approx((0.1, 0.5), abs=0.02)
