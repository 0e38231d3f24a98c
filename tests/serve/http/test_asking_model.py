"""Answers of the service's language model over real sockets, to it and from it."""

import json
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile

import httpx
import pytest
from anyio import CapacityLimiter

from tests.llm.endpoint import HANG, PATIENCE_S, Reply, claims, error, quoting
from tests.serve.http.running import service_of, serving
from tests.serve.http.test_asking import OIL, events_of, stream
from tests.serve.http.test_reading import assert_problem
from tests.serve.http.test_uploads import until
from vrag.serve.http import answering, server

SAID = claims(("Oil filters are replaced often.", 1, "replace the oil filter"), ("They are blue.",))
KEY = "sk-of-nobody-else"


@pytest.fixture
def writing(reader, endpoint, monkeypatch):
    """The service with a language model."""
    monkeypatch.setattr(reader.service, "llm", endpoint.llm())
    yield reader
    until(lambda: not places(reader).borrowed_tokens)


def places(running):
    return running.app.state.here.asking


def parts_of(answer):
    """Events of an answer one by one, as they come."""
    event = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield event, json.loads(line.removeprefix("data: "))
        elif line:
            yield "comment", line


def number(running, name):
    """A number of the metrics; 0 where there is none yet."""
    lines = running.get("/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)


def test_claims_come_one_by_one_while_the_model_writes(writing, endpoint):
    go_on = threading.Event()
    at = SAID.index('{"text": "They')
    endpoint.will_say(Reply(pieces=[SAID[:at], go_on, SAID[at:]]))
    with stream(writing, k=2) as answer:
        events = parts_of(answer)
        name, found = next(events)
        assert (name, [hit["rank"] for hit in found["pages"]]) == ("found", [1, 2])
        name, first = next(events)
        assert name == "claim"
        assert (first["claim"]["quotes"], first["claim"]["supported"]) == ([1], True)
        assert first["quotes"][0]["page_url"] == found["pages"][0]["page_url"]
        assert not go_on.is_set()
        go_on.set()
        (name, second), (last, reply) = events
    assert (name, last) == ("claim", "answer")
    assert (second["claim"]["quotes"], second["claim"]["supported"]) == ([], False)
    assert second["claim"]["reason"]
    assert reply["claims"] == [first["claim"], second["claim"]]
    assert reply["pages"] == found["pages"]
    assert reply["model"] == "stub"
    endpoint.will_say(SAID)
    assert writing.post("/v1/ask", json={"question": OIL, "k": 2}).json() == reply


def test_each_quote_comes_once_before_the_answer(writing, endpoint):
    oil, hours = "replace the oil filter", "after every 500 hours"
    endpoint.will_say(claims(("Replace it.", 1, oil), ("Again.", 1, oil), ("Often.", 1, hours, 1, oil), ("No.",)))
    with stream(writing, k=2) as answer:
        _, *claimed, (_, reply) = events_of(answer)
    assert [[quote["text"] for quote in data["quotes"]] for _, data in claimed] == [[oil], [], [hours], []]
    assert [data["claim"]["quotes"] for _, data in claimed] == [[1], [1], [2, 1], []]
    assert [quote for _, data in claimed for quote in data["quotes"]] == reply["quotes"]


def test_quotes_alone_are_made_without_the_model(writing, endpoint):
    reply = writing.post("/v1/ask", json={"question": OIL, "model": False}).json()
    assert reply["model"] is None
    assert reply["found"]
    assert endpoint.asked == []


def test_the_model_makes_a_question_stand_by_itself(writing, endpoint):
    endpoint.will_say('{"question": "Where do snow leopards live?"}', claims(found=False))
    history = [{"question": "Which animals hunt?", "answer": "Snow leopards [1]"}]
    with stream(writing, question="And where do they live?", history=history) as answer:
        (_, found), (_, reply) = events_of(answer)
    assert found["searched"] == reply["searched"] == "Where do snow leopards live?"
    assert reply["pages"][0]["doc"] == "animals.pdf"
    assert "Snow leopards [1]" in endpoint.asked[0].text
    assert not reply["found"]


def test_a_model_that_fails_is_told_after_the_pages(writing, endpoint):
    endpoint.will_say(error("no more credit", 402))
    with stream(writing) as answer:
        (first, found), (last, told) = events_of(answer)
    assert (first, last) == ("found", "error")
    assert found["pages"]
    assert (told["status"], told["title"], told["instance"]) == (502, "Bad Gateway", "/v1/ask")
    assert "no more credit" in told["detail"]
    assert_problem(writing.post("/v1/ask", json={"question": OIL}), 502, "no more credit")


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("pieces", [[SAID[:60], HANG], [HANG]])
def test_who_goes_away_takes_the_question_back(writing, endpoint, streams, pieces):
    endpoint.will_say(Reply(pieces=pieces))
    name = 'vrag_questions_total{by="model",outcome="stopped"}'
    before = number(writing, name)
    with httpx.Client(base_url=writing.url, trust_env=False, timeout=60) as client, ThreadPoolExecutor(1) as pool:

        def ask():
            with client.stream("POST", "/v1/ask", json={"question": OIL, "stream": streams}) as answer:
                began.set()
                answer.read()

        began = threading.Event()
        asking = pool.submit(ask)
        until(lambda: endpoint.asked)
        assert not streams or began.wait(PATIENCE_S)
        assert places(writing).borrowed_tokens == 1
        hang_up(client)
        assert isinstance(asking.exception(PATIENCE_S), httpx.HTTPError)
    assert endpoint.asked[0].gone.wait(PATIENCE_S)
    until(lambda: places(writing).borrowed_tokens == 0)
    until(lambda: number(writing, name) == before + 1)
    assert number(writing, "vrag_questions_open") == 0


def hang_up(client):
    """End the connection of a client, whichever thread reads from it."""
    (connection,) = client._transport._pool.connections
    stream = connection._connection._network_stream
    stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def test_a_model_that_writes_holds_nobody_up(own, endpoint):
    endpoint.will_say(Reply(pieces=[HANG]))
    with service_of(own, searches=1, llm=endpoint.llm()) as service, serving(service) as running:
        with stream(running) as answer:
            events = parts_of(answer)  # kept: an iterator that goes closes the connection
            assert next(events)[0] == "found"
            until(lambda: endpoint.asked)
            assert running.get("/v1/search", params={"q": "bees"}).status_code == 200
            assert running.post("/v1/ask", json={"question": OIL, "model": False}).json()["found"]
        assert endpoint.asked[0].gone.wait(PATIENCE_S)


def test_so_many_questions_are_answered_at_the_same_time(writing, endpoint, monkeypatch):
    monkeypatch.setattr(writing.app.state.here, "asking", CapacityLimiter(2))
    endpoint.will_say(Reply(pieces=[HANG]))
    with stream(writing) as first, stream(writing) as second:
        events = [parts_of(one) for one in (first, second)]
        assert [next(one)[0] for one in events] == ["found", "found"]
        for asked in ({"stream": True}, {"stream": False}, {"stream": True, "model": False}):
            refused = writing.post("/v1/ask", json={"question": OIL, **asked})
            assert_problem(refused, 503, "Too many questions")
            assert refused.headers["retry-after"] == str(answering.RETRY_S)
        assert writing.post("/v1/ask", json={"question": OIL, "model": False}).status_code == 200
        assert writing.get("/v1/search", params={"q": "bees"}).status_code == 200
        first.close()
        until(lambda: places(writing).borrowed_tokens == 1)
        endpoint.will_say(SAID)
        assert writing.post("/v1/ask", json={"question": OIL}).json()["claims"]


def test_everybody_gets_his_own_answer(writing, endpoint):
    together = threading.Barrier(8)

    def say(asked):
        together.wait(PATIENCE_S)
        return quoting(asked)

    endpoint.answering = say
    questions = {"How often is the oil filter replaced?": "machines.pdf", "Where do snow leopards live?": "animals.pdf"}

    def ask(question):
        asked = {"question": question, "k": 1, "stream": True}
        with httpx.stream("POST", f"{writing.url}/v1/ask", json=asked, trust_env=False, timeout=60) as answer:
            return question, events_of(answer)[-1][1]

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(ask, list(questions) * 4))
    for question, reply in replies:
        assert reply["question"] == question
        assert [quote["doc"] for quote in reply["quotes"]] == [questions[question]]
        assert reply["found"]


