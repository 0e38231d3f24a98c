"""One format for files of questions: whatever reads them takes the same file, whose optional fields may be empty."""

import csv
import json
import re
from pathlib import Path

import pytest

from tests.conftest import ANIMALS, MACHINES, copy_index
from tests.evaluation.tiny import write_documents, write_tiny
from tests.pdfs import write_pdf
from vrag.evaluation.benchmarks.question_rows import DOC, GRADE, PAGE, QUERY_ID, QUERY_TEXT, read_question_rows

LEOPARD, PUMPS, COST = "What do snow leopards hunt?", "Which invoice covers pumps?", "What does it cost?"
FULL = {"query-id": "a", "query": LEOPARD, "doc": "animals.pdf", "page": 1, "score": 2, "where": "doc=animals.pdf",
        "type": "Text", "language": "english", "answer": "blue sheep", "format": "Str", "note": "unread"}  # fmt: skip
NAMES = list(FULL)
ROWS = [
    FULL,
    {**FULL, "page": 2, "score": "", "type": "", "language": ""},
    {
        **dict.fromkeys(NAMES, ""),
        "query-id": "b",
        "query": PUMPS,
        "doc": "machines.pdf",
        "page": 2,
        "answer": "QX-4471",
    },
    {**dict.fromkeys(NAMES, ""), "query-id": "c", "query": COST},
]
EMPTY = {"empty.jsonl": "", "null.jsonl": None, "absent.jsonl": ..., "table.csv": "", "table.tsv": "", "mine.csv": ";"}


def write(path, empty):
    if path.suffix == ".jsonl":
        rows = [{key: empty if value == "" else value for key, value in row.items()} for row in ROWS]
        rows = [{key: value for key, value in row.items() if value is not ...} for row in rows]
        rows[-1]["answer"] = None  # which says of a question without a page that nothing answers it
        path.write_text("".join(f"{json.dumps(row)}\n\n" for row in rows), encoding="utf-8-sig")
        return
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.DictWriter(file, NAMES, delimiter="\t" if path.suffix == ".tsv" else empty or ",")
        table.writeheader()
        table.writerows(ROWS)


@pytest.fixture(params=EMPTY)
def questions(request, tmp_path):
    """The file, and the documents beside it."""
    write_documents(tmp_path / "pdfs")
    write(tmp_path / request.param, EMPTY[request.param])
    return request.param


def test_search_and_ask_take_it(cli, indexed, questions):
    for command in ("search", "ask"):
        done = cli(command, "--queries", questions, "--index", indexed, "-k", 3, "--json")
        assert done.code == 0, done.err
        assert [line["query-id"] for line in done.lines] == ["a", "b", "c"]  # two rows are one question
        found = [{page["doc"] for page in line["hits" if command == "search" else "pages"]} for line in done.lines]
        assert found[0] == {"animals.pdf"}  # its "where" was followed
        assert len(found[2]) == 2


def test_tune_takes_it(cli, indexed, questions, tmp_path):
    copy = copy_index(indexed, tmp_path / "copy")
    done = cli("tune", "--queries", questions, "--index", copy, "--cascade", "exact", "--json")
    assert done.code == 0, done.err
    assert done.json["queries"] == 3
    assert done.json["rows"][0]["ndcg"] is not None


@pytest.fixture(scope="module")
def wordy(tmp_path_factory):
    """An index of documents with these names, with enough words to resample."""
    from vrag import Index

    folder = tmp_path_factory.mktemp("wordy")
    lines = "\n".join(["the yellow submarine dives below cold northern waves"] * 12)
    write_pdf(folder / "animals.pdf", [f"{text}\n{lines}" for text in ANIMALS])
    write_pdf(folder / "machines.pdf", [f"{text}\n{lines}" for text in MACHINES])
    with Index.create(folder / "index") as index:
        index.ingest([folder])
    return folder / "index"


def test_bench_takes_it(cli, wordy, questions):
    done = cli("bench", "--questions", questions, "--index", wordy, "--sizes", 20, "--queries", 2, "--rows", 32,
               "--seconds", 1, "--no-peers")  # fmt: skip
    assert done.code == 0, done.err
    assert "2 questions of a file" in done.out


def test_eval_takes_it_with_the_documents_beside_it(cli, eval_cache, questions, tmp_path):
    env = {"VRAG_EVAL_CACHE": str(eval_cache)}
    done = cli("eval", questions, "--cascade", "exact", "--json", env=env)
    assert done.code == 0, done.err
    assert [(row["scope"], row["queries"]) for row in done.json["results"]][0] == ("union", 2)
    done = cli("eval", "answers", questions, "--json", env=env)
    assert done.code == 0, done.err
    assert [(row["scope"], row["queries"]) for row in done.json["results"]] == [("document", 2), ("union", 3)]
    made = cli("eval", "make", questions, "pdfs", "--out", "made", "--json")
    assert made.code == 0, made.err
    assert (made.json["queries"], made.json["labels"], made.json["answers"], made.json["unanswerable"]) == (2, 3, 2, 1)
    (first, second) = map(json.loads, (tmp_path / "made" / "queries.jsonl").read_text().splitlines())
    assert first == {"query-id": "a", "query": LEOPARD, "doc": "animals.pdf", "type": "Text", "language": "english"}
    assert second == {"query-id": "b", "query": PUMPS, "doc": "machines.pdf"}
    again = cli("eval", "made", "--cascade", "exact", "--json", env=env)
    assert [row["ndcg_at_10"] for row in again.json["results"]] == pytest.approx(
        [row["ndcg_at_10"] for row in cli("eval", questions, "--cascade", "exact", "--json", env=env).json["results"]]
    )


