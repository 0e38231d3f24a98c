"""The measuring program from the command line, on a benchmark of five pages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ANIMALS, MACHINES
from tests.pdfs import write_pdf

PROGRAM = Path(__file__).parent.parent.parent / "eval" / "development.py"
QUESTIONS = [("animals.pdf", 1, "snow leopard in the mountains"), ("machines.pdf", 2, "invoice for hydraulic pumps")]


@pytest.fixture
def data(tmp_path):
    tiny = tmp_path / "tiny"
    write_pdf(tiny / "pdfs" / "animals.pdf", ANIMALS)
    write_pdf(tiny / "pdfs" / "machines.pdf", MACHINES)
    pages = [("animals.pdf", n) for n in (1, 2, 3)] + [("machines.pdf", n) for n in (1, 2)]
    rows = {
        "corpus": [{"corpus-id": i, "doc": doc, "page": page} for i, (doc, page) in enumerate(pages)],
        "queries": [{"query-id": i, "query": text, "doc": doc} for i, (doc, _, text) in enumerate(QUESTIONS)],
        "qrels": [
            {"query-id": i, "corpus-id": pages.index((doc, page)), "score": 1}
            for i, (doc, page, _) in enumerate(QUESTIONS)
        ],
    }
    for name, lines in rows.items():
        (tiny / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path


def run(data, *arguments):
    command = [sys.executable, str(PROGRAM), str(data), "--sets", "tiny", "--index-root", str(data / "indexes")]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300)


def test_every_scope_and_cascade_is_measured_and_an_index_is_gone_on_with(data):
    done = run(data, "--cascades", "two-stage", "exact", "--json", str(data / "out.json"))
    assert done.returncode == 0, done.stderr
    assert "5 of 5 pages in the index; 5 added" in done.stdout
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if "tiny |" in line]
    assert [row[1:3] for row in table] == [
        [scope, cascade] for scope in ("union", "document") for cascade in ("exact", "two-stage")
    ]
    assert {row[3] for row in table} == {"1.000 [1.000, 1.000]"}
    assert {row[4] for row in table} == {"100.0"}
    facts = json.loads((data / "out.json").read_text())["sets"]["tiny"]
    assert facts["results"][0]["per_query"] == {"0": 1.0, "1": 1.0}
    assert facts["pages_a_second"] > 0

    again = run(data, "--cascades", "exact")
    assert "0 added" in again.stdout
    assert "5 there before" in again.stdout


def test_a_missing_set_is_one_sentence(data):
    done = run(data, "--sets", "nowhere")
    assert done.returncode == 1
    assert "There is no benchmark folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_the_last_steps_add_is_measured_part_by_part_and_with_settings_of_other_documents(data, indexed):
    program, out = PROGRAM.parent / "ranking.py", data / "out.json"
    command = [sys.executable, str(program), f"{data / 'tiny'}={indexed}", "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    facts = json.loads(out.read_text())
    assert [row["name"] for row in facts["rows"]] == [
        "before", "title", "pairs", "years", "places", "pairs + years + places", "title + years + places",
        "title + pairs + places", "title + pairs + years", "title + pairs + years + places",
    ]  # fmt: skip
    assert {name: cell[0] for name, cell in facts["rows"][-1]["cells"].items()} == {
        "tiny, union": 1.0,
        "tiny, document": 1.0,
    }
    assert facts["left_out"]["ndcg"] == {"tiny, union": 1.0, "tiny, document": 1.0}
    assert sum(facts["left_out"]["chosen"].values()) == 2  # documents
    assert facts["left_out"]["sets"] == {}  # there is no other one
    assert set(facts["milliseconds"]["tiny"]) == {"pages", "before", "best"}
    assert "| title + pairs + years + places | 1.000, +0.000" in done.stdout