def test_a_silent_model_does_not_look_like_a_dead_connection(writing, endpoint, monkeypatch):
    monkeypatch.setattr(answering, "SILENCE_S", 0.05)
    go_on = threading.Event()
    endpoint.will_say(Reply(pieces=[go_on, SAID]))
    with stream(writing) as answer:
        events = parts_of(answer)
        assert {name for name, _ in takewhile(lambda event: event[0] != "found", events)} <= {"comment"}
        assert [next(events)[0] for _ in range(3)] == 3 * ["comment"]
        go_on.set()
        assert [name for name, _ in events if name != "comment"] == ["claim", "claim", "answer"]


def test_a_service_that_ends_says_so_and_hangs_up(own, endpoint, monkeypatch, caplog):
    monkeypatch.setattr(server, "_END_S", 0.1)
    endpoint.will_say(Reply(pieces=[HANG]))
    with service_of(own, llm=endpoint.llm()) as service, httpx.Client(trust_env=False, timeout=60) as client:
        with serving(service) as running:
            asked = client.build_request("POST", f"{running.url}/v1/ask", json={"question": OIL, "stream": True})
            answer = client.send(asked, stream=True)
            events = parts_of(answer)
            assert next(events)[0] == "found"
            until(lambda: endpoint.asked)
        ((name, told),) = events
    assert (name, told["status"], told["detail"]) == ("error", 503, "The service ends.")
    assert endpoint.asked[0].gone.wait(PATIENCE_S)
    assert [record for record in caplog.records if record.exc_info] == []


