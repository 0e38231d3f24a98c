"""The client, over a real socket: what an endpoint may do, and what is said of it."""

import gzip
import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import repeat

import pytest

from tests.llm.endpoint import HANG, MODEL, PATIENCE_S, Reply, Stub, chunk, error
from vrag.errors import LlmError
from vrag.llm import endpoint as client
from vrag.llm import streaming
from vrag.llm.endpoint import TRIES, Endpoint
from vrag.llm.llm import KEY_ENV, MOST_NAME, Llm
from vrag.llm.llm_connection import LONGEST_WAIT_S
from vrag.llm.message import Message, Shape
from vrag.llm.refusals import CutError, TooLongError, TooManyPicturesError
from vrag.llm.streaming import MOST_BYTES, MOST_CHARACTERS, MOST_JSON
from vrag.runtime.stopping import Stop, stoppable

ASKED = [Message("user", ("Say it.",))]
SHAPE = Shape("it", {"type": "object", "properties": {}, "required": [], "additionalProperties": False})
KEY = "sk-0123456789abcdef"


@pytest.fixture(autouse=True)
def _nothing_is_known_yet():
    client._HABITS.clear()


def said(endpoint, shape=None, **named):
    """All that the model says."""
    with Endpoint(endpoint.llm(**named)) as way:
        return "".join(way.say(ASKED, shape))


def failure(endpoint, shape=None, **named):
    with pytest.raises(LlmError) as raised:
        said(endpoint, shape, **named)
    assert "\n" not in str(raised.value)
    return raised.value


def test_text_comes_as_it_is_said(endpoint):
    gate = threading.Event()
    endpoint.will_say(Reply(pieces=["It ", gate, "is."]))
    with Endpoint(endpoint.llm()) as way, closing(way.say(ASKED)) as pieces:
        assert next(pieces) == "It "
        gate.set()
        assert "".join(pieces) == "is."


def test_who_closes_the_iterator_closes_the_connection(endpoint):
    endpoint.will_say(Reply(pieces=["It ", HANG]))
    with Endpoint(endpoint.llm()) as way:
        pieces = way.say(ASKED)
        next(pieces)
        assert not endpoint.asked[0].gone.is_set()
        pieces.close()
        assert endpoint.asked[0].gone.wait(PATIENCE_S)


def asking(endpoint, stop):
    """A thread that asks, and the error that it comes to."""

    def ask():
        with stoppable(stop):
            return failure(endpoint)

    threads = ThreadPoolExecutor(1)
    asked = threads.submit(ask)
    threads.shutdown(wait=False)
    return asked


def test_who_waits_for_a_word_can_be_stopped_by_another_thread(endpoint):
    stop, came = Stop(), threading.Event()
    endpoint.answering = lambda asked: came.set() or Reply(pieces=["It ", HANG])
    waiting = asking(endpoint, stop)
    assert came.wait(PATIENCE_S)
    stop.set()
    assert waiting.result(PATIENCE_S).message == "The question was taken back."
    assert endpoint.asked[0].gone.wait(PATIENCE_S)


def test_also_before_the_answer_begins(endpoint):
    stop, came, end = Stop(), threading.Event(), threading.Event()
    endpoint.answering = lambda asked: came.set() or end.wait(PATIENCE_S) or "late"
    waiting = asking(endpoint, stop)
    assert came.wait(PATIENCE_S)
    stop.set()
    assert waiting.result(PATIENCE_S).message == "The question was taken back."
    assert not end.is_set()
    end.set()


def test_also_while_a_busy_endpoint_is_given_time(endpoint):
    stop, came = Stop(), threading.Event()
    endpoint.answering = lambda asked: came.set() or error("Busy.", 429, **{"Retry-After": str(LONGEST_WAIT_S)})
    waiting = asking(endpoint, stop)
    assert came.wait(PATIENCE_S)
    stop.set()
    assert waiting.result(PATIENCE_S)
    assert len(endpoint.asked) == 1


