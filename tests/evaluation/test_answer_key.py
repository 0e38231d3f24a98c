"""`answers.jsonl` and `unanswerable.jsonl`, read and checked."""

import pytest

from tests.conftest import MACHINES
from tests.evaluation.tiny import ANSWERS, write_rows
from vrag.errors import UsageError, VragError
from vrag.evaluation.benchmarks.answer_key import NOTHING, load_answer_keys
from vrag.evaluation.benchmarks.benchmark import PageRef, Query
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.evaluation.numbers.short_answer import ShortAnswer


def load(folder, limit=None):
    return load_answer_keys(folder, load_benchmark(folder), limit)


def test_answers_and_questions_that_have_none(answered):
    first, second, third, last = load(answered)
    assert first.answer == ShortAnswer(("blue sheep",), "Str")
    assert second.evidence == ((PageRef("machines.pdf", 2), MACHINES[1]),)
    assert third.answer == ShortAnswer(("krill", "Antarctica"), "List")
    assert third.answer.text == "krill; Antarctica"
    assert last.query == Query("unanswerable-1", "What does the oil filter cost?", "machines.pdf")
    assert (last.answer, [key.is_answerable for key in load(answered)]) == (NOTHING, [True, True, True, False])


def test_the_first_of_each_kind(answered):
    write_rows(
        answered / "unanswerable.jsonl", [{"query": "A?", "doc": "animals.pdf"}, {"query": "B?", "query-id": "b"}]
    )
    assert [key.query.id for key in load(answered, 1)] == ["0", "unanswerable-1"]
    assert [key.query.id for key in load(answered)][-1] == "b"


def test_a_question_of_format_none_has_no_answer(answered):
    write_rows(answered / "answers.jsonl", [{"query-id": 0, "answer": "Not answerable", "format": "None"}])
    assert not load(answered)[0].is_answerable


def test_a_benchmark_without_answers(tiny):
    with pytest.raises(UsageError, match=r"tiny has no answers\.jsonl"):
        load(tiny)
    (tiny / "answers.jsonl").touch()
    with pytest.raises(UsageError, match=r"answers\.jsonl is empty"):
        load(tiny)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"query-id": 77, "answer": "x"}, "unknown query id 77"),
        ({"query-id": 0, "answer": "x"}, "query id 0 is there twice"),
        ({"query-id": 99, "answer": "x", "format": "Text"}, "'format' must be one of Str, Int, Float, List, None"),
        ({"query-id": 99}, "'answer' must be text, a number or a list, not None"),
        ({"query-id": 99, "answer": "many", "format": "Int"}, "'answer' must be a number for format Int"),
        ({"query-id": 99, "answer": "x", "evidence": "p. 2"}, "'evidence' must be a list of objects"),
        (
            {"query-id": 99, "answer": "x", "evidence": [{"page": 9, "text": "x", "doc": "animals.pdf"}]},
            "not in the corpus",
        ),
        ({"query-id": 99, "answer": "x", "evidence": [{"page": 1, "text": "x"}]}, "page 1 of ''"),
        ({"query-id": 99, "answer": "x", "evidence": [{"page": 0, "text": "x"}]}, "'page' must be at least 1"),
    ],
)
def test_a_wrong_row_is_named(answered, row, words):
    write_rows(answered / "answers.jsonl", [ANSWERS[0], row])
    with pytest.raises(VragError, match=r"answers\.jsonl, line 2: ") as caught:
        load(answered)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"query": "A?", "query-id": 0}, "query id 0 is one of the other questions"),
        ({"query": "A?", "doc": "gone.pdf"}, "no page of 'gone.pdf' is in the corpus"),
        ({"query": " "}, "'query' must be text"),
    ],
)
def test_a_wrong_row_of_those_without_an_answer_is_named(answered, row, words):
    write_rows(answered / "unanswerable.jsonl", [row])
    with pytest.raises(VragError, match=r"unanswerable\.jsonl, line 1: ") as caught:
        load(answered)
    assert words in str(caught.value)
