"""`vrag eval make`: a benchmark of one's own, checked row by row."""

import json
from pathlib import Path

import pytest

from tests.evaluation.tiny import write_documents, write_rows
from tests.pdfs import write_pdf
from vrag.errors import VragError
from vrag.evaluation.benchmarks.answer_key import NOTHING, load_answer_keys
from vrag.evaluation.benchmarks.benchmark import PageRef
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.evaluation.benchmarks.make import make_benchmark

CSV = """question,file,page,score
"Where do penguins, the emperors, breed?",animals.pdf,2,2
"Where do penguins, the emperors, breed?",animals.pdf,1,
Which invoice covers pumps?,machines.pdf,2,1
Bees or engines?,animals.pdf,3,
Bees or engines?,machines.pdf,1,
"""


@pytest.fixture
def documents(tmp_path):
    write_documents(tmp_path / "pdfs")
    return tmp_path / "pdfs"


def test_a_table_becomes_a_benchmark(documents, tmp_path):
    (tmp_path / "q.csv").write_text(CSV)
    made = make_benchmark(tmp_path / "q.csv", documents, tmp_path / "mine")
    assert (made.documents, made.pages, made.queries, made.labels) == (2, 5, 3, 5)
    benchmark = load_benchmark(tmp_path / "mine")
    assert sorted(benchmark.corpus.values()) == [
        PageRef(doc, page) for doc, count in (("animals.pdf", 3), ("machines.pdf", 2)) for page in range(1, count + 1)
    ]
    first, second, third = benchmark.queries
    assert first.text == "Where do penguins, the emperors, breed?"
    assert (first.doc, second.doc, third.doc) == ("animals.pdf", "machines.pdf", None)
    grades = {benchmark.corpus[page]: grade for page, grade in benchmark.qrels[first.id].items()}
    assert grades == {PageRef("animals.pdf", 2): 2, PageRef("animals.pdf", 1): 1}
    assert (tmp_path / "mine/pdfs/animals.pdf").read_bytes() == (documents / "animals.pdf").read_bytes()


def test_rows_of_json_and_documents_in_sub_folders(documents, tmp_path):
    write_pdf(documents / "sub" / "more.pdf", ["More."])
    rows = [
        {"query": "More?", "doc": "more.pdf", "page": 1},
        {"question": "Most?", "file": "sub/more.pdf", "page": "1"},
    ]
    write_rows(tmp_path / "q.jsonl", rows)
    make_benchmark(tmp_path / "q.jsonl", documents, tmp_path / "mine")
    assert {query.doc for query in load_benchmark(tmp_path / "mine").queries} == {"sub/more.pdf"}


def test_every_wrong_row_is_named_at_once(documents, tmp_path):
    write_pdf(documents / "sub" / "animals.pdf", ["Another one of this name."])
    rows = ["question,file,page,score", "Fine?,machines.pdf,1,", "Gone?,gone.pdf,1,", "Far?,machines.pdf,3,",
            "Fine?,machines.pdf,1,", ",machines.pdf,1,", "Text?,machines.pdf,two,", "Which?,sub/animals.pdf,0,",
            "Bad?,machines.pdf,1,0", "None?,,1,"]  # fmt: skip
    (tmp_path / "q.csv").write_text("\n".join(rows))
    with pytest.raises(VragError) as caught:
        make_benchmark(tmp_path / "q.csv", documents, tmp_path / "mine")
    text = str(caught.value)
    for words in (
        "8 rows are wrong",
        "line 3: there is no file 'gone.pdf'",
        "line 4: 'machines.pdf' has 2 pages, there is no page 3",
        "line 5: the same question, file and page as in line 2",
        "line 6: 'question' must be text",
        "line 7: 'page' must be a whole number, not 'two'",
        "line 8: 'page' must be at least 1, not 0",
        "line 9: 'score' must be at least 1, not 0",
        "line 10: 'file' must be text",
    ):
        assert words in text
    assert not (tmp_path / "mine").exists()


def test_a_name_that_two_documents_have(documents, tmp_path):
    for sub in ("a", "b"):
        write_pdf(documents / sub / "same.pdf", [sub])
    write_rows(tmp_path / "q.jsonl", [{"question": "Which?", "file": "same.pdf", "page": 1}])
    with pytest.raises(VragError, match=r"may be any of a/same\.pdf, b/same\.pdf"):
        make_benchmark(tmp_path / "q.jsonl", documents, tmp_path / "mine")


def test_a_document_that_cannot_be_read(documents, tmp_path):
    (documents / "bad.pdf").write_bytes(b"no PDF")
    (tmp_path / "q.csv").write_text(CSV)
    with pytest.raises(VragError, match=r"1 documents cannot be read:\n.*bad\.pdf"):
        make_benchmark(tmp_path / "q.csv", documents, tmp_path / "mine")


def test_make_and_evaluate_on_the_command_line(cli, eval_cache, documents, tmp_path):
    (tmp_path / "q.csv").write_text(CSV)
    made = cli("eval", "make", "q.csv", "pdfs", "--out", "mine", "--json")
    assert made.code == 0
    assert made.json == {"benchmark": "mine", "documents": 2, "pages": 5, "queries": 3, "labels": 5, "answers": 0,
                         "unanswerable": 0}  # fmt: skip
    done = cli("eval", "mine", "--json", env={"VRAG_EVAL_CACHE": str(eval_cache)})
    assert done.code == 0
    assert [(row["scope"], row["queries"]) for row in done.json["results"]] == [("union", 3), ("document", 2)]
    assert done.json["results"][0]["recall_at_10"] == 1.0
    again = cli("eval", "make", "q.csv", "pdfs", "--out", "mine", "--json")
    assert again.code == 2
    assert json.loads(again.out)["error"] == "mine is not empty."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("q.txt", "pdfs"), "neither a table (.csv, .tsv) nor JSON Lines (.jsonl)"),
        (("gone.csv", "pdfs"), "gone.csv is missing"),
        (("q.csv", "nowhere"), "There is no folder nowhere"),
        (("q.csv", "q.csv"), "There is no folder q.csv"),
    ],
)
def test_what_is_not_there_is_named(cli, documents, tmp_path, arguments, words):
    (tmp_path / "q.csv").write_text(CSV)
    (tmp_path / "q.txt").write_text(CSV)
    done = cli("eval", "make", *arguments, "--json")
    assert done.code == 2
    assert words in done.json["error"]


