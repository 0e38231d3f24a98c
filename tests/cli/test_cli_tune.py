"""`vrag tune` through the installed command."""

import json

import pytest
from PIL import Image

from tests.conftest import copy_index
from tests.tuning.test_tuning import many
from vrag import Index

__all__ = ["many"]  # the fixture

KEYS = {"index", "pages", "queries", "drawn", "default", "reference", "keep", "rows", "chosen", "applied"}
ROW_KEYS = {"cascade", "name", "recall", "ndcg", "median_ms", "p95_ms", "bytes", "pareto", "interval", "stages"}


@pytest.fixture
def copy(many, tmp_path):
    """An index that a test may change."""
    return copy_index(many, tmp_path / "copy")


def test_tune_json(cli, copy):
    done = cli("tune", "--index", copy, "--sample", 4, "--json")
    assert done.code == 0
    assert set(done.json) == KEYS
    assert (done.json["pages"], done.json["queries"], done.json["drawn"]) == (48, 4, True)
    assert (done.json["reference"], done.json["keep"], done.json["applied"]) == ("full", 0.99, False)
    for row in done.json["rows"]:
        assert set(row) == ROW_KEYS
        assert row["stages"][-1]["recall"] == row["recall"]
        assert 0 <= row["interval"][0] <= row["recall"] <= row["interval"][1] <= 1
    keeping = [row for row in done.json["rows"] if row["recall"] >= 0.99]
    assert done.json["chosen"] in (keeping[0]["name"], keeping[0]["cascade"])
    assert cli("info", "--index", copy, "--json").json["default_cascade"] == "two-stage"


def test_apply_makes_the_chosen_cascade_the_default(cli, copy):
    options = ("--cascade", "runs:11 > full", "--cascade", "global:12 > full", "--keep", 0, "--sample", 3)
    done = cli("tune", "--index", copy, *options, "--apply", "--json")
    assert done.code == 0
    assert done.json["applied"]
    assert done.json["default"] == "two-stage"
    assert cli("info", "--index", copy, "--json").json["default_cascade"] == done.json["chosen"]
    found = cli("search", "violin", "--index", copy, "--json").json
    assert found["cascade"] == done.json["chosen"]


def test_a_default_that_reads_goes_on_reading(cli, copy):
    with Index.open(copy) as index:
        index.set_default_cascade("full:15 > read(15)")
    options = ("--cascade", "runs:11 > full", "--keep", 0, "--sample", 3, "--apply", "--json")
    done = cli("tune", "--index", copy, *options)
    fastest = done.json["rows"][0]["cascade"]
    assert fastest in ("full", "runs:11 > full")
    assert done.json["chosen"] == f"{fastest}:15 > read(15)"
    assert cli("info", "--index", copy, "--json").json["default_cascade"] == done.json["chosen"]


def test_a_default_that_confirms_bits_keeps_the_rows(cli, copy):
    assert cli("search", "violin", "--index", copy, "--cascade", "full@bits:20 > full").code == 0
    assert not list(copy.glob("cache/bits/*.rows"))
    cli("tune", "--index", copy, "--cascade", "full@bits:20 > full", "--keep", 0, "--sample", 3, "--apply")
    found, exact = (
        cli("search", "violin", "--index", copy, *more, "--json").json for more in ((), ("--cascade", "exact"))
    )
    assert found["cascade"] == "full@bits:20 > full"
    assert found["hits"][0]["page"] == exact["hits"][0]["page"]  # further down 20 candidates may lack one
    assert len(list(copy.glob("cache/bits/full.*.rows"))) == 1


def test_people_read_a_table_and_a_sentence(cli, copy, tmp_path):
    rows = [{"query-id": 1, "query": "teapot", "doc": "many.pdf", "page": 3}]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = cli("tune", "--index", copy, "--queries", "q.jsonl", "--plot", "t.png")
    assert done.code == 0
    assert "Cheapest that keeps 99%" in done.out
    assert "NDCG" in done.out
    assert "(two-stage)" in done.out
    assert "1 queries given" in done.err
    with Image.open(tmp_path / "t.png") as picture:
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 10


def test_without_matplotlib_a_plot_is_refused_before_the_work(process, copy, tmp_path):
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "matplotlib.py").write_text("raise ImportError('blocked')")
    done = process("tune", "--index", copy, "--plot", "t.png", env={"PYTHONPATH": str(tmp_path / "blocked")})
    assert done.code == 2
    assert "vrag-toolkit[bench]" in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--queries", "missing.jsonl"], 2, "missing.jsonl"),
        (["--cascade", "nope"], 2, "nope"),
        (["--sample", "0"], 2, "--sample"),
        (["--keep", "2"], 2, "--keep"),
        (["--plot", "missing/t.png"], 2, "missing/t.png"),
        (["--index", "missing"], 2, "No index"),
    ],
)
def test_mistakes_are_one_sentence(cli, copy, arguments, code, says):
    done = cli("tune", "--index", copy, *arguments)
    assert done.code == code
    assert says in done.err
