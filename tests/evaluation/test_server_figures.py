"""The program that measures a server beside an embedded index runs all of its parts, here on the stand-in for one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.backend import Backend
from tests.store.grpc_server import grpc_server
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE

pytestmark = LOCAL_MODE
PROGRAM = Path(__file__).parents[2] / "eval" / "server_figures.py"
REAL = os.environ.get("VRAG_TEST_QDRANT_BIN")


@pytest.fixture
def questions(tmp_path):
    file = tmp_path / "questions.jsonl"
    rows = [{"query": "snow leopard in the mountains"}, {"query": "invoice for hydraulic pumps"}]
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def run(*arguments, **environment):
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env={**os.environ, **environment})


def test_searches_records_and_commands_are_measured_on_a_server_that_runs(indexed, questions, tmp_path):
    backend = Backend()
    asked = ["--cascades", "two-stage", "--asked", "2", "--json", tmp_path / "out.json"]
    asked += ["--parts", "searches", "records", "verify"]
    with rest_server(backend) as url, grpc_server(backend) as port:
        done = run(indexed, questions, "--url", url, *asked, VRAG_QDRANT_GRPC_PORT=str(port))
        assert done.returncode == 0, done.stderr
        assert not backend.client.get_collections().collections  # what was made for the figures is gone
    tables = json.loads((tmp_path / "out.json").read_text())["tables"]
    found = dict(zip(*tables["searches"], strict=True))
    assert found["top ten the same"] == "100.0%"
    assert float(found["scores apart"]) < 0.001
    assert float(found["wire, a search"].split()[0]) > 0
    assert [row[0] for row in tables["records"][1:]] == ["gRPC", "REST"]
    assert [row[0] for row in tables["copies"][1:]] == ["`push`"]
    assert [row[0] for row in tables["commands"][1:]] == ["`verify`"]
    assert "| `two-stage` |" in done.stdout


def test_without_a_server_it_says_what_is_needed(indexed, questions):
    done = run(indexed, questions, VRAG_TEST_QDRANT_BIN="")
    assert done.returncode == 2
    assert "--program or --url is needed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not REAL, reason="needs a Qdrant server program: set VRAG_TEST_QDRANT_BIN")
def test_three_nodes_answer_and_one_that_is_gone_is_told(indexed, questions, tmp_path):
    asked = ["--cascades", "two-stage", "--asked", "2", "--json", tmp_path / "out.json"]
    done = run(indexed, questions, "--parts", "cluster", *asked)
    assert done.returncode == 0, done.stderr
    tables = json.loads((tmp_path / "out.json").read_text())["tables"]
    assert [row[0] for row in tables["cluster"][1:]] == ["all up", "one of them killed"]
    assert ["pages", "5"] in map(str.split, tables["vrag status, one of three nodes killed"].splitlines())
