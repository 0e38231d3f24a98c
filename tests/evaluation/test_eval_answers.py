"""`vrag eval answers` as users and programs meet it."""

import json
import os
import shutil
import subprocess
import threading

import pytest

from tests.conftest import command
from tests.evaluation.tiny import write_rows, write_tiny_answers
from tests.llm.endpoint import HANG, Reply, error, quoting

ROW_KEYS = {
    "task", "scope", "cascade", "stages", "model", "k", "queries", "answerable", "failed", "metric", "score",
    "attributed_accuracy", "accuracy", "exact_match", "citation_precision_at_1", "citation_precision",
    "citation_recall", "citation_f1", "shown_in_1", "shown_in_3", "region_hit", "quotes_supported",
    "claims_supported", "counts", "intervals", "median_ms", "p95_ms", "queries_per_second",
}  # fmt: skip


@pytest.fixture
def answers(vrag_eval):
    def run(*arguments, **more):
        return vrag_eval("answers", *arguments, **more)

    return run


def without_measurements(path):
    results = json.loads(path.read_text())
    for part in (results, *results["tasks"], *results["results"]):
        del part["measured"]
    return results


def test_answers_in_quotes_are_measured(answers, answered, tmp_path):
    done = answers(answered, "--out", "r", "--json")
    assert done.code == 0, done.err
    document, union = done.json["results"]
    assert (document["scope"], union["scope"], document["model"]) == ("document", "union", None)
    assert set(union) == ROW_KEYS
    assert set(document) == ROW_KEYS | {"f1", "unanswerable_f1"}
    assert (document["queries"], document["answerable"], union["queries"]) == (4, 3, 3)
    # Two answers are quoted from their pages. The third stands in the other document, whose page is not labelled.
    assert union["exact_match"] == union["accuracy"] == 1.0
    assert union["attributed_accuracy"] == union["citation_precision_at_1"] == pytest.approx(2 / 3)
    assert document["attributed_accuracy"] == document["exact_match"] == pytest.approx(2 / 3)
    assert (document["counts"]["shown_in_1"], document["shown_in_1"], document["quotes_supported"]) == (2, 1.0, 1.0)
    assert (document["counts"]["region_hit"], document["region_hit"]) == (1, 1.0)
    # Quotes alone never say that nothing answers.
    assert document["unanswerable_f1"] == 0.0
    assert document["accuracy"] == pytest.approx(2 / 4)
    assert all((tmp_path / path).exists() for path in done.json["reports"].values())


def test_people_see_a_table_and_reports_that_need_no_other_file(answers, answered, tmp_path):
    write_rows(answered / "unanswerable.jsonl", [{"query": "<b>What</b> does it cost?", "doc": "machines.pdf"}])
    done = answers(answered, "--scope", "document", "--out", "r")
    assert done.code == 0
    assert "literal" in done.out
    assert "r/report.html" in done.out
    html = (tmp_path / "r/report.html").read_text()
    assert "data:image/jpeg;base64," in html
    assert "http" not in html
    assert "&lt;b&gt;What&lt;/b&gt; does it cost?" in html
    assert "<b>What" not in html
    for words in ("blue sheep", "krill; Antarctica", "p. 1 of animals", "<figure class='crop'><img", "Not answerable"):
        assert words in html
    report = (tmp_path / "r/report.md").read_text()
    for words in (
        "answers**: quotes, word for word",
        "## Pages cited",
        "attributed accuracy",
        "unanswerable F1",
        "citation F1",
    ):
        assert words in report


def test_several_benchmarks_have_a_row_together_and_an_index_each(answers, answered, indexed, tmp_path):
    other = write_tiny_answers(tmp_path / "other")
    arguments = (answered, other, "--scope", "document", "--json", "--index", indexed)
    done = answers(*arguments, "--index", indexed)
    assert [(row["task"], row["queries"]) for row in done.json["results"]] == [
        ("answered", 4), ("other", 4), ("together", 8),
    ]  # fmt: skip
    assert answers(*arguments).json["error"] == "There are 2 benchmarks and 1 indexes."


def test_results_are_compared_and_guarded_like_others(answers, cli, answered, tmp_path):
    answers(answered, "--scope", "document", "--out", "good")
    write_rows(answered / "answers.jsonl", [{"query-id": n, "answer": "nowhere"} for n in range(3)])
    answers(answered, "--scope", "document", "--out", "bad")
    found = cli("eval", "compare", "good", "bad", "--json").json["comparisons"]
    assert [(one["scope"], one["metric"], one["queries"]) for one in found] == [("document", "attributed_accuracy", 3)]
    assert found[0]["difference"] == pytest.approx(-2 / 3)
    shown = cli("eval", "compare", "good", "good", "--metric", "shown_in_3", "--json").json["comparisons"]
    assert [(one["queries"], one["first"]) for one in shown] == [(2, 1.0)]
    gone = cli("eval", "compare", "good", "bad", "--metric", "shown_in_3", "--json")
    assert "'shown_in_3' says nothing of the questions in common" in gone.json["error"]
    assert cli("eval", "gate", "bad", "--baseline", "good", "--alpha", 1).code == 3
    assert cli("eval", "gate", "good", "--baseline", "good").code == 0


