"""An index that is served: other processes find it, use it as if it were theirs, and strangers cannot."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.conftest import copy_index
from tests.pdfs import write_pdf
from tests.serve.watched import QUERY, SOON_S, Watched
from vrag.errors import ServedError, StoreError
from vrag.index import Index
from vrag.places.place import FolderPlace
from vrag.remote.channel import Channel, StoppedError
from vrag.remote.door import SECRET, SOCKET, Door, find_door, prove, read_hello
from vrag.remote.remote_index import RemoteIndex
from vrag.remote.wire import dumps, loads
from vrag.runtime.lock import read_holder
from vrag.serve import listening
from vrag.serve.serving import serving
from vrag.version import __version__


def answers(index):
    """What a program sees of an index."""
    hits = index.search(QUERY, 3)
    documents = index.documents.all()
    explanation, words = index.explain(QUERY), index.page_words(hits[0].doc, hits[0].page)
    return {
        "hits": hits,
        "answer": index.ask(QUERY, 3),
        "follow-up": [*index.ask_stream("And then?", 3, history=[(QUERY, "They do.")])],
        "words": [part.tolist() for part in (words.boxes, words.lines)] + [words.texts],
        "snippets": [index.snippet(QUERY, hit) for hit in hits],
        "matches": [index.matches(QUERY, hit) for hit in hits],
        "explanation": [
            getattr(explanation, name) for name in ("doc", "page", "stages", "matches", "counted", "score")
        ],
        "image": index.page_image(hits[0].doc, hits[0].page).tobytes(),
        "documents": documents,
        "labels": index.documents.labels([document.doc_id for document in documents]),
        "one": index.documents.get(documents[0].doc_id),
        "found": index.find_documents(["animals.pdf"]),
        "pipeline": (index.pipeline, index.default_cascade, index.differences(index.pipeline)),
        "model": (index.fingerprint, index.model_name),
        "query": (index.embed_query_tokens(QUERY).tokens, index.embed_query(QUERY).tobytes()),
        "vectors": index.vectors("animals.pdf", 1).tobytes(),
        "facts": (index.page_count, index.lost, index.place.name, index.path, index.failures(), index.gone(["/"])),
    }


def test_a_served_index_answers_as_one_that_is_open_here(own):
    with Index.hold(own) as index:
        here = answers(index)
    with serving(FolderPlace(own)), Index.open(own) as index:
        assert isinstance(index, RemoteIndex)
        assert answers(index) == here


def test_the_door_is_for_its_owner_alone_and_goes_with_the_service(own):
    with serving(FolderPlace(own)):
        assert stat.S_IMODE((own / SOCKET).stat().st_mode) == 0o600
        assert read_holder(own).door == "unix"
    assert not (own / SOCKET).exists()
    assert find_door(own) is None
    with Index.open(own) as index:
        assert isinstance(index, Index)


def test_where_the_path_is_too_long_for_a_socket_a_secret_port_is_the_door(own, monkeypatch):
    monkeypatch.setattr(listening, "LONGEST_PATH", 10)
    with serving(FolderPlace(own)) as service:
        secret = own / SECRET
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        door = find_door(own)
        assert door.at.isdigit()
        assert Channel(door).call("page_count", {}) == service.index.page_count
        secret.write_text("guessed")
        assert find_door(own) is None  # neither side believes the other
        with pytest.raises(StoreError, match="does not answer"):
            Channel(door).call("page_count", {})
    assert not secret.exists()


def test_who_needs_the_index_for_itself_is_told_who_serves_it(served, own):
    with pytest.raises(ServedError, match="is served by .*process") as said:
        Index.hold(own, wait=60)  # at once: it may be served for days
    assert "Stop that service" in said.value.hint


def hello(connection):
    """What the service says to whoever greets it."""
    connection.sendall(b'{"hello": "me"}\n')
    return json.loads(read_hello(connection))


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b'"text"\n',
        dumps({"call": "page_count", "arguments": {}, "version": "0.0.1", "proof": prove("", "nonce")}),
        dumps({"call": "page_count", "arguments": {}, "version": __version__, "proof": "guessed"}),
        dumps({"call": "__init__", "arguments": {}, "version": __version__}),
        dumps({"call": "search", "arguments": {"q": 1}, "version": __version__}),
        dumps({"call": "search", "version": __version__}),
    ],
)
def test_what_is_no_call_is_refused_and_the_next_call_is_answered(served, own, remote, line):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(own / SOCKET))
        proof = prove("", hello(connection)["hello"])
        connection.sendall(line.replace(b'"version":"0.1', b'"proof":"%s","version":"0.1' % proof.encode(), 1))
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    assert loads(answer)["error"]["message"]
    assert remote.page_count == 5


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"x" * 5000, b""])
def test_who_does_not_greet_is_not_heard(served, own, remote, said):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(own / SOCKET))
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            assert connection.recv(10) == b""
    assert remote.page_count == 5


def test_jobs_that_are_waited_for_keep_nobody_out(own, monkeypatch, tmp_path):
    """More callers wait for their jobs than may call at once; a search is answered, and the end stops them all."""
    monkeypatch.setattr(listening, "MOST_CALLS", 2)
    write_pdf(tmp_path / "new.pdf", ["One.", "Two."])
    held = Watched()
    with ThreadPoolExecutor(5) as threads:
        with serving(FolderPlace(own)) as service:
            remote = RemoteIndex.find(own)
            service.ingest([str(tmp_path / "new.pdf")], listener=held)
            assert held.begun.wait(SOON_S)
            waiting = [threads.submit(remote.compact) for _ in range(5)]
            until = time.monotonic() + SOON_S
            while len(service.jobs.all()) < 6 and time.monotonic() < until:
                time.sleep(0.01)
            assert remote.search(QUERY, 1)[0].doc == "animals.pdf"
            held.go_on.set()
            service.jobs.stop()
        for one in waiting:
            assert one.exception(SOON_S) is None or isinstance(one.exception(), (StoppedError, StoreError))


def test_more_callers_than_may_wait_at_the_door_come_in_one_after_the_other(own, monkeypatch):
    monkeypatch.setattr(listening, "_BACKLOG", 1)
    monkeypatch.setattr(listening, "MOST_CALLS", 1)
    with serving(FolderPlace(own)), ThreadPoolExecutor(24) as threads:
        remote = RemoteIndex.find(own)
        asked = [threads.submit(remote.search, QUERY, 1) for _ in range(48)]
        assert {one.result(SOON_S)[0].doc for one in asked} == {"animals.pdf"}


def test_a_service_that_is_stopped_is_told_from_one_that_is_slow(own):
    """Its socket still takes connections: only an answer shows that somebody is there."""
    with another_process(own) as process:
        assert find_door(own) is not None
        os.kill(process.pid, signal.SIGSTOP)
        assert find_door(own) is None


def test_a_port_that_somebody_else_took_is_told_nothing(own, monkeypatch):
    """The holder was killed, and another program listens at its port: it learns neither secret nor passwords."""
    monkeypatch.setattr(listening, "LONGEST_PATH", 10)
    with serving(FolderPlace(own)):
        door, secret = find_door(own), (own / SECRET).read_text()
    with socket.create_server(("127.0.0.1", 0)) as thief, ThreadPoolExecutor(1) as threads:
        (own / SECRET).write_text(secret)
        asked = threads.submit(Channel(Door(own, str(thief.getsockname()[1]))).call, "page_count", {})
        connection, _ = thief.accept()
        with connection:
            heard = read_hello(connection)
            connection.sendall(b'{"hello": "x", "proof": "guessed"}\n')
            with pytest.raises(StoreError, match="does not answer"):
                asked.result(SOON_S)
            assert connection.recv(100) == b""
        assert secret not in heard.decode()
        assert door.at.isdigit()


def test_many_callers_at_once_get_their_own_answers(remote):
    queries = {"snow leopard": 1, "emperor penguins": 2, "honey bees dance": 3}
    with ThreadPoolExecutor(12) as threads:
        asked = [(query, threads.submit(remote.search, query, 1)) for _ in range(20) for query in queries]
        for query, found in asked:
            assert found.result()[0].page == queries[query]


HOLD = """
import sys, time
from vrag.places.place import FolderPlace
from vrag.serve.jobs import Steps
from vrag.serve.serving import serving
from vrag.version import __version__
with serving(FolderPlace(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process(own):
    """A process that serves the index; it is killed at the latest when the block ends."""
    with subprocess.Popen([sys.executable, "-c", HOLD, own], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_the_door_of_a_killed_holder_is_dead(own):
    """The socket is still there; who comes next opens the index itself, and the one after that is served again."""
    with another_process(own):
        assert isinstance(Index.open(own), RemoteIndex)
    assert (own / SOCKET).is_socket()
    assert find_door(own) is None
    with Index.open(own) as index:
        assert isinstance(index, Index)
        assert index.search(QUERY, 1)[0].doc == "animals.pdf"
    with serving(FolderPlace(own)):
        assert isinstance(Index.open(own), RemoteIndex)


def test_a_holder_that_goes_away_in_the_middle_is_one_sentence(own):
    with another_process(own) as process, ThreadPoolExecutor(1) as threads:
        remote = Index.open(own)
        os.kill(process.pid, signal.SIGSTOP)
        asked = threads.submit(remote.search, QUERY, 1)
        time.sleep(
            0.1
        )  # the call waits for its answer; were it later, the connection would be refused: the same sentence
        process.kill()
        process.wait()
        with pytest.raises(StoreError, match="does not answer any more"):
            asked.result(SOON_S)


def test_a_service_that_is_starting_is_waited_for(own, monkeypatch):
    """The lock is taken and the door is not there yet: who comes then waits, and is let in by the door."""
    starts, may_listen, listens = threading.Event(), threading.Event(), listening.Listener.__init__

    def late(self, service, folder):
        starts.set()
        assert may_listen.wait(SOON_S)
        listens(self, service, folder)

    monkeypatch.setattr(listening.Listener, "__init__", late)
    opened, done = threading.Event(), threading.Event()

    def serve():
        with serving(FolderPlace(own)):
            opened.set()
            assert done.wait(SOON_S)

    with ThreadPoolExecutor(2) as threads:
        service = threads.submit(serve)
        assert starts.wait(SOON_S)
        asked = threads.submit(Index.open, own, wait=SOON_S)
        time.sleep(0.1)
        assert not asked.done()
        may_listen.set()
        assert isinstance(asked.result(SOON_S), RemoteIndex)
        done.set()
        service.result(SOON_S)


def test_a_door_that_another_service_has_made_there_meanwhile_stays(own, indexed):
    with ExitStack() as first:
        first.enter_context(serving(FolderPlace(own)))
        shutil.rmtree(own)
        copy_index(indexed, own)
        with serving(FolderPlace(own)):
            with suppress(StoreError):  # its folder is gone
                first.close()
            assert RemoteIndex.find(own).page_count == 5
