"""The command line as users and programs meet it."""

import json
import re
import subprocess
import sys

import pytest
from PIL import Image

from tests.conftest import ANIMALS, MACHINES
from tests.pdfs import write_pdf

SEARCH_KEYS = {"query", "cascade", "took_ms", "found", "hits"}
HIT_KEYS = {"rank", "score", "doc", "path", "page", "stages", "region", "context_words", "relevance"}


def test_ingest_and_search_find_the_index_upward(cli, folder, tmp_path):
    done = cli("ingest", folder)
    assert done.code == 0
    assert "5 added" in done.out
    assert "does not see" in done.err
    (tmp_path / "deep" / "er").mkdir(parents=True)
    found = cli("search", "bees dance", "-k", 2, cwd=tmp_path / "deep" / "er")
    assert found.code == 0
    assert "animals.pdf" in found.out
    assert "nectar" in found.out


def test_ingest_json(cli, folder, tmp_path):
    first = cli("ingest", folder, "--index", "i", "--json").json
    assert {k: first[k] for k in ("documents", "pages", "added", "unchanged", "failed")} == {
        "documents": 2,
        "pages": 5,
        "added": 5,
        "unchanged": 0,
        "failed": [],
    }
    assert first["index"] == str(tmp_path / "i")
    assert first["seconds"] > 0
    again = cli("ingest", folder, "--index", "i", "--json").json
    assert (again["added"], again["unchanged"], again["pages"]) == (0, 5, 5)


def test_no_recursive_stays_on_top(cli, folder):
    assert cli("ingest", folder, "--no-recursive", "--json").json["pages"] == 3


def test_one_bad_file_is_reported_and_the_others_are_indexed(cli, tmp_path):
    write_pdf(tmp_path / "d" / "good.pdf", MACHINES)
    (tmp_path / "d" / "bad.pdf").write_bytes(b"this is no PDF")
    done = cli("ingest", "d", "--json")
    assert done.code == 1
    assert done.json["added"] == 2
    (failure,) = done.json["failed"]
    assert failure["path"].endswith("bad.pdf")
    assert failure["page"] is None
    assert failure["reason"]
    people = cli("ingest", "d")
    assert people.code == 1
    assert "bad.pdf" in people.err


def test_search_json(cli, indexed, folder):
    done = cli("search", "penguins on ice", "--index", indexed, "--json", "-k", 3)
    assert done.code == 0
    assert set(done.json) == SEARCH_KEYS
    assert done.json["cascade"] == "best"
    assert len(done.json["hits"]) == 3
    first = done.json["hits"][0]
    assert set(first) == HIT_KEYS | {"snippet"}
    assert len(first["region"]) == 4
    assert "penguins" in first["snippet"].lower()
    assert (first["rank"], first["doc"], first["page"]) == (1, "animals.pdf", 2)
    assert first["path"] == str(folder / "animals.pdf")
    assert set(first["stages"]) >= {"runs@bits", "text"}


def test_a_search_that_finds_nothing_relevant_says_so_and_shows_the_nearest_pages(cli, indexed):
    question = "How many shops does Netflix own in Canada?"
    done = cli("search", question, "--index", indexed)
    assert done.code == 0
    assert f"Nothing relevant found for '{question}'. The nearest pages:" in done.err
    assert "animals.pdf" in done.out
    answer = cli("search", question, "--index", indexed, "--json").json
    assert not answer["found"]
    assert max(hit["relevance"] for hit in answer["hits"]) < 0.15
    known = cli("search", "penguins on ice", "--index", indexed)
    assert "Nothing relevant" not in known.err


def test_hits_below_the_least_relevance_are_left_out(cli, indexed):
    asked = "search", "penguins on ice", "--index", indexed, "--min-relevance", 0.3
    hits = cli(*asked, "--json").json["hits"]
    assert [(hit["doc"], hit["page"], hit["rank"]) for hit in hits] == [("animals.pdf", 2, 1)]
    done = cli("search", "xylophone", "--index", indexed, "--min-relevance", 0.3)
    assert (done.code, done.out) == (0, "")
    assert "Try without --min-relevance" in done.err
    assert cli("search", "x", "--index", indexed, "--min-relevance", 2).code == 2


