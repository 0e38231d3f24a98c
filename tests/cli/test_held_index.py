"""While a language model has its time, an embedded index is free for others; it is opened again when it is needed."""

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import command, copy_index
from tests.llm.endpoint import Reply, claims, error
from vrag import Index
from vrag.errors import BusyError
from vrag.llm import sight
from vrag.runtime.lock import IndexLock

QUESTION = "How often is the oil filter of the diesel engine replaced?"
LINE = "after every 500 hours of operation"
SAID = claims(("It is replaced every 500 hours.", 1, LINE))
CLAIM = "It is replaced every 500 hours. [1]"


@pytest.fixture
def model(endpoint):
    """The options that name the model of the endpoint."""
    return "--llm", endpoint.url, "--llm-model", "stub", "--llm-sees"


@pytest.fixture
def visits(indexed, endpoint):
    """Whether the index is free whenever the endpoint is asked for something: somebody takes it, and waits for nobody.

    It is called with the replies of the model.
    """
    found = []

    def visit():
        lock = IndexLock(indexed)
        try:
            lock.acquire()
        except BusyError as error:
            found.append(str(error))
        else:
            found.append("free")
            lock.release()

    endpoint.on_list = visit

    def answering(*replies):
        left = list(replies)

        def answer(_):
            visit()
            return left.pop(0)

        endpoint.answering = answer
        return found

    return answering


def test_others_search_while_the_model_writes(process, indexed, endpoint, model, tmp_path):
    writes, goes_on = threading.Event(), threading.Event()

    def answer(_):
        writes.set()
        return Reply(pieces=[SAID[:20], goes_on, SAID[20:]])

    endpoint.answering = answer
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(
            process, "ask", QUESTION, "--index", indexed, "-k", 1, *model, "text", "--image-dir", tmp_path / "pages"
        )
        try:
            assert writes.wait(60)
            with Index.hold(indexed, wait=0) as index:  # refused at once if the command still held it
                assert index.search(QUESTION)[0].doc == "machines.pdf"
            assert not asked.done()
        finally:
            goes_on.set()
    done = asked.result()
    assert (done.code, done.out.splitlines()[0]) == (0, CLAIM)
    assert len(list((tmp_path / "pages").iterdir())) == 1  # drawn by the index, which was opened again


def test_whatever_the_endpoint_is_asked_for_the_index_is_free(cli, indexed, model, visits, tmp_path, monkeypatch):
    monkeypatch.setattr(sight.platformdirs, "user_cache_path", lambda name: tmp_path / name)
    monkeypatch.setattr(sight.secrets, "choice", lambda digits: "7")
    found = visits("77777", error("At most 1 image(s) may be provided in one request."), "no JSON", SAID)
    done = cli("ask", QUESTION, "--index", indexed, "-k", 1, *model, "auto", "--html", "a.html")
    assert (done.code, done.out.splitlines()[0]) == (0, CLAIM)
    assert found == 5 * ["free"]  # asked for its models, whether it sees, twice for the answer, and once more for JSON
    assert (tmp_path / "a.html").read_text().count("<img") == 1


def test_many_questions_open_it_once_for_each(cli, indexed, model, visits, tmp_path):
    found = visits(SAID, error("no", 400), SAID)
    rows = [{"query-id": f"q{number}", "query": QUESTION} for number in range(3)]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = cli("ask", "--queries", "q.jsonl", "--json", "--index", indexed, "-k", 2, *model, "text")
    assert [row.get("model") for row in done.lines] == ["stub", None, "stub"]
    assert found == 6 * ["free"]


def test_a_page_that_was_removed_while_the_model_wrote_is_named(cli, indexed, endpoint, model, tmp_path):
    index = copy_index(indexed, tmp_path / "index")

    def answer(_):
        with Index.open(index, wait=0) as other:
            other.remove(other.find_documents(["machines.pdf"]))
        return SAID

    endpoint.answering = answer
    files = ("--html", "a.html", "--image-dir", "pages")
    done = cli("ask", QUESTION, "--index", index, "-k", 5, *model, "text", *files)
    assert (done.code, done.out.splitlines()[0]) == (1, CLAIM)
    assert "Not written: No document called 'machines.pdf' in the index." in done.err
    assert "3 of 5 pages written to pages." in done.err
    assert "No document called" in (tmp_path / "a.html").read_text()


def test_somebody_who_does_not_let_go_again_is_one_sentence_below_the_answer(cli, indexed, endpoint, model):
    lock = IndexLock(indexed)

    def answer(_):
        lock.acquire()
        return SAID

    endpoint.answering = answer
    try:
        done = cli("ask", QUESTION, "--index", indexed, *model, "text", "--image-dir", "pages", "--wait", 0)
    finally:
        lock.release()
    assert (done.code, done.out.splitlines()[0]) == (1, CLAIM)
    assert [line for line in done.err.splitlines() if line.startswith("Error: ")] == [
        "Error: The index is open already in this process."
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of other systems")
def test_in_a_conversation_too(indexed, endpoint, visits, tmp_path):
    from tests.terminal import Terminal

    found = visits(SAID, json.dumps({"question": QUESTION}), SAID)
    words = command("ask", "--index", indexed, "-k", 2, "--llm-sees", "text", "--wait", 0)
    with Terminal(words, {**os.environ, "VRAG_LLM_URL": endpoint.url, "VRAG_LLM_MODEL": "stub"}, tmp_path) as person:
        person.until("vrag> ")
        assert CLAIM in person.says(QUESTION, "vrag> ")
        assert f"Searched for: {QUESTION}" in person.says("And why?", "vrag> ")
    assert found == 5 * ["free"]
