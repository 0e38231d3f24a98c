"""`vrag serve` as a process: it says where it is, other commands use it, and it ends in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest

from tests.conftest import command, copy_index
from tests.pdfs import write_pdf
from vrag.errors import UsageError
from vrag.index import Index
from vrag.remote.remote_index import RemoteIndex

SOON_S = 30  # that a process needs at the very most
PAGES = 250  # of an ingest that is not done at once
TOKEN = "correct-horse-battery"
KEY = "sk-of-nobody-else"


@pytest.fixture
def own(indexed, tmp_path):
    return copy_index(indexed, tmp_path / "own")


@contextmanager
def served(*arguments, env=None):
    """A running `vrag serve` with what it said of itself; it is ended in order, which is checked."""
    environment = {**os.environ, **(env or {})}
    line = command("serve", "--port", "0", "--json", *arguments)
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            said = process.stdout.readline()
            assert said, process.stderr.read()
            yield json.loads(said)
            process.send_signal(signal.SIGTERM)
            assert process.wait(SOON_S) == 0
            assert "Stopped." in process.stderr.read()
        finally:
            process.kill()


def get(url, path, token=None, body=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {"Content-Type": "application/json"}
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(url.rstrip("/") + path, data, headers), timeout=SOON_S) as answer:
        return json.loads(answer.read())


def test_a_service_says_where_it_is_and_everybody_uses_it(own, cli, tmp_path):
    alone = cli("search", "snow leopard", "--index", own, "--json").json
    with served("--index", own) as said:
        assert (said["documents"], said["pages"], said["index"]) == (2, 5, str(own))
        assert get(said["url"], "/v1/search?q=snow+leopard&k=1")["hits"][0]["doc"] == "animals.pdf"
        shared = cli("search", "snow leopard", "--index", own, "--json").json
        assert {**shared, "took_ms": 0} == {**alone, "took_ms": 0}
        write_pdf(tmp_path / "new.pdf", ["Lighthouses warn ships."])
        assert cli("ingest", tmp_path / "new.pdf", "--index", own, "--json").json["added"] == 1
        assert get(said["url"], "/v1/search?q=lighthouses&k=1")["hits"][0]["doc"] == "new.pdf"
        assert cli("rm", "new.pdf", "--yes", "--index", own).code == 0
        refused = cli("tune", "--index", own)
        assert refused.code == 1
        assert "is served by" in refused.err
        assert f"vrag serve --port 0 --json --index {own}" in refused.err
    assert cli("status", "--index", own, "--json").json["pages"] == 5


def test_a_service_has_a_language_model_of_its_own(own, endpoint, process):
    asked = {"question": "How often is the oil filter replaced?"}
    options = ("--llm", endpoint.url, "--llm-model", "stub", "--llm-sees", "text")
    with served("--index", own, *options, env={"VRAG_LLM_KEY": KEY}) as said:
        assert get(said["url"], "/v1/index")["language_model"] == {"name": "stub", "sees": "text"}
        reply = get(said["url"], "/v1/ask", body=asked)
        assert (reply["model"], [claim["supported"] for claim in reply["claims"]]) == ("stub", [True])
        assert endpoint.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    environment = {"VRAG_LLM_URL": endpoint.url, "VRAG_LLM_MODEL": "stub", "VRAG_LLM_KEY": KEY}
    with served("--index", own, "--no-llm", env=environment) as said:
        assert get(said["url"], "/v1/index")["language_model"] is None
        assert get(said["url"], "/v1/ask", body=asked)["model"] is None
    assert len(endpoint.asked) == 1
    refused = process("serve", "--index", own, "--llm", "ftp://nowhere")
    assert refused.code == 2
    assert "no address of a language model" in refused.err


def test_a_service_at_an_address_is_an_index_too(own, cli, folder, monkeypatch):
    with served("--index", own) as said:
        with Index.open(said["url"]) as index, Index.open(own) as near:
            assert isinstance(index, RemoteIndex)
            assert index.search("oil filter", 3) == near.search("oil filter", 3)
            assert index.page_image("animals.pdf", 1).tobytes() == near.page_image("animals.pdf", 1).tobytes()
            assert index.path is None
            with pytest.raises(UsageError, match="reads no files of this machine"):
                index.ingest([folder])
            index.remove(index.find_documents(["machines.pdf"]))
            assert index.page_count == near.page_count == 3
        found = cli("search", "snow leopard", "--url", said["url"], "--json")
        assert found.json["hits"][0]["doc"] == "animals.pdf"
        assert cli("ls", "--url", said["url"], "--json").json[0]["doc"] == "animals.pdf"


def test_who_has_the_token_is_let_in(own, cli):
    with served("--index", own, env={"VRAG_TOKEN": TOKEN}) as said:
        assert TOKEN not in json.dumps(said)
        refused = cli("search", "snow leopard", "--url", said["url"])
        assert refused.code == 2
        assert "VRAG_TOKEN" in refused.err
        let_in = cli("search", "snow leopard", "--url", said["url"], "--json", env={"VRAG_TOKEN": TOKEN})
        assert let_in.json["hits"][0]["doc"] == "animals.pdf"
        near = cli("search", "snow leopard", "--index", own, "--json")  # the socket's own rights are enough
        assert near.json["hits"][0]["doc"] == "animals.pdf"


def test_without_an_index_an_empty_one_is_made_when_asked_for(tmp_path, process):
    refused = process("serve", "--index", tmp_path / "none")
    assert refused.code == 2
    assert "No index at" in refused.err
    with served("--index", tmp_path / "made", "--new") as said:
        assert (said["documents"], said["pages"]) == (0, 0)
        assert get(said["url"], "/v1/search?q=anything")["hits"] == []


def test_an_address_that_cannot_be_had_is_one_sentence(own, process):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = process("serve", "--index", own, "--port", str(taken.getsockname()[1]))
    assert refused.code == 2
    assert "Nothing can listen at 127.0.0.1" in refused.err
    assert "Traceback" not in refused.err
    assert "No" in process("serve", "--index", own, "--host", "no.such.host.invalid", "--token", TOKEN).err


def test_another_host_demands_a_token(own, process):
    refused = process("serve", "--index", own, "--host", "0.0.0.0")
    assert refused.code == 2
    assert "needs a token" in refused.err
    assert "--token" in refused.err


def test_long_work_over_http_is_asked_for_until_it_is_done(own):
    with served("--index", own) as said, Index.open(said["url"]) as index:
        assert index.verify() == []
        assert len(index.compact()) == 2
        for asked, says in (
            (lambda: index.verify(repair=True), "repairs nothing"),
            (lambda: index.search("x", k=1000), "up to 100"),
            (lambda: index.repool("plain"), "does not know the call"),
            (lambda: index.forget([]), "reads no files"),
        ):
            with pytest.raises(UsageError, match=says):
                asked()


SLOW = """
import sys, time
from vrag.places.place import FolderPlace
from vrag.serve import serving
from vrag.serve.service import Service