def test_who_was_stopped_before_does_not_ask(endpoint):
    stop = Stop()
    stop.set()
    assert asking(endpoint, stop).result(PATIENCE_S).message == "The question was taken back."


def test_a_request_says_what_every_endpoint_understands(endpoint):
    endpoint.will_say("{}")
    said(endpoint, SHAPE, key=KEY)
    asked = endpoint.asked[0]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Say it."}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "it", "strict": True, "schema": SHAPE.schema},
        },
    }


def test_without_a_key_none_is_sent(endpoint):
    said(endpoint)
    assert "Authorization" not in endpoint.asked[0].headers


def refusing(*words):
    """An endpoint that refuses requests in which one of these words stands."""

    def answer(asked):
        body = json.dumps(asked.body)
        word = next((word for word in words if f'"{word}"' in body), None)
        return error(f"Unsupported value: '{word}' is not supported with this model.") if word else Reply("yes")

    return answer


def test_what_an_endpoint_cannot_do_is_left_out_and_remembered(endpoint):
    endpoint.answering = refusing("stream_options", "temperature", "json_schema", "response_format")
    assert said(endpoint, SHAPE) == "yes"
    assert [sorted(asked.body.keys() - {"model", "messages", "stream"}) for asked in endpoint.asked] == [
        ["response_format", "stream_options", "temperature"],
        ["response_format", "temperature"],
        ["response_format"],
        ["response_format"],
        [],
    ]
    assert endpoint.asked[3].body["response_format"] == {"type": "json_object"}
    assert said(endpoint, SHAPE) == "yes"
    assert len(endpoint.asked) == 6
    said(endpoint, SHAPE, model="other")
    assert "temperature" in endpoint.asked[6].body  # another model may do it


def test_an_endpoint_that_refuses_something_else_is_not_asked_again(endpoint):
    endpoint.will_say(error("The picture is of no use."))
    assert "refuses with status 400: The picture is of no use." in str(failure(endpoint, SHAPE))
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_endpoint_that_is_busy_is_asked_again(endpoint, status):
    endpoint.will_say(*[Reply(status=status, headers={"Retry-After": "0"})] * (TRIES - 1), "now")
    assert said(endpoint) == "now"
    assert len(endpoint.asked) == TRIES


def test_it_is_given_the_time_that_it_asks_for(endpoint):
    started = time.monotonic()
    until = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=2), usegmt=True)
    endpoint.will_say(Reply(status=429, headers={"Retry-After": until}), "now")
    assert said(endpoint) == "now"
    assert time.monotonic() - started > 0.9  # the date has no fractions of a second


def test_a_time_to_wait_that_no_calendar_has_is_not_obeyed(endpoint):
    never = f"Mon, 01 Jan 2024 00:00:00 +{10**20}"
    endpoint.will_say(Reply(status=429, headers={"Retry-After": never}), "now")
    assert said(endpoint) == "now"