def test_an_interrupted_run_asks_only_what_is_left(answers, answered, tmp_path):
    document = ("--scope", "document", "--out")
    answers(answered, *document, "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    journal = tmp_path / "cut/journal/answered.document.answers.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    answers(answered, *document, "cut")
    again = journal.read_bytes().splitlines(keepends=True)
    assert again[:3] == lines[:3]
    assert len(again) == len(lines)
    assert without_measurements(tmp_path / "whole/results.json") == without_measurements(tmp_path / "cut/results.json")
    answers(answered, *document, "cut", "-k", 2)
    assert journal.read_bytes().splitlines()[0] != lines[0].strip()  # of other pages, so begun anew


def options(endpoint):
    return ("--llm", endpoint.url, "--llm-model", "stub", "--llm-sees", "text", "--scope", "document", "--json")


def test_answers_of_a_language_model_are_measured(answers, answered, endpoint):
    done = answers(answered, *options(endpoint))
    assert f"Answers are written by stub at {endpoint.url}, which is sent the pages." in done.err
    (row,) = done.json["results"]
    assert (row["model"], row["claims_supported"], row["failed"]) == ("stub", 1.0, 0)
    assert row["counts"]["claims_supported"] == len(endpoint.asked) == 4
    asked = len(endpoint.asked)
    assert answers(answered, *options(endpoint)).json["results"][0]["score"] == row["score"]
    assert len(endpoint.asked) == asked  # the journal knows
    quotes = answers(answered, "--scope", "document", "--no-llm", "--json", env={"VRAG_LLM_URL": endpoint.url})
    assert (quotes.json["results"][0]["model"], len(endpoint.asked)) == (None, asked)


def test_a_question_that_a_model_fails_at_is_told_and_asked_again(answers, answered, endpoint):
    endpoint.answering = lambda asked: (
        error("not this one", 403) if "question: invoice" in asked.text else quoting(asked)
    )
    done = answers(answered, *options(endpoint))
    assert done.code == 1
    assert done.json["results"][0]["failed"] == 1
    assert "without an answer of the model: " in done.err
    endpoint.answering = quoting
    before = len(endpoint.asked)
    again = answers(answered, *options(endpoint))
    assert (again.code, again.json["results"][0]["failed"]) == (0, 0)
    assert len(endpoint.asked) - before == 1


def test_a_model_that_is_not_there_ends_the_run_and_what_it_said_is_kept(answers, answered, endpoint):
    write_rows(answered / "unanswerable.jsonl", [{"query": "A?", "doc": "animals.pdf"}, {"query": "B?"}])
    endpoint.answering = lambda asked: quoting(asked) if "leopard in" in asked.text else error("gone", 403)
    done = answers(answered, *options(endpoint))
    assert done.code == 1
    assert endpoint.url.split("/")[2] in done.json["error"]
    endpoint.answering, before = quoting, len(endpoint.asked)
    assert answers(answered, *options(endpoint)).code == 0
    assert len(endpoint.asked) - before == 3


def test_a_run_that_is_killed_while_the_model_writes_goes_on(answers, answered, endpoint, eval_cache, tmp_path):
    third_came = threading.Event()

    def hangs_at_the_third(asked):
        if len(endpoint.asked) < 3:
            return quoting(asked)
        third_came.set()
        return Reply(pieces=[HANG])

    endpoint.answering = hangs_at_the_third
    environment = {**os.environ, "VRAG_EVAL_CACHE": str(eval_cache)}
    words = command("eval", "answers", answered, *options(endpoint))
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stderr=subprocess.PIPE) as run:
        assert third_came.wait(60)
        run.kill()
    endpoint.answering = quoting
    (row,) = answers(answered, *options(endpoint)).json["results"]
    assert (row["queries"], row["failed"]) == (4, 0)
    assert len(endpoint.asked) == 3 + 2  # two were kept, and the third is asked again


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 2, "There is no benchmark folder nowhere"),
        (["tiny"], 2, "tiny has no answers.jsonl"),
        (["answered", "answered"], 2, "two benchmarks called 'answered'"),
        (["answered", "--scope", "all"], 2, "scope"),
        (["answered", "--llm-model", "x"], 2, "is for a language model, and none is named"),
        ([], 2, "BENCHMARK"),
    ],
)
def test_a_mistake_is_one_sentence(answers, tiny, answered, arguments, code, words):
    done = answers(*arguments, "--json")
    assert done.code == code
    assert words in done.json["error"]


def test_questions_that_name_no_document_are_not_asked_of_one(answers, answered):
    write_rows(answered / "queries.jsonl", [{"query-id": n, "query": f"Question {n}?"} for n in range(3)])
    write_rows(answered / "answers.jsonl", [{"query-id": 0, "answer": "blue sheep"}])
    (answered / "unanswerable.jsonl").unlink()
    done = answers(answered, "--scope", "document", "--json")
    assert (done.code, done.json["error"]) == (2, "answered has no question of this scope.")


def test_pages_that_cannot_be_read_make_the_result_partial(answers, answered):
    (answered / "pdfs" / "animals.pdf").write_bytes(b"no PDF")
    done = answers(answered, "--scope", "document", "--json")
    assert done.code == 1
    row = done.json["results"][0]
    assert (row["queries"], row["counts"]["shown_in_1"]) == (4, 1)
    assert "3 pages are not in the index" in done.err
