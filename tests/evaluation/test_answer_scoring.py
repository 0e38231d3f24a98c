"""What answers score, against values worked out by hand."""

from pathlib import Path

import pytest

from tests.evaluation.made_up import made_up_run
from vrag.ask.answer import Answer, Claim, Quote
from vrag.evaluation.benchmarks.answer_key import NOTHING, AnswerKey
from vrag.evaluation.benchmarks.benchmark import Query
from vrag.evaluation.numbers.short_answer import ShortAnswer
from vrag.evaluation.results.answer_scoring import score_answers, scored_answers
from vrag.evaluation.runs.answer_runs import AnsweredTask, AnswerRun, keys_of
from vrag.evaluation.runs.journal import Journal
from vrag.evaluation.runs.page_facts import PageFacts
from vrag.evaluation.runs.timed_answer import TIMED, TimedAnswer
from vrag.pages.page import PageSpec

PAGE, OTHER = ("d", 1), ("d", 2)


def quote(text, page=1, status="supported"):
    return Quote(text, "d.pdf", "/d.pdf", page, ((0.1, 0.2, 0.3, 0.4),), status)


def key(name, answer=None, form="Str"):
    return AnswerKey(Query(name, f"{name}?", "d.pdf"), ShortAnswer((answer,), form) if answer else NOTHING)


def made(*rows, name="made-up", scope="document", model=None):
    """A task whose questions were answered: (key, quotes, claims, labelled pages, literal)."""
    keys, answers, facts = [], {}, {}
    for asked, quotes, claims, labelled, is_literal in rows:
        keys.append(asked)
        supported = [claim for claim in claims if claim.is_supported] if claims else quotes
        answer = Answer(asked.query.text, bool(supported), "words [1]", tuple(quotes), (), model, tuple(claims))
        answers[asked.query.id] = TimedAnswer(answer, 0.5)
        facts[asked.query.id] = PageFacts(tuple(("d", one.page) for one in quotes), frozenset(labelled), is_literal)
    run = made_up_run({}, {"q": {"p": 1}}, name=name)
    return AnsweredTask(run, PageSpec(), [AnswerRun(scope, "best", "full", 5, model, keys, answers, facts)])


def values(*row, **more):
    (one,) = scored_answers(made(row, **more).answers[0])
    return one.values


def test_the_right_answer_on_a_labelled_page():
    found = values(key("a", "42", "Int"), [quote("It is 42 of 50."), quote("More.", 2)], [], [PAGE], True)
    assert found["attributed_accuracy"] == found["accuracy"] == found["exact_match"] == 1.0
    assert (found["citation_precision_at_1"], found["citation_precision"], found["citation_recall"]) == (1.0, 0.5, 1.0)
    assert (found["shown_in_1"], found["shown_in_3"]) == (1.0, 1.0)
    assert (found["region_hit"], found["claims_supported"], found["quotes_supported"]) == (None, None, 1.0)


def test_the_right_answer_of_another_page_is_not_attributed():
    found = values(key("a", "42", "Int"), [quote("More.", 1), quote("It is 42.", 2)], [], [PAGE], True)
    assert (found["accuracy"], found["attributed_accuracy"]) == (1.0, 0.0)
    assert (found["shown_in_1"], found["shown_in_3"]) == (0.0, 1.0)


def test_a_list_whose_elements_are_on_two_pages_is_attributed_when_both_are_right():
    asked = AnswerKey(Query("a", "?"), ShortAnswer(("krill", "ice"), "List"))
    quotes = [quote("They eat krill."), quote("On ice.", 2)]
    assert values(asked, quotes, [], [PAGE, OTHER], False)["attributed_accuracy"] == 1.0
    assert values(asked, quotes, [], [PAGE], False)["attributed_accuracy"] == 0.0
    assert values(asked, quotes, [], [PAGE], False)["accuracy"] == 1.0


def test_what_no_page_supports_counts_for_nothing():
    found = values(key("a", "42", "Int"), [quote("It is 42.", status="changed"), quote("Else.", 2)], [], [PAGE], True)
    assert (found["accuracy"], found["citation_precision_at_1"], found["shown_in_3"]) == (0.0, 0.0, 0.0)
    assert found["quotes_supported"] == 0.5