def test_but_not_for_ever(endpoint):
    endpoint.will_say(error("Slow down.", 429, **{"Retry-After": "0"}))
    assert "is asked too often: Slow down." in str(failure(endpoint))
    assert len(endpoint.asked) == TRIES
    endpoint.will_say(error("Tomorrow.", 429, **{"Retry-After": str(LONGEST_WAIT_S + 1)}))
    assert "Tomorrow" in str(failure(endpoint))
    assert len(endpoint.asked) == TRIES + 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (error("", 401), "wants a key."),
        (error("Not you.", 403), "wants a key: Not you."),
        (error("", 404), "There is no language model at"),
        (Reply(status=500, body=b"<html><b>Oops</b></html>", headers={"Retry-After": "0"}), "fails with status 500."),
        (Reply(status=503, body=b'{"detail": "model is loading"}', headers={"Retry-After": "0"}), "model is loading"),
        (Reply(status=400, body=b'{"error": "a\\u001b[31m\\nb"}'), "status 400: a\ufffd[31m b."),
        (Reply(status=400, body=b'[{"error": {"message": "one"}}]'), "status 400: one."),
        (Reply(status=400, body=b"[" * 100_000), "status 400"),
        (Reply(status=400, body=b"\xff" * 100_000), "status 400"),
        (Reply(status=400, body=b'{"error":' * 450 + b"1" + b"}" * 450), "status 400"),
        (Reply(status=400, body=b"[" * 900 + b"1" + b"]" * 900), "status 400"),
        (Reply(status=400, body=b"x" * (MOST_BYTES + 1)), "status 400"),
        (Reply(status=418, body=b""), "status 418."),
        (Reply(body=b"", headers={"Content-Type": "text/\x1b]2x\x07"}), "it sends text/\ufffd]2x\ufffd."),
        (Reply(body=b"", headers={"Content-Type": "x" * 10_000}), "xxx…."),
        (Reply(body=b"<html>Welcome</html>", headers={"Content-Type": "text/html"}), "it sends text/html."),
        (Reply(body=b"{}{"), "it sends no JSON."),
        (Reply(body=b"[]"), "JSON of another kind"),
        (Reply(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}), "packs its answers"),
        (Reply(pieces=[b"data: {\n\n"]), "it sends no JSON."),
        (Reply(pieces=[b'data: {"created": ' + b"9" * 5000 + b"}\n\n"]), "it sends no JSON."),
        (Reply(pieces=[b'data: {"choices": ' + b'[{"":' * 440 + b"1" + b"}]" * 440 + b"}\n\n"]), "it sends no JSON."),
        (Reply(pieces=[b"data: " + b"[" * 440 + b"]" * 440 + b"\n\n"]), "it sends no JSON."),
        (Reply(pieces=[b"data: " + b" " * MOST_JSON + b"{}\n\n"]), "it sends no JSON."),
        (Reply(pieces=["It", {"error": {"message": "Out of memory."}}]), "fails: Out of memory."),
        (Reply(pieces=[chunk({"refusal": "I "}), chunk({"refusal": "will not."})]), "refuses to answer: I will not."),
        (Reply(pieces=["It"], finish="content_filter"), "refuses to answer: a filter forbids the answer."),
        (Reply(pieces=["It"], finish="length"), "stopped in the middle"),
        (Reply(pieces=["It"], finish=None), "broke off in the middle"),
        (Reply(pieces=["It"], cut=True), "broke off in the middle"),
        (Reply(cut=True), "broke off in the middle"),
        (Reply(body=b'{"choices": [{"message": {"refusal": "No."}}]}'), "refuses to answer: No."),
    ],
)
def test_every_fault_is_one_sentence(endpoint, reply, words):
    endpoint.will_say(reply)
    message = failure(endpoint).message
    assert words in message
    assert len(message) < 500


def test_a_key_that_is_refused_is_not_shown(endpoint, caplog):
    caplog.set_level(logging.DEBUG)
    endpoint.will_say(error(f"Incorrect API key provided: {KEY}.", 401))
    raised = failure(endpoint, key=KEY)
    assert "refuses the key: Incorrect API key provided: ***." in raised.message
    assert raised.hint == f"Set {KEY_ENV}."
    endpoint.will_say("fine")
    said(endpoint, key=KEY)
    assert KEY not in caplog.text
    assert KEY not in repr(raised.__cause__)


def test_nobody_listening_is_said():
    stub = Stub()
    stub.close()
    raised = failure(stub)
    assert f"No language model answers at {stub.url}" in raised.message
    assert raised.hint == "Is it running?"


@pytest.mark.parametrize("pieces", [[HANG], ["It", HANG], repeat(b": still here\n\n"), repeat(chunk())])
def test_a_model_that_says_nothing_is_given_up(endpoint, pieces):
    """However often the endpoint says that it is still there."""
    endpoint.will_say(Reply(pieces=(piece for piece in pieces if not time.sleep(0.01))))
    assert "said nothing for 0.3 s" in failure(endpoint, timeout_s=0.3).message
    assert endpoint.asked[0].gone.wait(PATIENCE_S)


