"""The program that compares two indexes of the same files, on a benchmark of five pages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MACHINES
from tests.evaluation.tiny import write_documents
from tests.pdfs import write_pdf
from vrag import Index

PROGRAM = Path(__file__).parents[2] / "eval" / "two_indexes.py"
KINDS = [f"{what}, {where}" for what in ("questions", "pieces of text") for where in ("all pages", "their document")]


def run(*arguments):
    return subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, timeout=300)


@pytest.fixture
def indexes(tiny, tmp_path):
    """Of the benchmark's files, and of the same with the pages of one in the wrong order."""
    write_documents(tmp_path / "other")
    write_pdf(tmp_path / "other" / "machines.pdf", MACHINES[::-1])
    for name, folder in (("right", tiny / "pdfs"), ("wrong", tmp_path / "other")):
        with Index.create(tmp_path / name) as index:
            index.ingest([folder])
    return tmp_path / "right", tmp_path / "wrong"


def test_an_index_is_compared_with_itself_and_with_a_worse_one(tiny, indexes, tmp_path):
    right, wrong = indexes
    for other in indexes:
        done = run(tiny, right, other, "--pieces", "40", "--json", tmp_path / "out.json")
        assert done.returncode == 0, done.stderr
        found = json.loads((tmp_path / "out.json").read_text())
        assert list(found) == KINDS
        assert [found[kind]["queries"] for kind in KINDS] == [3, 3, 40, 40]
        assert len([line for line in done.stdout.splitlines() if line.startswith("| tiny, ")]) == 4
        for one in found.values():
            assert one["mean"] == pytest.approx(one["other"] - one["ndcg"])
            assert one["error"] == 0 if other == right else one["error"] > 0
            assert one["mean"] == 0 if other == right else one["mean"] < 0 or one["queries"] == 3
    for kind in KINDS[2:]:
        pieces = found[kind]
        assert pieces["ndcg"] > 0.95
        assert pieces["other"] < pieces["ndcg"] - 0.03
    assert found[KINDS[3]]["ndcg"] >= found[KINDS[2]]["ndcg"]


def test_a_place_without_an_index_is_an_error_in_words(tiny, tmp_path):
    done = run(tiny, tmp_path / "nowhere", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "No index at" in done.stderr
    assert "Traceback" not in done.stderr
