"""Answers of a model: what it claims is checked, and what it is shown is data."""

import pytest

from tests.llm.endpoint import MODEL, claims
from vrag import Index
from vrag.ask.answer import Claimed, Found
from vrag.ask.asking import NOTHING

QUESTION = "How often is the oil filter of the diesel engine replaced?"
LINE = "after every 500 hours of operation"


@pytest.fixture(scope="module")
def index(indexed):
    with Index.open(indexed) as opened:
        yield opened


def test_a_claim_comes_with_its_quote_its_page_and_its_place(index, endpoint):
    endpoint.will_say(claims(("It is replaced every 500 hours [3].", 1, LINE)))
    found, claimed, answer = index.ask_stream(QUESTION, k=2, llm=endpoint.llm())
    assert found == Found(answer.pages)
    assert claimed == Claimed(answer.claims[0], answer.quotes)
    assert answer.answer == "It is replaced every 500 hours. [1]"
    assert (answer.found, answer.model, answer.question) == (True, MODEL, QUESTION)
    quote = answer.quotes[0]
    assert (quote.text, quote.doc, quote.page, quote.status) == (LINE, "machines.pdf", 1, "supported")
    assert len(quote.boxes) == 1
    assert answer.claims[0].is_supported


def test_a_claim_whose_quote_is_not_on_its_page_is_no_answer(index, endpoint):
    endpoint.will_say(claims(("It is replaced every 600 hours.", 1, LINE.replace("500", "600"))))
    answer = index.ask(QUESTION, llm=endpoint.llm())
    assert (answer.found, answer.answer) == (False, NOTHING)
    assert answer.quotes[0].status == "changed"
    assert answer.claims[0].reason == "Quote [1] says “600”, and its page says “500”: machines.pdf, page 1."
    assert answer.pages
