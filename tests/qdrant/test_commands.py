"""Every command on a server: on the stand-in behind real sockets, and on a real one (`make test-server`)."""

import os
import signal
import subprocess
import uuid

import pytest

from tests.conftest import command
from tests.evaluation.tiny import write_tiny
from tests.pdfs import write_pdf
from tests.qdrant.fixtures import environment
from tests.soak.driver import _Silent
from tests.store.test_conformance import LOCAL_MODE
from vrag.places.place import FolderPlace, ServerPlace
from vrag.store.server.connect import connect
from vrag.upkeep.transfer import transfer

pytestmark = LOCAL_MODE
FEW = """
[vectors.bands]
pooling = "bands"
count = 4
[cascades]
two-stage = "bands:3 > full"
[search]
cascade = "two-stage"
"""


@pytest.fixture
def names(any_server):
    """Makes names of collections, which are deleted afterwards."""
    made = []

    def name():
        made.append(f"vrag-test-{uuid.uuid4()}")
        return made[-1]

    yield name
    connection = connect(any_server)
    for one in made:
        connection.client.delete_collection(one)
    connection.close()


@pytest.fixture
def on_server(any_server, names, indexed, cli):
    """Runs commands on a copy of the index of two documents."""
    collection = names()
    transfer(FolderPlace(indexed), ServerPlace(any_server, collection), _Silent())

    def run(*arguments, collection=collection):
        return cli(*arguments, env=environment(any_server, collection))

    return run


def test_what_is_there_is_told(on_server):
    rows = on_server("ls", "--json").json
    assert [(row["doc"], row["pages"], row["state"]) for row in rows] == [
        ("animals.pdf", 3, "complete"),
        ("machines.pdf", 2, "complete"),
    ]
    for told in (on_server("info", "--json").json, on_server("status", "--json").json):
        assert told["pages"] == 5
    for told in (on_server("info"), on_server("status"), on_server("verify")):
        assert (told.code, "5" in told.out) == (0, True)


def test_documents_are_removed(on_server):
    assert on_server("rm", "animals.pdf", "--yes", "--json").json == {"removed": ["animals.pdf"], "pages": 3}
    assert [row["doc"] for row in on_server("ls", "--json").json] == ["machines.pdf"]
    assert {hit["doc"] for hit in on_server("search", "penguins", "--json").json["hits"]} == {"machines.pdf"}


def test_a_question_is_answered(on_server):
    told = on_server("ask", "Where do penguins breed?", "--json", "-k", "2")
    assert (told.code, told.json["found"]) == (0, True)
    quote = told.json["quotes"][0]
    assert (quote["doc"], quote["page"], quote["status"]) == ("animals.pdf", 2, "supported")
    assert "ice of Antarctica" in quote["text"]


def test_a_hit_is_explained(on_server):
    told = on_server("explain", "penguins on ice", "--json")
    assert (told.code, told.json["doc"], told.json["page"]) == (0, "animals.pdf", 2)


def test_cascades_are_compared_and_one_is_chosen(on_server):
    told = on_server("tune", "--sample", 3, "--cascade", "two-stage", "--cascade", "exact", "--apply", "--json")
    assert told.code == 0, told.err
    assert (told.json["pages"], told.json["queries"], told.json["applied"]) == (5, 3, True)
    chosen = on_server("info", "--json").json["default_cascade"]
    assert chosen == told.json["chosen"]
    assert chosen in ("full:30 > wording(30)", "runs:256 > full:30 > wording(30)")  # with the default's last step


def test_a_benchmark_is_evaluated(on_server, names, tmp_path):
    write_tiny(tmp_path / "tiny")
    cascades = ("--cascade", "exact")
    url = on_server("status", "--json").json["index"].partition(",")[0]
    there = ("--url", url, "--collection", names(), "--no-resume", "--out", "out")
    told = on_server("eval", tmp_path / "tiny", *there, *cascades)
    assert told.code == 0, told.err
    assert (tmp_path / "out" / "report.html").is_file()


def test_another_recipe_goes_into_a_second_collection(on_server, names, tmp_path):
    (tmp_path / "few.toml").write_text(FEW)
    few = names()
    told = on_server("repool", "--pipeline", "few.toml", "--into", few, "--json")
    assert (told.code, told.json["pages"]) == (0, 5)
    found = on_server("search", "penguins on ice", "--json", "-k", 1, collection=few)
    assert found.code == 0, found.out
    found = found.json
    assert (found["cascade"], found["hits"][0]["page"]) == ("two-stage", 2)


def test_there_is_nothing_to_compact(on_server):
    told = on_server("compact")
    assert (told.code, told.err) == (0, "A server gives back space by itself, in the background.\n")


def test_a_snapshot_is_of_a_folder(on_server, tmp_path):
    told = on_server("snapshot", "create", "i.tar.gz")
    assert told.code == 2
    assert "A snapshot is of an index in a folder, and this one is on a server." in told.err
    assert "vrag pull" in told.err
    assert not (tmp_path / "i.tar.gz").exists()


def test_a_folder_is_watched(any_server, names, tmp_path):
    told = environment(any_server, names())
    url, inbox = told.pop("QDRANT_URL"), tmp_path / "inbox"
    write_pdf(inbox / "bees.pdf", ["Honey bees dance."])
    line = command("watch", inbox, "--url", url, "--interval", "0.1")
    environ = {**os.environ, **told}
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as watching:
        try:
            assert "1 page added, 0 known, 0 documents removed" in watching.stdout.readline()
            write_pdf(inbox / "krill.pdf", ["Penguins feed on krill.", "And on fish."])
            assert "2 pages added, 1 known, 0 documents removed" in watching.stdout.readline()
            (inbox / "bees.pdf").unlink()
            assert "0 pages added, 2 known, 1 document removed" in watching.stdout.readline()
        finally:
            watching.send_signal(signal.SIGINT)
        assert watching.wait(60) == 130
    assert not list(tmp_path.glob(".vrag"))