def test_so_it_does_to_who_waits_for_the_whole_answer(own, endpoint, monkeypatch, caplog):
    monkeypatch.setattr(server, "_END_S", 0.1)
    endpoint.will_say(Reply(pieces=[HANG]))
    with service_of(own, llm=endpoint.llm()) as service, ThreadPoolExecutor(1) as pool:
        with serving(service) as running:
            asking = pool.submit(
                httpx.post, f"{running.url}/v1/ask", json={"question": OIL}, trust_env=False, timeout=60
            )
            until(lambda: endpoint.asked)
        assert_problem(asking.result(PATIENCE_S), 503, "The service ends.")
    assert endpoint.asked[0].gone.wait(PATIENCE_S)
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_question_to_which_another_site_leads_waits(writing, monkeypatch, site):
    """It would cost money, and whoever followed the link did not ask it."""
    led = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = writing.get("/ask?q=a%26b&q=c%0d%0a&by=quotes", headers=led)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/ask?q=a%26b&q=c%0d%0a&by=quotes&wait=1"
    assert writing.get(answer.headers["location"], headers=led).status_code == 200
    for own in ("none", "same-origin"):
        assert writing.get("/ask?q=a", headers={**led, "Sec-Fetch-Site": own}).status_code == 200
    assert writing.get("/ask?q=a").status_code == 200
    monkeypatch.setattr(writing.service, "llm", None)
    assert writing.get("/ask?q=a", headers=led).status_code == 200


def test_the_service_says_which_model_it_has_and_never_its_key(writing, endpoint, monkeypatch, caplog):
    assert writing.get("/v1/index").json()["language_model"] == {"name": "stub", "sees": "text"}
    monkeypatch.setattr(writing.service, "llm", endpoint.llm(key=KEY))
    endpoint.will_say(error(f"{KEY} has no more credit", 402))
    with caplog.at_level(logging.DEBUG), stream(writing) as answer:
        told = [answer.read().decode()]
    assert endpoint.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    told += [writing.get(path).text for path in ("/v1/index", "/metrics", "/openapi.json", "/docs")]
    assert "no more credit" in told[0]
    assert KEY not in "".join([*told, caplog.text])
    monkeypatch.setattr(writing.service, "llm", None)
    assert writing.get("/v1/index").json()["language_model"] is None