def test_queries_from_a_file_keep_their_order(cli, indexed, tmp_path):
    rows = [
        {"query-id": "b", "query": "oil filter"},
        {"query-id": "a", "query": "oil filter", "where": "doc=animals.pdf"},
        {"query-id": 3, "query": "krill"},
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    done = cli("search", "--queries", "q.jsonl", "--index", indexed, "--json", "--cascade", "exact", "-k", 1)
    assert [line["query-id"] for line in done.lines] == ["b", "a", 3]
    assert all(set(line) == SEARCH_KEYS | {"query-id"} for line in done.lines)
    assert all(set(hit) == HIT_KEYS for line in done.lines for hit in line["hits"])
    assert [line["hits"][0]["doc"] for line in done.lines] == ["machines.pdf", "animals.pdf", "animals.pdf"]


def test_pages_are_saved_as_pictures(cli, indexed, tmp_path):
    assert cli("search", "krill", "--index", indexed, "-k", 2, "--image-dir", "hits").code == 0
    files = sorted((tmp_path / "hits").iterdir())
    assert [file.name for file in files][0] == "01-animals.pdf-p2.png"
    assert len(files) == 2
    with Image.open(files[0]) as picture:
        assert picture.size == (1224, 1584)


def test_the_older_name_of_the_option_will_do(cli, indexed, tmp_path):
    assert cli("search", "krill", "--index", indexed, "-k", 1, "--save-pages", "hits").code == 0
    assert len(list((tmp_path / "hits").iterdir())) == 1


def test_json_has_the_words_and_the_picture_of_each_hit(cli, indexed, tmp_path):
    done = cli("search", "krill", "--index", indexed, "-k", 2, "--json", "--text", "--image-dir", "hits")
    assert done.code == 0
    assert [set(hit) for hit in done.json["hits"]] == [HIT_KEYS | {"snippet", "text", "image_file"}] * 2
    first = done.json["hits"][0]
    assert first["text"] == ANIMALS[1]
    assert first["image_file"] == "hits/01-animals.pdf-p2.png"
    assert (tmp_path / first["image_file"]).is_file()
    (tmp_path / "some.jsonl").write_text('{"query-id": 1, "query": "krill"}\n')
    lines = cli("search", "--queries", "some.jsonl", "--index", indexed, "-k", 1, "--json", "--text").lines
    assert [set(hit) for line in lines for hit in line["hits"]] == [HIT_KEYS | {"text"}]


def test_the_words_of_pages_are_for_json(cli, indexed):
    done = cli("search", "krill", "--index", indexed, "--text")
    assert done.code == 2
    assert "--text is for --json. Give both" in " ".join(done.err.split())


def test_a_pipe_gets_a_long_name_and_the_text_on_one_line_however_narrow_the_terminal_is(cli, tmp_path):
    write_pdf(tmp_path / "d" / "annual-report-of-the-society-of-penguins.pdf", ["Penguins feed on krill."])
    assert cli("ingest", "d", "--index", "i").code == 0
    for width in ("48", "80"):
        (line,) = cli("search", "krill", "--index", "i", env={"COLUMNS": width}).out.splitlines()[1:]
        assert "annual-report-of-the-society-of-penguins.pdf" in line
        assert "Penguins feed on krill." in line


def test_pages_are_not_saved_to_a_file(cli, indexed, tmp_path):
    (tmp_path / "taken").write_text("mine")
    done = cli("search", "krill", "--index", indexed, "--image-dir", "taken")
    assert done.code == 2
    assert "taken is no folder" in done.err
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_page_that_cannot_be_drawn_costs_the_others_nothing(cli, tmp_path):
    for name, text in (("a.pdf", "Emperor penguins breed on the ice in winter."), ("b.pdf", "Penguins feed on krill.")):
        write_pdf(tmp_path / "d" / name, [text])
    assert cli("ingest", "d", "--index", "i").code == 0
    (tmp_path / "d" / "a.pdf").unlink()
    done = cli("search", "emperor penguins", "--index", "i", "--image-dir", "hits")
    assert done.code == 1
    assert "Not written: a.pdf, page 1: the file is not there any more." in done.err
    assert "1 of 2 pages written to hits." in done.err
    as_json = cli("search", "emperor penguins", "--index", "i", "--image-dir", "hits", "--json")
    assert as_json.code == 1
    assert [hit["image_file"] for hit in as_json.json["hits"]] == [None, "hits/02-b.pdf-p1.png"]
    assert [file.name for file in (tmp_path / "hits").iterdir()] == ["02-b.pdf-p1.png"]


def test_open_shows_the_best_page(cli, indexed, folder, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    assert cli("search", "krill", "--index", indexed, "--open", env={"BROWSER": str(browser)}).code == 0
    assert (tmp_path / "opened").read_text().strip() == f"{(folder / 'animals.pdf').as_uri()}#page=2"


def test_info_models_pipelines_and_doctor(cli, indexed):
    facts = cli("info", "--index", indexed, "--json").json
    assert facts["pages"] == 5
    assert {d["doc"]: d["pages"] for d in facts["documents"]} == {"animals.pdf": 3, "machines.pdf": 2}
    assert "builtin" in [model["name"] for model in cli("models", "--json").json["models"]]
    assert "builtin" in [pipeline["name"] for pipeline in cli("pipelines", "--json").json]
    checks = {check["name"]: check for check in cli("doctor", "--json").json["checks"]}
    assert checks["built-in weights"]["ok"]
    for name in ("info", "models", "pipelines", "doctor"):
        options = ("--index", indexed) if name == "info" else ()
        assert cli(name, *options).code == 0


def test_pipelines_show_prints_a_pipeline_to_start_from(cli, tmp_path):
    for name in [row["name"] for row in cli("pipelines", "--json").json]:
        shown = cli("pipelines", "show", name)
        assert shown.code == 0
        (tmp_path / "mine.toml").write_text(shown.out)
        mine = cli("pipelines", "show", "mine.toml", "--json").json
        assert mine == {**cli("pipelines", "show", name, "--json").json, "name": "mine"}
        assert set(mine) >= {"name", "description", "model", "default_cascade", "cascades", "page", "vectors"}
    unknown = cli("pipelines", "show", "nope", "--json")
    assert unknown.code == 2
    assert "paper-colpali-rows" in unknown.json["hint"]


def test_python_dash_m_is_the_same_command(cli, tmp_path):
    done = subprocess.run([sys.executable, "-m", "vrag", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == cli("--version").out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["ingest", "missing"], 2, "missing"),
        (["ingest", "empty"], 2, "empty"),
        (["ingest", "text"], 2, "text"),
        (["ingest", "text/notes.log"], 2, "notes.log"),
        (["ingest"], 2, "paths"),
        (["ingest", ""], 2, "A path is empty"),
        (["plan", ""], 2, "A path is empty"),
        (["ingest", "text", "--pipeline", "nope"], 2, "text"),
        (["search", "x"], 2, "No index"),
        (["search", "x", "--index", "empty"], 2, "No index at empty"),
        (["search", "x", "-k", "0"], 2, "-k"),
        (["search"], 2, "Give a query"),
        (["search", ""], 2, "The query is empty"),
        (["search", "--queries", "text/blank.jsonl"], 2, "blank.jsonl, line 2: 'query' must be text"),
        (["explain", " "], 2, "The query is empty"),
        (["ask", "", " "], 2, "The query is empty"),
        (["ask", "--queries", "text/blank.jsonl"], 2, "blank.jsonl, line 2: 'query' must be text"),
        (["nope"], 2, "nope"),
        (["info", "--index", "empty"], 2, "No index"),
        (["info", "--index", ""], 2, "A path is empty"),
        (["ingest", "text", "--index", ""], 2, "A path is empty"),
        (["search", "x", "--image-dir", ""], 2, "A path is empty"),
        (["explain", "x", "--html", ""], 2, "A path is empty"),
        (["explain", "x", "--html", "same", "--png", "empty/../same"], 2, "the same file"),
        (["eval", "text", "--index", ""], 2, "A path is empty"),
    ],
)
def test_mistakes_are_one_sentence(cli, tmp_path, arguments, code, says):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.log").write_text("hello")
    blank = ({"query-id": number, "query": query} for number, query in enumerate(("x", " \t")))
    (tmp_path / "text" / "blank.jsonl").write_text("".join(json.dumps(row) + "\n" for row in blank))
    done = cli(*arguments)
    assert done.code == code
    assert says in done.err
    assert not (tmp_path / ".vrag").exists()
    machine = cli(*arguments, "--json")
    assert machine.code == code
    assert set(machine.json) == {"error", "hint"}
    assert says in machine.json["error"] + machine.json["hint"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["x", "--cascade", "four-stage"], "four-stage"),
        (["x", "--where", "colour=red"], "colour"),
        (["x", "--where", "doc=none.pdf"], "none.pdf"),
        ([""], "empty"),
        (["x", "--cascade", ""], "is not a stage"),
        (["x", "--queries", "q.jsonl"], "Give a query"),
        (["--queries", "missing.jsonl"], "missing.jsonl"),
        (["--queries", "bad.jsonl"], "line 2"),
    ],
)
def test_mistakes_in_a_search_are_one_sentence(cli, indexed, tmp_path, arguments, says):
    (tmp_path / "bad.jsonl").write_text('{"query-id": 1, "query": "x"}\n{"query": 3}\n')
    done = cli("search", *arguments, "--index", indexed, "--json")
    assert done.code == 2
    assert says in done.json["error"] + done.json["hint"]


