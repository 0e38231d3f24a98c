"""`vrag explain` and `vrag search --explain` through the installed command."""

import numpy as np
import pytest
from PIL import Image

KEYS = {"query", "doc", "path", "page", "cascade", "score", "stages", "matches", "counted"}
STAGE_KEYS = {"stage", "rank", "score", "candidates", "limit", "passed", "branch", "parts"}
MATCH_KEYS = {"token", "similarity", "contribution", "row", "text", "place", "box"}


def test_explain_json(cli, indexed, folder):
    done = cli(
        "explain", "krill", "--doc", "animals.pdf", "--page", 2, "--index", indexed, "--json", "--cascade", "two-stage"
    )
    assert done.code == 0
    assert set(done.json) == KEYS
    assert (done.json["doc"], done.json["page"]) == ("animals.pdf", 2)
    assert done.json["path"] == str(folder / "animals.pdf")
    assert done.json["cascade"] == "runs:256 > full"
    assert [set(stage) for stage in done.json["stages"]] == [STAGE_KEYS] * 2
    assert [set(match) for match in done.json["matches"]] == [MATCH_KEYS] * len(done.json["matches"])
    assert done.json["score"] == pytest.approx(sum(match["contribution"] for match in done.json["matches"]))
    assert "krill" in [match["text"].strip(".") for match in done.json["matches"]]


def test_explain_says_where_a_page_was_dropped(cli, indexed):
    done = cli("explain", "krill", "--doc", "machines.pdf", "--page", 1, "--index", indexed, "-k", 1)
    assert done.code == 0
    assert "of 5" in done.out
    assert "out (best 1 pass)" in done.out
    assert "krill" in done.out


def test_words_are_shown_as_they_were_typed_and_the_sums_are_told_apart(cli, indexed):
    done = cli("explain", "Invoice QX-4471?", "--index", indexed, "--cascade", "best")
    rows = [line.split()[0] for line in done.out.splitlines() if line.strip()]
    assert "QX-4471?" in rows
    assert not any(row.startswith("##") for row in rows)
    assert "the MaxSim of the whole page" in done.err
    assert "before other scores are added" in done.err


def test_phrases_and_excluded_words_hold_as_in_a_search(cli, indexed):
    """Plain words find animals.pdf first; what is typed besides leaves it out."""
    assert cli("explain", "krill", "--index", indexed, "--json").json["doc"] == "animals.pdf"
    typed = cli("explain", "krill -Antarctica", "--index", indexed, "--json").json
    assert (typed["doc"], typed["query"]) != ("animals.pdf", "krill -Antarctica")
    assert typed["query"] == "krill"
    hits = cli("search", "krill -Antarctica", "--index", indexed, "--json").json["hits"]
    assert (typed["doc"], typed["page"]) == (hits[0]["doc"], hits[0]["page"])
    page = ("--doc", "animals.pdf", "--page", 2, "--index", indexed)
    for arguments in (["krill -Antarctica"], ["krill zyzzyva", "--exact-words"]):
        done = cli("explain", *arguments, *page)
        assert done.code == 2
        assert "must or must not be on a page" in done.err
    assert cli("explain", '"krill"', *page, "--exact-words").code == 0


def test_a_branch_that_finds_no_page_says_so(cli, indexed):
    done = cli("explain", "zyzzyva", "--index", indexed, "--doc", "animals.pdf", "--page", 1, "--cascade", "best")
    assert "none found" in done.out
    assert "out (no page was found)" in done.out
    assert " of 0" not in done.out


def test_pictures_and_report_are_written(cli, indexed, tmp_path):
    done = cli("explain", "krill ice", "--index", indexed, "--png", "h.png", "--per-token", "--html", "r.html")
    assert done.code == 0
    assert "h.png" in done.err
    with Image.open(tmp_path / "h.png") as picture:
        assert picture.size == (1224, 1584)
        pixels = np.asarray(picture.convert("RGB"), int)
    assert (pixels[..., 0] - pixels[..., 1]).max() > 100
    tokens = [match["token"] for match in cli("explain", "krill ice", "--index", indexed, "--json").json["matches"]]
    assert len(list(tmp_path.glob("h-*.png"))) == len(tokens)
    assert "krill ice" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_search_explain(cli, indexed):
    done = cli("search", "krill", "--index", indexed, "--explain", "--json", "-k", 2)
    assert [set(match) for hit in done.json["hits"] for match in hit["matches"]]
    best = max(done.json["hits"][0]["matches"], key=lambda match: match["similarity"])
    assert set(best) == MATCH_KEYS
    assert best["text"].strip(".") == "krill"
    people = cli("search", "krill", "--index", indexed, "--explain", "-k", 1, env={"COLUMNS": "200"})
    assert "→ krill" in people.out
    assert "runs" in people.out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--page", "1"], 2, "--doc"),
        (["--doc", "nope.pdf"], 2, "nope.pdf"),
        (["--doc", "animals.pdf", "--page", "77"], 2, "No page 77"),
        (["--per-token"], 2, "--png"),
        (["--png", "missing/h.png"], 2, "missing/h.png"),
        (["--html", "."], 2, "cannot be written"),
        (["--cascade", "nope"], 2, "nope"),
        (["--doc", "animals.pdf", "--page", "1", "--where", "doc=machines.pdf"], 2, "filter"),
    ],
)
def test_mistakes_are_one_sentence(cli, indexed, arguments, code, says):
    done = cli("explain", "krill", "--index", indexed, *arguments)
    assert done.code == code
    assert says in done.err


def test_a_file_that_is_gone_still_explains_without_a_picture(cli, tmp_path):
    Image.new("RGB", (200, 200), "white").save(tmp_path / "blank.png")
    assert cli("ingest", "blank.png", "--index", "i").code == 0
    (tmp_path / "blank.png").unlink()
    assert cli("explain", "anything", "--index", "i").code == 0
    done = cli("explain", "anything", "--index", "i", "--png", "h.png")
    assert done.code == 1
    assert "blank.png" in done.err
    assert not (tmp_path / "h.png").exists()
