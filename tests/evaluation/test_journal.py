"""The journal of answers: whole lines count, whatever happened to the process that wrote them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.evaluation.benchmarks.benchmark import Query
from vrag.evaluation.runs.journal import RANKED, Journal, Ranked

QUERIES = [Query("a", "first?"), Query("b", "second?"), Query("c", "third, with \u2028 in it?")]
QUESTIONS = {query.id: query.text for query in QUERIES}
SAME = {"cascade": "full", "depth": 100}


def write(path):
    journal = Journal.open(path, SAME, QUESTIONS, RANKED)
    for number, query in enumerate(QUERIES):
        journal.add(query, Ranked({"p1": 0.1 + number, "p0": 1 / 3}, 0.25))
    return journal


def test_answers_come_back_as_they_were(tmp_path):
    journal = write(tmp_path / "deep" / "j.jsonl")
    again = Journal.open(journal.path, dict(reversed(SAME.items())), QUESTIONS, RANKED)
    assert again.answers == journal.answers
    assert list(again.answers["a"].hits) == ["p1", "p0"]


@given(st.integers(0, 400))
def test_a_file_cut_anywhere_keeps_its_whole_lines(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("j") / "j.jsonl"
    whole = write(path).answers
    data = path.read_bytes()[:cut]
    path.write_bytes(data)
    journal = Journal.open(path, SAME, QUESTIONS, RANKED)
    kept = max(data.count(b"\n") - 1, 0)
    assert journal.answers == {query.id: whole[query.id] for query in QUERIES[:kept]}
    for query in QUERIES[kept:]:
        journal.add(query, whole[query.id])
    assert Journal.open(path, SAME, QUESTIONS, RANKED).answers == whole


@pytest.mark.parametrize("other", [{"cascade": "full", "depth": 10}, {}, {**SAME, "model": "x"}])
def test_answers_of_another_run_do_not_count(tmp_path, other):
    path = write(tmp_path / "j.jsonl").path
    assert Journal.open(path, other, QUESTIONS, RANKED).answers == {}
    assert Journal.open(path, SAME, QUESTIONS, RANKED).answers == {}  # begun anew


@pytest.mark.parametrize(
    "line",
    ["null", "[]", "{}", '{"query-id": ["b"], "query": "x"}', '{"query-id": "b", "query": "second?", "hits": 1}'],
)
def test_a_line_that_is_no_answer_does_not_count(tmp_path, line):
    path = write(tmp_path / "j.jsonl").path
    lines = path.read_text().split("\n")
    path.write_text("\n".join([*lines[:2], line, *lines[3:]]))
    assert set(Journal.open(path, SAME, QUESTIONS, RANKED).answers) == {"a", "c"}


def test_an_answer_to_another_text_does_not_count(tmp_path):
    path = write(tmp_path / "j.jsonl").path
    changed = {**QUESTIONS, "b": "second, changed?"}
    journal = Journal.open(path, SAME, changed, RANKED)
    assert set(journal.answers) == {"a", "c"}
    journal.add(Query("b", changed["b"]), Ranked({}, 1.0))
    assert Journal.open(path, SAME, changed, RANKED).answers["b"] == Ranked({}, 1.0)


def test_fewer_questions_now_and_all_of_them_later(tmp_path):
    path = write(tmp_path / "j.jsonl").path
    assert set(Journal.open(path, SAME, {"a": "first?"}, RANKED).answers) == {"a"}
    assert set(Journal.open(path, SAME, QUESTIONS, RANKED).answers) == {"a", "b", "c"}


def test_no_resume(tmp_path):
    path = write(tmp_path / "j.jsonl").path
    assert Journal.open(path, SAME, QUESTIONS, RANKED, resume=False).answers == {}
