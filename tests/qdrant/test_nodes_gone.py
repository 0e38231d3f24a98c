"""A cluster of which a node dies or hangs while all addresses are named: the work goes on, and `status` says so."""

import os
import re
import signal

import pytest

from tests.qdrant.fixtures import program
from tests.qdrant.nodes import DOCKER, cluster
from tests.qdrant.test_one_node import SAMPLES
from tests.soak.state import compare, hits
from vrag import Index
from vrag.ingest.report import Silent

pytestmark = pytest.mark.cluster
PDFS = [file for file in (SAMPLES / "pdfs").glob("*.pdf") if "scanned" not in file.name]
ASKED = "How is heat stored?"


@pytest.fixture
def nodes(tmp_path):
    with cluster(program(), tmp_path) as nodes:
        yield nodes


@pytest.fixture
def told(nodes, monkeypatch):
    """All addresses, in the environment of this process and of commands."""
    variables = {
        "QDRANT_URL": ",".join(node.url for node in nodes),
        "VRAG_QDRANT_GRPC_PORT": str(nodes[0].grpc_port),
        "VRAG_COLLECTION": "c",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def make(told):
    index = Index.create(told["QDRANT_URL"], pipeline="cluster")
    index.ingest(PDFS)
    return index


def test_searches_go_on_when_the_node_that_is_asked_is_killed_and_status_says_so(nodes, told, cli):
    with make(told) as index:
        expected = hits(index, ASKED, "two-stage")
        assert index.server_state().warnings() == []
        assert index.server_state().data_bytes > 0
        nodes[0].kill()
        assert hits(index, ASKED, "two-stage") == expected
        state = index.server_state()
        assert (len(state.nodes), len(state.gone), len(state.short())) == (3, 1, 4)
        assert index.verify() == []
    done = cli("verify", "--json", env=told)
    assert (done.code, done.json["problems"]) == (0, [])
    assert done.json["warnings"][0].endswith("does not answer.")
    assert re.search(r"^nodes +3, 1 gone$", cli("status", env=told).out, re.MULTILINE)


def test_a_node_that_is_stopped_and_goes_on_later_costs_seconds_and_no_page(nodes, told):
    if program() == DOCKER:
        pytest.skip("a container is not stopped here")
    with make(told) as index:
        expected = hits(index, ASKED, "two-stage")
        os.kill(nodes[0]._process.pid, signal.SIGSTOP)
        try:
            assert hits(index, ASKED, "two-stage") == expected
        finally:
            os.kill(nodes[0]._process.pid, signal.SIGCONT)
        assert index.verify() == []


class Killing(Silent):
    """A watcher of an ingest that kills a node as soon as a page is in."""

    def __init__(self, node):
        self.node = node

    def page(self, ok):
        if self.node.is_running:
            self.node.kill()


def test_an_ingest_whose_node_is_killed_ends_as_if_nothing_had_been(nodes, told, tmp_path):
    with Index.create(tmp_path / "embedded") as embedded, Index.create(told["QDRANT_URL"], pipeline="cluster") as index:
        embedded.ingest(PDFS)
        report = index.ingest(PDFS, progress=Killing(nodes[0]))
        assert not nodes[0].is_running
        assert (report.failed, report.pages) == ([], embedded.page_count)
        assert index.verify() == []
        assert compare(hits(index, ASKED, "two-stage"), hits(embedded, ASKED, "two-stage")) == ""