def test_an_index_of_another_model_is_refused(cli, folder, tmp_path):
    assert cli("ingest", folder, "--index", "i").code == 0
    facts = json.loads((tmp_path / "i" / "index.json").read_text())
    facts["fingerprint"]["model"] = "somebody/else"
    (tmp_path / "i" / "index.json").write_text(json.dumps(facts))
    for arguments in (["search", "x"], ["ingest", folder]):
        done = cli(*arguments, "--index", "i")
        assert done.code == 1
        assert "another model" in done.err
    assert cli("search", "x", "--index", "i", "--force").code == 0


def test_a_place_where_no_index_can_be_is_one_sentence(cli, folder, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    for place in ("file", "file/inside"):
        done = cli("ingest", folder, "--index", place)
        assert done.code == 1
        assert "file" in done.err


def test_an_index_made_otherwise_is_refused(cli, folder):
    assert cli("ingest", folder, "--index", "i", "--dpi", 100).code == 0
    done = cli("ingest", folder, "--index", "i", "--dpi", 72)
    assert done.code == 1
    assert "made with dpi 100, not 72" in done.err


def test_a_pipeline_file_that_was_changed_since_is_another_one(cli, folder, tmp_path):
    mine = '[vectors.few]\npooling = "hierarchical"\nfactor = %d\n'
    (tmp_path / "mine.toml").write_text(mine % 2)
    command = ("ingest", folder, "--index", "i", "--pipeline", "mine.toml")
    assert cli(*command).code == 0
    assert "5 unchanged" in cli(*command).out
    (tmp_path / "mine.toml").write_text(mine % 3)
    done = cli(*command)
    assert done.code == 1
    assert 'made with vectors.few {"name": "few", "pooling": "hierarchical", "options": {"factor": 2}' in done.err
    assert "vrag repool --pipeline mine.toml" in done.err


def test_an_index_open_elsewhere_is_one_sentence(process, indexed):
    from vrag import Index

    with Index.open(indexed):
        done = process("search", "x", "--index", indexed, "--wait", 0)
    assert done.code == 1
    assert "open in another process" in done.err


# Ctrl-C as soon as pages are written, while others are read and embedded.
INTERRUPTED = """
import os, signal
from vrag.cli import main
from vrag.store.edge.edge import EdgeStore
upsert = EdgeStore.upsert
def interrupted(self, records):
    upsert(self, records)
    if any(record.vectors for record in records):
        EdgeStore.upsert = upsert
        os.kill(os.getpid(), signal.SIGINT)
EdgeStore.upsert = interrupted
main(["ingest", "long.pdf", "--index", "i"])
"""


def test_an_interrupted_ingest_keeps_its_pages_and_goes_on(cli, tmp_path):
    write_pdf(tmp_path / "long.pdf", [f"{ANIMALS[n % 3]}\n{n}" for n in range(80)])
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    kept = int(re.search(r"Interrupted: (\d+) pages? kept", done.stderr)[1])
    rest = cli("ingest", "long.pdf", "--index", "i", "--json").json
    assert rest["unchanged"] == kept
    assert 0 < kept < 80
    assert rest["pages"] == 80
    assert rest["added"] == 80 - kept


def test_help_has_an_example_for_every_command(cli):
    for name in ("ingest", "search", "info", "models", "pipelines", "doctor"):
        done = cli(name, "--help")
        assert done.code == 0
        assert f"Example: vrag {name}" in " ".join(done.out.split())
    assert "Example: vrag pipelines show" in " ".join(cli("pipelines", "show", "--help").out.split())


def test_timing_says_where_the_time_went(cli, tmp_path):
    write_pdf(tmp_path / "d" / "one.pdf", MACHINES)
    done = cli("ingest", "d", "--timing")
    assert done.code == 0
    rows = {line[:22].strip(): line[22:42].strip() for line in done.out.splitlines()[1:-1]}
    assert rows["read"] == "in worker processes"
    assert rows["forward"] == rows["wait for pages"] == rows["wait for store"] == "in the main thread"
    assert rows["pool"] == rows["store"] == "in the writer"
    assert done.out.splitlines()[-1].startswith("bound by: ")
    again = cli("ingest", "d", "--timing")
    assert again.out.splitlines()[1:] == ["Nothing was read or written, so there is no time to tell apart."]
    retried = cli("ingest", "--retry-failed")
    assert retried.code == 0
    assert "Nothing is there to be tried again" in retried.err
    write_pdf(tmp_path / "d" / "two.pdf", ANIMALS)
    report = cli("ingest", "d", "--json").json
    stages = {"read", "forward", "pool", "store", "wait for pages", "wait for store"}
    assert stages <= set(report["timing"])
    in_turn = ("forward", "wait for pages", "wait for store")
    assert sum(report["timing"][stage] for stage in in_turn) <= report["seconds"]


def test_models_say_whether_they_run_here(cli):
    found = cli("models", "--json").json
    rows = {row["name"]: row for row in found["models"]}
    assert rows["builtin"]["runs_here"] is True
    assert rows["builtin"]["how"] == "cpu"
    assert rows["vidore/colpali-v1.3"]["vidore"] == [84.8, 54.7, 43.0]
    assert rows["Qdrant/colmodernvbert"]["needs"] == 'pip install "vrag-toolkit[onnx]"'
    families = {row["family"]: row for row in found["families"]}
    assert families["ColQwen2_5"]["pipeline"] == "colqwen2_5"
    assert families["BiQwen2"]["page"] == "one vector"
    assert families["Qdrant/colpali-v1.3-fp16 (ONNX)"]["engine"] == "fastembed"
    people = cli("models", env={"COLUMNS": "250", "NO_COLOR": "1"})
    assert "vidore/colSmol-256M" in people.out
    assert "ColQwen2_5Omni" in people.out