@contextmanager
def sending(*pieces):
    """An endpoint that sends the same bytes to everybody, whatever he asks, the last ones for ever."""
    server = socket.create_server(("127.0.0.1", 0))

    def send():
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(1 << 16)
            connection.sendall(b"".join(pieces[:-1]))
            while True:
                connection.sendall(pieces[-1])
                time.sleep(0.01)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield Llm(f"http://127.0.0.1:{server.getsockname()[1]}/v1", MODEL, timeout_s=0.5)
    finally:
        sender.join(PATIENCE_S)
        server.close()
    assert not sender.is_alive()


@pytest.mark.parametrize(
    "pieces",
    [(b"HTTP/1.1 100 Continue\r\n\r\n",), (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y")],
    ids=["only ever about to", "letter by letter"],
)
def test_one_whose_answer_does_not_begin_is_given_up_whatever_it_sends(pieces):
    with sending(*pieces) as llm, Endpoint(llm) as way, pytest.raises(LlmError, match=r"said nothing for 0\.5 s"):
        "".join(way.say(ASKED))


def test_who_was_given_up_may_be_asked_again(endpoint):
    slow = threading.Event()
    endpoint.answering = lambda asked: slow.wait(PATIENCE_S) and "late" if len(endpoint.asked) == 1 else "now"
    with Endpoint(endpoint.llm(timeout_s=0.5)) as way:
        with pytest.raises(LlmError, match="said nothing"):
            "".join(way.say(ASKED))
        slow.set()
        assert "".join(way.say(ASKED)) == "now"


def test_one_that_never_ends_is_cut_off(endpoint, monkeypatch):
    monkeypatch.setattr(streaming, "MOST_SECONDS", 0.3)
    endpoint.will_say(Reply(pieces=("a" for _ in repeat(None) if not time.sleep(0.01))))
    with pytest.raises(CutError):
        said(endpoint)
    assert endpoint.asked[0].gone.wait(PATIENCE_S)


def test_one_that_speaks_slowly_is_not(endpoint):
    endpoint.will_say(Reply(pieces=(piece for piece in "slowly" if not time.sleep(0.25))))
    assert said(endpoint, timeout_s=1) == "slowly"


@pytest.mark.parametrize("kind", ["text/event-stream; charset=zlib", "Text/Event-Stream;charset=utf-16"])
def test_events_are_utf_8_whatever_the_endpoint_says(endpoint, kind):
    endpoint.will_say(Reply("Müller", headers={"Content-Type": kind}))
    assert said(endpoint) == "Müller"


def test_more_bytes_than_an_answer_may_have_are_not_read(endpoint):
    endpoint.will_say(Reply(pieces=repeat(b": " + b"x" * (1 << 20) + b"\n")))
    assert f"more than {MOST_BYTES >> 20} MiB" in failure(endpoint).message
    assert endpoint.asked[0].gone.wait(PATIENCE_S)
    endpoint.will_say(Reply(pieces=repeat(b"x" * (1 << 20))))  # a line without end
    assert f"more than {MOST_BYTES >> 20} MiB" in failure(endpoint).message


def test_a_model_that_repeats_itself_is_stopped(endpoint):
    endpoint.will_say(Reply(pieces=repeat("and again " * 100)))
    with pytest.raises(CutError):
        said(endpoint)
    assert endpoint.asked[0].gone.wait(PATIENCE_S)
    endpoint.will_say(Reply("x" * MOST_CHARACTERS))
    assert len(said(endpoint)) == MOST_CHARACTERS


@pytest.mark.parametrize(
    "message",
    ["This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
     "the request exceeds the available context size. try increasing the context size",
     "Input is too long for requested model."],
)  # fmt: skip
def test_too_much_for_the_model_is_told_from_other_faults(endpoint, message):
    endpoint.will_say(error(message))
    assert isinstance(failure(endpoint, SHAPE), TooLongError)
    endpoint.will_say(Reply(status=413))
    assert isinstance(failure(endpoint), TooLongError)


@pytest.mark.parametrize(
    ("message", "most"),
    [("At most 1 image(s) may be provided in one request.", 1),
     ("Too many images provided. This model supports up to 5 images", 5),
     ("Number of images exceeds the limit of 16.", 16), ("No images: the maximum is 0 images.", 0),
     ("The image is larger than 5 MB", None), ("image width must be at most 2048 pixels", None)],
)  # fmt: skip
def test_how_many_pictures_a_model_takes_is_read(endpoint, message, most):
    endpoint.will_say(error(message))
    raised = failure(endpoint, SHAPE)
    assert isinstance(raised, TooManyPicturesError) == (most is not None)
    assert getattr(raised, "most", None) == most


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["<think>so</think>", "yes"], "yes"),
        ([" \n<th", "ink>", "so", " </th", "ink>yes"], "yes"),
        (["<think>so", "and so"], ""),
        (["<thin", "g>"], "<thing>"),
        (["<th"], "<th"),
        (["<", "", "b"], "<b"),
        (["yes <think>"], "yes <think>"),
        ([chunk({"reasoning_content": "so"}), "yes"], "yes"),
        ([chunk({"content": [{"type": "text", "text": "yes"}]})], "yes"),
        ([{"choices": []}, {"choices": None}, {"usage": {}}, {"choices": [{"delta": 1}]}, "yes"], "yes"),
    ],
)
def test_what_a_model_thinks_before_is_left_out(endpoint, pieces, text):
    endpoint.will_say(Reply(pieces=pieces))
    assert said(endpoint) == text


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ({"prompt_tokens": 7}, 7),
        ({"prompt_tokens": -7}, None),
        ({"prompt_tokens": "7"}, None),
        ({}, None),
        (None, None),
        ([1], None),
    ],
)
def test_how_much_the_model_has_read_is_known_afterwards(endpoint, usage, read):
    body = {"choices": [{"message": {"content": "yes"}}], "usage": usage}
    for reply in (Reply(pieces=["yes", {"choices": [], "usage": usage}]), Reply(body=json.dumps(body).encode())):
        endpoint.will_say(reply)
        endpoint.usage = False
        with Endpoint(endpoint.llm()) as way:
            assert way.read_tokens is None
            assert "".join(way.say(ASKED)) == "yes"
            assert way.read_tokens == read


