"""What is searched for in a conversation, when no model says it."""

import pytest

from vrag import Index
from vrag.ask.answer import Found
from vrag.ask.following import standing
from vrag.errors import UsageError

FIRST = "What was the revenue from freight in 2025?"
HISTORY = [(FIRST, "It was 5."), ("And in 2024?", "4.")]


@pytest.mark.parametrize(
    "question",
    ["And in 2023?", "Why?", "what about Europe", "Who said that?", "2023", "Freight in Europe", "How much is it now?",
     "Und 2023?"],
)  # fmt: skip
def test_a_question_that_goes_on_is_searched_for_after_the_one_it_goes_on_from(question):
    assert standing(question, HISTORY) == f"{FIRST} {question}"
    assert standing(question, ()) == question


@pytest.mark.parametrize(
    "question",
    ["What is GDPR?", "Who is the chairman?", "At what pressure does the relief valve open?",
     "Which companies say that their revenue fell because freight rates were lower?", "", "  "],
)  # fmt: skip
def test_a_question_that_stands_by_itself_is_left_alone(question):
    assert standing(question, HISTORY) == question


def test_where_none_stood_by_itself_the_first_is_taken():
    assert standing("And then?", [("Why?", "."), ("And?", ".")]) == "Why? And then?"


def test_an_answer_says_what_was_searched_for(indexed):
    history = [("How often is the oil filter of the diesel engine replaced?", "Every 500 hours.")]
    with Index.open(indexed) as index:
        alone = index.ask("And who says so?", k=1)
        found, answer = index.ask_stream("And who says so?", k=1, history=history)
        with pytest.raises(UsageError, match="empty"):
            index.ask("", history=history)
    assert alone.searched == ""
    assert answer.question == "And who says so?"
    assert answer.searched == f"{history[0][0]} And who says so?"
    assert "every 500 hours" in answer.quotes[0].text
    assert found == Found(answer.pages, answer.searched)