class Late(serving.Listener):
    def __init__(self, *given):
        print("locked", flush=True)
        time.sleep(1.5)
        super().__init__(*given)

def slow(service):
    print("ending", flush=True)
    time.sleep(1.5)
    close(service)

close, Service.close, serving.Listener = Service.close, slow, Late
with serving.serving(FolderPlace(sys.argv[1])):
    sys.stdin.readline()
"""


def test_a_command_waits_for_a_service_that_is_starting_or_ending(own, process):
    """It has the lock by then, and no door yet, or none any more."""
    line = [sys.executable, "-c", SLOW, own]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "locked\n"
            assert _finds(process, own)
            holder.stdin.write("end\n")
            holder.stdin.flush()
            assert holder.stdout.readline() == "ending\n"
            assert _finds(process, own)
        finally:
            holder.kill()


def _finds(process, own):
    found = process("search", "snow leopard", "--index", own, "--json", "--wait", "30")
    assert found.code == 0, found
    return found.json["hits"][0]["doc"] == "animals.pdf"


def test_a_folder_is_watched_while_its_index_is_served(own, tmp_path):
    (tmp_path / "inbox").mkdir()
    with served("--index", own) as said:
        line = command("watch", tmp_path / "inbox", "--index", own, "--interval", "0.1")
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
            assert "0 pages added" in watching.stdout.readline()
            write_pdf(tmp_path / "inbox" / "new.pdf", ["Lighthouses warn ships."])
            assert "1 page added" in watching.stdout.readline()
            assert get(said["url"], "/v1/search?q=lighthouses&k=1")["hits"][0]["doc"] == "new.pdf"
            (tmp_path / "inbox" / "new.pdf").unlink()
            assert "1 document removed" in watching.stdout.readline()
            watching.send_signal(signal.SIGINT)
            assert watching.wait(SOON_S) == 130
        assert get(said["url"], "/v1/index")["pages"] == 5


def test_an_index_is_served_once(own, process):
    with served("--index", own) as said:
        refused = process("serve", "--index", own, "--port", "0")
        assert refused.code == 1
        assert "is served by" in refused.err
        assert get(said["url"], "/readyz")["status"] == "ready"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_an_ingest_is_stopped_at_a_page_when_the_service_ends(own, cli, tmp_path):
    write_pdf(tmp_path / "new.pdf", [f"Lighthouse number {number} warns ships." for number in range(PAGES)])
    with served("--index", own) as said:
        ingest = subprocess.Popen(
            command("ingest", tmp_path / "new.pdf", "--index", own), stderr=subprocess.PIPE, text=True
        )
        while all(job["done"] < 2 for job in get(said["url"], "/v1/jobs")["jobs"]):
            time.sleep(0.05)
    _, heard = ingest.communicate(timeout=SOON_S)
    assert ingest.returncode != 0
    assert "Traceback" not in heard
    kept = cli("status", "--index", own, "--json").json["pages"] - 5
    assert 2 <= kept < PAGES
    again = cli("ingest", tmp_path / "new.pdf", "--index", own, "--json").json
    assert (again["unchanged"], again["added"]) == (kept, PAGES - kept)
