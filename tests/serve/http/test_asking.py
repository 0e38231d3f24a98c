"""Answers over a real socket: as a stream of events, and what becomes of them when somebody goes away."""

import json

import pytest

from tests.serve.http.test_reading import assert_problem

OIL = "How often is the oil filter replaced?"


def events_of(answer):
    """Names and data of all events of an answer that is read to its end."""
    text = answer.read().decode()
    parts = [part.split("\n") for part in text.split("\n\n") if part and not part.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in parts]


def stream(running, **asked):
    return running.stream("POST", "/v1/ask", json={"question": OIL, "stream": True, **asked})


def test_an_answer_comes_as_events_which_nobody_holds_back(reader):
    with stream(reader, k=2) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        assert "no-store" in answer.headers["cache-control"]
        assert "no-transform" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        (found, pages), (last, reply) = events_of(answer)
    assert (found, last) == ("found", "answer")
    assert reply == reader.post("/v1/ask", json={"question": OIL, "k": 2}).json()
    assert pages == {"pages": reply["pages"]}
    assert reply["model"] is None


def test_what_cannot_be_asked_is_refused_before_a_stream_begins(reader):
    with stream(reader, where="doc=none.pdf") as answer:
        answer.read()
        assert_problem(answer, 400, "none.pdf")


def test_a_question_goes_on_from_those_before_it(reader):
    history = [{"question": OIL, "answer": "Every 500 hours."}]
    with stream(reader, question="And why?", history=history) as answer:
        (_, pages), (_, reply) = events_of(answer)
    assert pages["searched"] == reply["searched"]
    assert OIL in reply["searched"]


@pytest.mark.parametrize(
    "history",
    [
        [{"question": "", "answer": "x"}],
        [{"question": "x"}],
        [{"question": "x", "answer": "y" * 20_001}],
        [{"question": "x", "answer": "y"}] * 51,
        [["x", "y"]],
    ],
)
def test_a_history_has_bounds(reader, history):
    assert_problem(reader.post("/v1/ask", json={"question": OIL, "history": history}), 422)