@pytest.mark.parametrize(
    ("why", "words"), [("length", "stopped in the middle"), ("content_filter", "a filter forbids")]
)
def test_one_that_does_not_stream_may_stop_in_the_middle_too(endpoint, why, words):
    body = {"choices": [{"message": {"content": "It"}, "finish_reason": why}]}
    endpoint.will_say(Reply(body=json.dumps(body).encode()))
    assert words in failure(endpoint).message


def test_an_endpoint_that_does_not_stream_is_understood(endpoint):
    body = {"choices": [{"message": {"content": "<think>so</think>yes"}, "finish_reason": "stop"}]}
    endpoint.will_say(Reply(body=json.dumps(body).encode()))
    assert said(endpoint) == "yes"


def test_without_a_name_the_first_model_that_is_listed_is_taken(endpoint):
    endpoint.models = [{"id": "one"}, {"id": "two"}]
    assert said(endpoint, model=None)
    assert endpoint.asked[0].body["model"] == "one"


@pytest.mark.parametrize(
    "models",
    [[], None, [{}], [1, {"id": 1}, {"id": ""}], [{"id": "\ud800"}, {"id": "\x1b[2J"}, {"id": "m" * 301}], {"a": 1}],
)
def test_an_endpoint_that_lists_none_needs_a_name(endpoint, models):
    endpoint.models = models
    raised = failure(endpoint, model=None)
    assert "lists no model" in raised.message
    assert "VRAG_LLM_MODEL" in raised.hint
    assert said(endpoint, model="named")