def test_of_a_model_the_claims_are_scored_and_only_those_that_are_supported():
    claims = [Claim("It is 41.", (2,), False, "not on its page"), Claim("It is 42.", (1,), True)]
    quotes = [quote("42"), quote("41", 2, "changed")]
    found = values(key("a", "42", "Int"), quotes, claims, [PAGE], True, model="stub")
    assert (found["accuracy"], found["attributed_accuracy"], found["claims_supported"]) == (1.0, 1.0, 0.5)
    wrong = values(key("a", "41", "Int"), quotes, claims, [PAGE], True, model="stub")
    assert (wrong["accuracy"], wrong["attributed_accuracy"]) == (0.0, 0.0)


def test_f1_is_that_of_the_benchmark_and_of_saying_that_nothing_answers():
    """Three questions with an answer, of which two are answered, one rightly; two without, of which one is answered."""
    rows = [
        (key("a", "42", "Int"), [quote("42")], [], [PAGE], True),
        (key("b", "43", "Int"), [quote("42")], [], [PAGE], True),
        (key("c", "44", "Int"), [], [], [PAGE], True),
        (key("d"), [quote("42")], [], [], False),
        (key("e"), [], [], [], False),
    ]
    (row,) = score_answers([made(*rows)])
    recall, precision = 1 / 3, 1 / 3  # one of three is right; one of the three answers that were given
    assert row["f1"] == pytest.approx(2 * recall * precision / (recall + precision))
    assert row["unanswerable_f1"] == pytest.approx(2 * 1 / (2 + 2))  # right of those that were, and should be, refused
    assert row["accuracy"] == pytest.approx(2 / 5)
    assert (row["queries"], row["answerable"], row["counts"]["citation_f1"]) == (5, 3, 3)
    assert row["per_query"]["d"]["citation_f1"] is None
    assert (row["metric"], row["score"]) == ("attributed_accuracy", pytest.approx(1 / 3))
    low, high = row["intervals"]["f1"]
    assert 0.0 <= low <= row["f1"] <= high <= 1.0


def test_without_questions_of_both_kinds_there_is_no_f1():
    (row,) = score_answers([made((key("a", "42", "Int"), [quote("42")], [], [PAGE], True))])
    assert "f1" not in row
    (row,) = score_answers([made((key("d"), [], [], [], False))])
    assert (row["metric"], row["score"], row["attributed_accuracy"]) == ("accuracy", 1.0, None)


def test_a_model_that_failed_has_not_said_that_nothing_answers():
    task = made((key("d"), [], [], [], False), (key("a", "42", "Int"), [], [], [PAGE], True))
    task.answers[0].answers["d"] = TimedAnswer(Answer("d?", False, ""), 0.5, "The model refused.")
    (row,) = score_answers([task])
    assert (row["failed"], row["unanswerable_f1"], row["per_query"]["d"]["accuracy"]) == (1, 0.0, 0.0)


def test_several_tasks_have_a_row_over_all_their_questions():
    right = (key("a", "42", "Int"), [quote("42")], [], [PAGE], True)
    wrong = (key("b", "43", "Int"), [quote("42")], [], [PAGE], True)
    rows = score_answers([made(right, name="one"), made(wrong, right, name="two")])
    assert [(row["task"], row["queries"]) for row in rows] == [("one", 1), ("two", 2), ("together", 3)]
    assert rows[2]["score"] == pytest.approx(2 / 3)
    assert list(rows[2]["per_query"]) == ["one/a", "two/b", "two/a"]


def test_a_question_without_an_answer_is_asked_of_its_document_alone():
    keys = [
        key("a", "42", "Int"),
        key("d"),
        AnswerKey(Query("e", "?"), NOTHING),
        AnswerKey(Query("f", "?"), ShortAnswer(("x",), "Str")),
    ]
    assert [one.query.id for one in keys_of(keys, "document")] == ["a", "d"]
    assert [one.query.id for one in keys_of(keys, "union")] == ["a", "e", "f"]


def test_a_journal_gives_answers_back_as_they_were(tmp_path):
    claims = (Claim("It is 42.", (1,), True, "", ("7",)),)
    answer = Answer("q?", True, "a", (quote("42"), quote("x", status="changed")), (), "stub", claims, "s", ("left",))
    journal = Journal.open(tmp_path / "j.jsonl", {}, {"q": "q?"}, TIMED)
    journal.add(Query("q", "q?"), TimedAnswer(answer, 1.5))
    assert Journal.open(Path(tmp_path / "j.jsonl"), {}, {"q": "q?"}, TIMED).answers == {"q": TimedAnswer(answer, 1.5)}