def test_a_benchmark_folder_is_asked_and_may_have_empty_fields(cli, indexed, eval_cache, tmp_path):
    write_tiny(tmp_path / "tiny")
    file = tmp_path / "tiny" / "queries.jsonl"
    rows = [{**json.loads(line), "type": "", "language": None} for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps({"doc": "", **row}) + "\n" for row in rows))
    done = cli("eval", "tiny", "--cascade", "exact", "--json", env={"VRAG_EVAL_CACHE": str(eval_cache)})
    assert done.code == 0, done.err
    asked = cli("search", "--queries", "tiny", "--index", indexed, "-k", 1, "--json")
    assert [line["query"] for line in asked.lines] == [row["query"] for row in rows]
    alone = cli("search", "--queries", "tiny/queries.jsonl", "--index", indexed, "-k", 1, "--json")
    assert [line["hits"] for line in alone.lines] == [line["hits"] for line in asked.lines]


def test_without_ids_rows_are_called_by_their_lines(cli, indexed, tmp_path):
    (tmp_path / "q.csv").write_text("question,file,page\nkrill?,animals.pdf,2\n\nkrill?,animals.pdf,1\noil?,,\n")
    done = cli("search", "--queries", "q.csv", "--index", indexed, "-k", 1, "--json")
    assert [(line["query-id"], line["query"]) for line in done.lines] == [(2, "krill?"), (5, "oil?")]


@pytest.mark.parametrize(
    "command",
    [
        ("search", "--queries"),
        ("ask", "--queries"),
        ("tune", "--queries"),
        ("bench", "--questions"),
        ("eval", "make", "pdfs"),
        ("eval",),
        ("eval", "answers"),
    ],
)
@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("q.jsonl", '{"query": "x"}\n\n{"query": ""}\n', "q.jsonl, line 3: 'query' must be text, not ''"),
        ("q.jsonl", '{"query": "x"}\nquery\n', "q.jsonl, line 2: not JSON"),
        ("q.jsonl", '{"id": 1}\n', "q.jsonl, line 1: 'query' is missing; the row has 'id'"),
        ("q.csv", "question,file,page\nx,animals.pdf,one\n", "q.csv, line 2: 'page' must be a whole number, not 'one'"),
        ("q.csv", "question,file,page\nx,animals.pdf,0\n", "q.csv, line 2: 'page' must be at least 1, not 0"),
        ("q.csv", "question,file\nx,animals.pdf,1\n", "q.csv, line 2: more cells than the head has (question, file)"),
        ("q.xlsx", "", "q.xlsx is neither a table (.csv, .tsv) nor JSON Lines (.jsonl)."),
    ],
)
def test_bad_rows_are_named_by_file_and_line(cli, indexed, tmp_path, command, name, text, says):
    write_documents(tmp_path / "pdfs")
    (tmp_path / name).write_text(text)
    at = 2 if command[:2] == ("eval", "make") else len(command)
    index = () if command[0] == "eval" else ("--index", indexed)
    done = cli(*command[:at], name, *command[at:], *index)
    assert done.code in (1, 2)
    assert says in done.err
    assert "Traceback" not in done.err


DOCS = (Path(__file__).parents[2] / "docs" / "reference" / "questions.md").read_text()


def test_the_docs_name_every_field(tmp_path):
    rows = re.findall(r"^\| ([^|]+) \| ([^|]*)\| [^|]+ \|$", DOCS.split("## Fields")[1].split("## What")[0], re.M)
    named = [re.findall("`([^`]+)`", f"{name} {others}") for name, others in rows]
    fields = [list(names) for names in (QUERY_TEXT, QUERY_ID, DOC, PAGE, GRADE, ["where"], ["answer"], ["format"])]
    assert [names for names in named if names] == [*fields, ["type", "language"]]


def test_the_two_examples_of_the_docs_are_one_question(tmp_path):
    found = []
    for suffix, block in re.findall(r"```(csv|json)\n(.+?)```", DOCS, re.S):
        (tmp_path / f"q.{suffix}").write_text(block)
        (question,) = read_question_rows(tmp_path / f"q.{suffix}")
        found.append((question.text, question.doc, question.page, question.answer))
    assert len(found) == 2
    assert found[0] == found[1]