def test_why_it_lists_none_is_said(endpoint):
    stub = Stub()
    stub.close()
    assert "No language model answers" in failure(stub, model=None).message
    endpoint.list_status = 401
    assert "wants a key" in failure(endpoint, model=None).message


@pytest.mark.parametrize("status", [404, 400])
def test_a_model_that_is_not_there_is_said_with_those_that_are(endpoint, status):
    endpoint.models = [{"id": f"m{i}"} for i in range(7)]
    endpoint.will_say(error("The model `gone` does not exist.", status))
    raised = failure(endpoint, model="gone")
    assert raised.message == f"There is no model 'gone' at {endpoint.url}."
    assert raised.hint == "It has m0, m1, m2, m3, m4 and 2 more."
    endpoint.models = None
    assert "does not exist" in failure(endpoint, model="gone").message


def test_names_that_an_endpoint_lists_are_lines_of_a_message_and_no_more(endpoint):
    long = [{"id": "n" * MOST_NAME} for _ in range(10_000)]
    endpoint.models = [{"id": "x" * 1_000_000}, {"id": "\x1b[31mred"}, {"id": "a\nb"}, {"id": 7}, {"id": ""}, *long]
    endpoint.will_say(error("The model `gone` does not exist.", 404))
    hint = failure(endpoint, model="gone").hint
    assert hint.startswith("It has nnn")
    assert hint.endswith(" and 9995 more.")
    assert len(hint) < 400
    with Endpoint(endpoint.llm(model=None)) as way:
        assert way.model == "n" * MOST_NAME


@pytest.mark.parametrize(
    ("row", "room"),
    [({"max_model_len": 8192}, 8192), ({"context_length": 4096}, 4096), ({"meta": {"n_ctx": 2048}}, 2048),
     ({"meta": 1}, None), ({"max_model_len": "8192"}, None), ({"max_model_len": -1}, None),
     ({"max_model_len": 10**400}, None), ({"max_model_len": True}, None), ({}, None)],
)  # fmt: skip
def test_how_much_a_model_reads_is_taken_from_the_list(endpoint, row, room):
    endpoint.models = [{"id": "other", "max_model_len": 1}, {"id": MODEL, **row}]
    with Endpoint(endpoint.llm()) as way:
        assert way.room == room


def test_pages_and_key_follow_no_redirect(endpoint):
    elsewhere = Stub()
    endpoint.will_say(Reply(status=307, headers={"Location": f"{elsewhere.url}/chat/completions"}))
    raised = failure(endpoint, key=KEY)
    elsewhere.close()
    assert "sends us elsewhere" in raised.message
    assert elsewhere.asked == []


def test_what_goes_to_this_machine_goes_through_no_proxy(endpoint, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert said(endpoint)


@pytest.mark.parametrize("proxy", ["carrier-pigeon://me:secret@loft", "http://me:secret@loft:first", ":::"])
def test_a_proxy_that_cannot_be_used_is_said(monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(LlmError, match="proxy that the environment names") as raised:
        Endpoint(Llm("https://models.example/v1"))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("file", ["none.pem", "empty.pem"])
def test_certificates_that_cannot_be_used_are_said(monkeypatch, tmp_path, file):
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / file))
    with pytest.raises(LlmError, match="certificates that SSL_CERT_FILE"):
        Endpoint(Llm("https://models.example/v1"))


def test_a_key_that_crosses_a_network_in_the_clear_is_warned_of(caplog):
    with Endpoint(Llm("http://models.example/v1", key=KEY)), Endpoint(Llm("http://localhost/v1", key=KEY)):
        assert len(caplog.records) == 1
    assert "without encryption" in caplog.text
    assert KEY not in caplog.text