def test_the_samples_become_a_benchmark(tmp_path):
    samples = Path(__file__).parent.parent.parent / "eval" / "samples"
    made = make_benchmark(samples / "questions.jsonl", samples / "pdfs", tmp_path / "samples")
    assert (made.documents, made.pages, made.queries) == (4, 22, 20)
    assert all(query.doc for query in load_benchmark(tmp_path / "samples").judged)


ANSWERED = """question,file,page,answer,format
What do snow leopards hunt?,animals.pdf,1,blue sheep,
What do snow leopards hunt?,animals.pdf,2,,
After how many hours?,machines.pdf,1,500,
What covers it?,machines.pdf,2,QX-4471,Str
Who eats what?,animals.pdf,2,"[""krill"", ""penguins""]",
Bees?,animals.pdf,3,,
What does it cost?,machines.pdf,,,
Who is the president?,,,,None
"""


def test_a_table_with_answers_becomes_one_of_answers(documents, tmp_path):
    (tmp_path / "q.csv").write_text(ANSWERED)
    made = make_benchmark(tmp_path / "q.csv", documents, tmp_path / "mine")
    assert (made.queries, made.labels, made.answers, made.unanswerable) == (5, 6, 4, 2)
    benchmark = load_benchmark(tmp_path / "mine")
    keys = {key.query.text: key for key in load_answer_keys(tmp_path / "mine", benchmark)}
    assert [(key.answer.form, key.answer.parts) for key in keys.values()] == [
        ("Str", ("blue sheep",)), ("Int", ("500",)), ("Str", ("QX-4471",)), ("List", ("krill", "penguins")),
        ("None", NOTHING.parts), ("None", NOTHING.parts),
    ]  # fmt: skip
    assert (keys["What does it cost?"].query.doc, keys["Who is the president?"].query.doc) == ("machines.pdf", None)
    assert len(benchmark.qrels[keys["What do snow leopards hunt?"].query.id]) == 2


def test_made_of_a_table_without_answers_it_has_no_files_of_them(documents, tmp_path):
    (tmp_path / "q.csv").write_text(CSV)
    make_benchmark(tmp_path / "q.csv", documents, tmp_path / "mine")
    assert not list((tmp_path / "mine").glob("*answer*"))
    (tmp_path / "none.csv").write_text("question,file,page\nWhat does it cost?,machines.pdf,\n")
    with pytest.raises(VragError, match="line 2: there is no page"):  # without answers a page is missing
        make_benchmark(tmp_path / "none.csv", documents, tmp_path / "other")


def test_every_wrong_answer_is_named_at_once(documents, tmp_path):
    rows = ["question,file,page,answer,format", "Fine?,machines.pdf,1,yes,", "Fine?,machines.pdf,2,no,",
            "Where?,machines.pdf,,here,", "Many?,machines.pdf,1,many,Int", "What?,machines.pdf,1,x,Text",
            "Nothing?,machines.pdf,1,,None", "Fine?,machines.pdf,,,", "Empty?,machines.pdf,1,,Str",
            "Gone?,gone.pdf,,,", "Cost?,machines.pdf,,,", "Cost?,machines.pdf,,,"]  # fmt: skip
    (tmp_path / "q.csv").write_text("\n".join(rows))
    with pytest.raises(VragError) as caught:
        make_benchmark(tmp_path / "q.csv", documents, tmp_path / "mine")
    for words in (
        "9 rows are wrong",
        "line 3: the question has another answer in line 2: 'yes'",
        "line 4: there is an answer, and no page that has it",
        "line 5: 'answer' must be a number for format Int, not 'many'",
        "line 6: 'format' must be one of Str, Int, Float, List, None, not 'Text'",
        "line 7: nothing answers the question, and yet there is a page",
        "line 8: the question has a page in one of this row and line 2, and none in the other",
        "line 9: there is the format Str, and no answer",
        "line 10: there is no file 'gone.pdf'",
        "line 12: the same question, file and page as in line 11",
    ):
        assert words in str(caught.value)
    assert not (tmp_path / "mine").exists()


def test_questions_that_no_page_answers_are_no_benchmark(documents, tmp_path):
    write_rows(tmp_path / "q.jsonl", [{"question": "Cost?", "file": "machines.pdf", "answer": None}])
    with pytest.raises(VragError, match="has no question that a page answers"):
        make_benchmark(tmp_path / "q.jsonl", documents, tmp_path / "mine")


def test_make_and_measure_answers_on_the_command_line(cli, eval_cache, documents, tmp_path):
    (tmp_path / "q.csv").write_text(ANSWERED)
    made = cli("eval", "make", "q.csv", "pdfs", "--out", "mine")
    assert "4 answers, 2 without an answer" in made.out
    assert "Next: vrag eval answers mine" in made.err
    done = cli("eval", "answers", "mine", "--scope", "document", "--json", env={"VRAG_EVAL_CACHE": str(eval_cache)})
    assert done.code == 0
    (row,) = done.json["results"]
    assert (row["queries"], row["answerable"]) == (5, 4)  # the president is asked of no document
    assert row["shown_in_3"] == 1.0
