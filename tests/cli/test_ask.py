"""`vrag ask` as users and programs meet it."""

import json

import pytest
from PIL import Image

from tests.cli.test_cli import HIT_KEYS

QUESTION = "How often is the oil filter replaced?"
KEYS = ["question", "found", "answer", "model", "quotes", "pages"]
QUOTE_KEYS = {"text", "doc", "path", "page", "boxes", "status"}


def test_an_answer_for_people_is_quotes_with_their_pages(cli, indexed):
    done = cli("ask", *QUESTION.split(), "--index", indexed, "-k", 1)
    assert done.code == 0
    first, place = done.out.splitlines()[:2]
    assert first.startswith("[1] “Replace the oil filter")
    assert place == "    machines.pdf, page 1"
    assert "Quoted from 1 page, word for word." in done.err


def test_an_answer_as_json(cli, indexed):
    done = cli("ask", QUESTION, "--index", indexed, "--json", "-k", 2)
    assert done.code == 0
    assert [*done.json] == KEYS
    assert (done.json["question"], done.json["found"], done.json["model"]) == (QUESTION, True, None)
    quote = done.json["quotes"][0]
    assert quote.keys() == QUOTE_KEYS
    assert (quote["doc"], quote["page"], quote["status"]) == ("machines.pdf", 1, "supported")
    assert quote["path"].endswith("/sub/machines.pdf")
    assert all(0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 for x0, y0, x1, y1 in quote["boxes"])
    assert [page["rank"] for page in done.json["pages"]] == [1, 2]
    assert done.json["pages"][0].keys() == HIT_KEYS


def test_questions_from_a_file_keep_their_order_and_filters(cli, indexed, tmp_path):
    rows = [
        {"query-id": "b", "query": QUESTION},
        {"query-id": 7, "query": QUESTION, "where": "doc=animals.pdf"},
    ]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = cli("ask", "--queries", "q.jsonl", "--index", indexed, "--json", "-k", 1)
    assert [row["query-id"] for row in done.lines] == ["b", 7]
    assert [row["pages"][0]["doc"] for row in done.lines] == ["machines.pdf", "animals.pdf"]
    assert [row["found"] for row in done.lines] == [True, False]


def test_the_pages_are_written_as_pictures_and_as_a_report(cli, indexed, tmp_path):
    done = cli("ask", QUESTION, "--index", indexed, "-k", 1, "--html", "a.html", "--image-dir", "pages")
    assert done.code == 0
    assert "Answer written to a.html." in done.err
    page = (tmp_path / "a.html").read_text()
    assert "oil filter" in page
    assert "data:image/jpeg;base64," in page
    (picture,) = (tmp_path / "pages").iterdir()
    with Image.open(picture) as shown:
        assert shown.size[0] > 100


def test_nothing_found_is_no_failure(cli, tmp_path):
    (tmp_path / "d").mkdir()
    Image.new("RGB", (60, 80), "white").save(tmp_path / "d" / "white.png")
    assert cli("ingest", "d", "--index", "i").code == 0
    done = cli("ask", QUESTION, "--index", "i", "--json")
    assert (done.code, done.json["found"], done.json["quotes"]) == (0, False, [])
    people = cli("ask", QUESTION, "--index", "i")
    assert people.code == 0
    assert people.out == "Nothing in the index answers this.\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Give a query"),
        (["x", "--queries", "q.jsonl"], "Give a query"),
        (["x", "--where", "doc=none.pdf"], "none.pdf"),
        ([""], "empty"),
        (["--queries", "q.jsonl", "--html", "a.html"], "Leave one of them out"),
        (["x", "--html", "no/such/a.html"], "no such folder"),
    ],
)
def test_mistakes_are_one_sentence(cli, indexed, arguments, says):
    done = cli("ask", *arguments, "--index", indexed, "--json")
    assert done.code == 2
    assert says in done.json["error"] + done.json["hint"]
