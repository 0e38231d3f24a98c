"""The same commands with a server: `--url`, `--collection`, and what can go wrong."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.pdfs import write_pdf
from tests.store.backend import Backend
from tests.store.flaky import always, flaky
from tests.store.grpc_server import grpc_server
from tests.store.rest import Handler, rest_server, serving
from tests.store.test_conformance import LOCAL_MODE
from tests.store.test_state import RECORDED
from vrag import Index

pytestmark = LOCAL_MODE
KEY = "s3cret-key"


@pytest.fixture
def backend():
    return Backend(api_key=KEY)


@pytest.fixture
def server(backend, cli):
    """Run `vrag` with a server in its environment."""
    with rest_server(backend) as url, grpc_server(backend) as port:

        def run(*arguments, **environment):
            env = {"QDRANT_URL": url, "QDRANT_API_KEY": KEY, "VRAG_QDRANT_GRPC_PORT": str(port), **environment}
            done = cli(*arguments, env=env)
            assert KEY not in done.out + done.err
            return done

        run.url = url
        yield run


def test_ingest_search_and_info_on_a_server(server, folder, tmp_path, backend):
    done = server("ingest", folder, "--json")
    assert done.code == 0, done.err
    assert (done.json["added"], done.json["index"]) == (5, f"{server.url}, collection vrag")
    assert not (tmp_path / ".vrag").exists()
    found = server("search", "penguins on ice", "--json", "-k", 2).json
    assert (found["hits"][0]["doc"], found["hits"][0]["page"]) == ("animals.pdf", 2)
    facts = server("info", "--json").json
    assert (facts["pages"], facts["bytes"]) == (5, None)
    assert server("info").code == 0
    assert {wire for wire, _ in backend.requests} == {"grpc"}
    over_rest = server("search", "penguins on ice", "--json", "-k", 2, VRAG_QDRANT_GRPC_PORT="0").json
    assert over_rest["hits"][0]["score"] == pytest.approx(found["hits"][0]["score"], rel=1e-5)
    assert {wire for wire, _ in backend.requests} == {"grpc", "rest"}


def test_the_same_results_as_the_embedded_index(server, cli, indexed, folder, tmp_path):
    server("ingest", folder)
    rows = [{"query-id": n, "query": text} for n, text in enumerate(("bees dance", "oil filter", "QX-4471"))]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    exactly = ("--cascade", "two-stage")  # packed bits, which `best` scores here, are kept by no server
    here = cli("search", "--queries", "q.jsonl", "--index", indexed, "--json", *exactly).lines
    there = server("search", "--queries", "q.jsonl", "--json", *exactly, "--url", server.url, QDRANT_URL="").lines
    for one, other in zip(here, there, strict=True):
        assert [(h["doc"], h["page"]) for h in one["hits"]] == [(h["doc"], h["page"]) for h in other["hits"]]
        assert [h["score"] for h in one["hits"]] == pytest.approx([h["score"] for h in other["hits"]], rel=1e-3)
        assert one["found"] is other["found"] is True
        assert [h["relevance"] for h in one["hits"]] == pytest.approx([h["relevance"] for h in other["hits"]], abs=1e-3)
    for cascade in ((), exactly):
        like = ("search", "--like", "machines.pdf:1", "--json", *cascade)
        here, there = (done.json["hits"] for done in (cli(*like, "--index", indexed), server(*like)))
        assert [(h["doc"], h["page"]) for h in here] == [(h["doc"], h["page"]) for h in there]


def test_collections_are_apart(server, folder):
    assert server("ingest", folder / "animals.pdf", "--collection", "a").code == 0
    assert server("ingest", folder / "sub", VRAG_COLLECTION="b").code == 0
    assert server("info", "--json", "--collection", "a").json["pages"] == 3
    assert server("info", "--json", "--collection", "b").json["pages"] == 2
    done = server("search", "x", "--json")
    assert done.code == 2
    assert "No index at" in done.json["error"]
    assert "--collection vrag" in done.json["hint"]


def test_mistakes_are_one_sentence(server, folder, tmp_path):
    done = server("search", "x", QDRANT_API_KEY="wrong")
    assert done.code == 1
    assert "refused the key" in done.err
    assert "wrong" not in done.err
    assert server("search", "x", "--index", tmp_path, "--url", server.url).code == 2
    assert server("search", "x", "--url", "ftp://x").code == 2
    assert server("search", "x", "--collection", "a/b").code == 2
    gone = server("search", "x", "--url", "http://127.0.0.1:9", VRAG_QDRANT_GRPC_PORT="0")
    assert gone.code == 1
    assert "not reachable" in gone.err
    warned = server("search", "x", "--url", "http://nowhere.invalid", "--timeout", "1")
    assert warned.code == 1
    assert "unencrypted" in warned.err


def test_a_flaky_link_is_an_answer_or_a_sentence(server, folder):
    assert server("ingest", folder).code == 0
    rest = {"VRAG_QDRANT_GRPC_PORT": "0"}
    with flaky(server.url, ["500", "ok", "cut", "ok", "truncated", "ok", "429"]) as bad:
        assert server("search", "bees", "--url", bad, "--json", **rest).json["hits"][0]["page"] == 3
    with flaky(server.url, always("cut")) as bad:
        done = server("search", "bees", "--url", bad, "--timeout", "1", "--json", **rest)
        assert done.code == 1
        assert "broke off" in done.json["error"]


def test_repool_on_a_server_makes_a_second_collection(server, folder, tmp_path):
    (tmp_path / "few.toml").write_text(
        '[vectors.bands]\npooling = "bands"\ncount = 4\n[cascades]\ntwo-stage = "bands:3 > full"\n'
        '[search]\ncascade = "two-stage"\n'
    )
    server("ingest", folder)
    done = server("repool", "--pipeline", "few.toml")
    assert done.code == 2
    assert "--into" in done.err
    report = server("repool", "--pipeline", "few.toml", "--into", "few", "--json").json
    assert (report["pages"], report["pooled"], report["index"]) == (5, 5, f"{server.url}, collection few")
    found = server("search", "penguins on ice", "--json", "-k", 1, "--collection", "few").json
    assert (found["cascade"], found["hits"][0]["page"]) == ("two-stage", 2)
    assert server("search", "penguins on ice", "--json", "-k", 1).json["cascade"] == "best"


def test_a_page_too_large_for_a_server_costs_no_other(server, tmp_path):
    words = [f"word{number}" for number in range(2800)]
    crowded = "\n".join(" ".join(words[start : start + 50]) for start in range(0, len(words), 50))
    write_pdf(tmp_path / "d" / "one.pdf", ["penguins on ice", crowded, "honey bees dance"], size=(4000, 1200))
    done = server("ingest", tmp_path / "d", "--json")
    assert (done.code, done.json["added"]) == (1, 2)
    (failure,) = done.json["failed"]
    assert failure["page"] == 2
    assert "vectors of 384 numbers, and a Qdrant server takes at most 2730 of a page" in failure["reason"]


def test_a_search_takes_as_many_requests_for_many_documents_as_for_one(server, backend, tmp_path, monkeypatch):
    for n in range(20):
        write_pdf(tmp_path / "d" / f"{n}.pdf", [f"The ferry called at harbour number {n}."])
    assert server("ingest", tmp_path / "d").code == 0
    monkeypatch.setenv("QDRANT_API_KEY", KEY)
    asked = {}
    for k in (1, 20):
        with Index.open(server.url) as index:
            before = len(backend.requests)
            hits = index.search("the ferry at harbour", k, "two-stage")
            asked[k] = len(backend.requests) - before
        assert len({hit.doc for hit in hits}) == k
    assert asked[20] == asked[1] <= 9  # four for the relevance of the hits


def test_several_nodes_by_repeating_by_commas_and_by_the_environment(server, folder):
    assert server("ingest", folder).code == 0
    gone, rest = "http://127.0.0.1:9", {"VRAG_QDRANT_GRPC_PORT": "0"}
    expected = server("search", "penguins on ice", "--json", **rest).json["hits"]
    for options, environment in [
        (["--url", gone, "--url", server.url], {}),
        (["--url", f"{gone},{server.url}"], {}),
        ([], {"QDRANT_URL": f"{gone},{server.url}"}),
    ]:
        found = server("search", "penguins on ice", "--json", *options, **rest, **environment)
        assert found.json["hits"] == expected
        assert f"{gone} is not reachable: {server.url} is asked instead" in found.err
    nobody = server("status", "--url", gone, "--url", "http://127.0.0.1:7", **rest)
    assert nobody.code == 1
    assert f"{gone} is not reachable, and the one at http://127.0.0.1:7 is not reachable" in nobody.err
    twice = server("status", "--url", "http://a,http://a:7000", VRAG_QDRANT_GRPC_PORT="16334")
    assert twice.code == 2
    assert "VRAG_QDRANT_GRPC_PORT=6334,6344" in twice.err


def test_status_and_info_say_what_the_server_says_and_no_size_that_is_none(server, folder):
    server("ingest", folder)
    for command in ("status", "info"):
        told = server(command, "--json").json
        assert told["bytes"] is None
        assert told["server"] == {
            **dict.fromkeys(("data_bytes", "file_bytes", "memory_bytes")),
            **dict.fromkeys(("nodes", "copies", "warnings"), []),
            **dict.fromkeys(("segments", "wanted"), 1),
            "status": "green",
            "optimizer": "ok",
            "points": 10,
            "shards": 0,
        }
        shown = server(command).out
        assert re.search(r"^collection +green, optimizer ok, 10 points, 1 segment$", shown, re.MULTILINE)
        assert " MB" not in shown


def test_status_and_verify_warn_of_a_node_that_is_gone(server, folder, backend):
    server("ingest", folder)
    with serving(OneGone, backend=backend) as url:
        there = {"QDRANT_URL": url, "VRAG_QDRANT_GRPC_PORT": "0"}
        shown, verified = server("status", **there), server("verify", **there)
        warnings = server("verify", "--json", **there).json["warnings"]
        assert server("status", "--json", **there).json["server"]["warnings"] == warnings
    assert re.search(r"^nodes +3, 1 gone$", shown.out, re.MULTILINE)
    assert re.search(r"^shards +6, 2 of each asked for, 8 copies in use$", shown.out, re.MULTILINE)
    assert verified.code == 0
    assert verified.out == "5 pages, 0 problems.\n"
    assert warnings[0] == "The node http://127.0.0.1:16332 does not answer."
    for done in (shown, verified):
        assert all(f"Warning: {warning}" in done.err for warning in warnings)


class OneGone(Handler):
    """A server with this collection that says of nodes and shards what a cluster said that had lost one."""

    def _result(self, body):
        status, answer = RECORDED["one dead"].get(self.path.split("?")[0].replace("/vrag", "/mm"), (None, None))
        return answer if status == 200 else super()._result(body)


STARTED = """
import contextlib, sys
from vrag.cli import main
with contextlib.suppress(SystemExit):
    main(sys.argv[1:])
assert "qdrant_client" in sys.modules
assert not [name for name in sys.modules if name.partition(".")[0] == "fastembed"], "fastembed"
import fastembed
"""


def test_a_short_command_does_not_wait_for_what_the_client_library_could_embed_with(server, folder, backend):
    pytest.importorskip("fastembed")
    server("ingest", folder)
    environment = {**os.environ, "QDRANT_URL": server.url, "QDRANT_API_KEY": KEY, "VRAG_QDRANT_GRPC_PORT": "0"}
    command = [sys.executable, "-c", STARTED, "search", "penguins on ice", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["hits"][0]["page"] == 2
