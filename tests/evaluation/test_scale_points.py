"""The program that measures points of scale: its pages are an index like any other, and what it measured is printed."""

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import copy_index
from tests.pdfs import write_pdf
from vrag import Index
from vrag.catalog.documents import Documents

EVAL = Path(__file__).parents[2] / "eval"
REAL = os.environ.get("VRAG_TEST_QDRANT_BIN")
LINES = "\n".join(["the yellow submarine dives below cold northern waves"] * 12)


@pytest.fixture
def programs(monkeypatch):
    monkeypatch.syspath_prepend(str(EVAL))


@pytest.fixture(scope="module")
def real_pages(tmp_path_factory):
    """An index of two documents with three pages of many words."""
    folder = tmp_path_factory.mktemp("real")
    write_pdf(folder / "one.pdf", [f"A whale sings.\n{LINES}", f"A bee hums.\n{LINES}"])
    write_pdf(folder / "two.pdf", [f"An owl is silent.\n{LINES}"])
    with Index.create(folder / "index") as index:
        assert index.ingest([folder / "one.pdf", folder / "two.pdf"]).added == 3
    return folder / "index"


def test_resampled_pages_are_an_index_that_is_whole(programs, real_pages, tmp_path):
    from resampled import Resampled

    with Index.open(copy_index(real_pages, tmp_path / "real")) as index:
        source = Resampled(index, rows=40)
        pipeline = index.pipeline
    copies = list(source.copies(7))
    assert [copy.document.pages for copy in copies] in ([2, 1, 2, 1, 1], [1, 2, 1, 2, 1])
    with Index.create(tmp_path / "made", pipeline) as made:
        for copy in copies:
            made.stored.store.upsert(list(source.records(copy)))
            Documents(made.stored.store).put(copy.document)
        assert made.page_count == 7
        assert made.verify() == []
        hits = made.search("whale song", k=7)
        assert len({hit.id for hit in hits}) == 7
    with Index.open(tmp_path / "made") as again:
        assert again.vectors("one.pdf", 1).shape[0] <= 40


def test_the_same_number_makes_the_same_pages_and_each_is_another(programs, real_pages, tmp_path):
    from resampled import Resampled

    with Index.open(copy_index(real_pages, tmp_path / "real")) as index:
        source = Resampled(index)
    once, again = (
        [
            record.vectors["full"]
            for copy in source.copies(6)
            for record in source.records(copy)
            if record.payload["kind"] == "page"
        ]
        for _ in range(2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert len({page.tobytes() for page in once}) == 6
    assert all(np.allclose(np.linalg.norm(page, axis=1), 1, atol=1e-3) for page in once)


def test_what_was_measured_is_printed_and_put_into_a_page(programs, tmp_path):
    from tables import BEGIN, END

    asked = {"full": {"seconds": [2.0, 1.0, 3.0], "recall": 1.0}, "best": {"seconds": [0.1, 0.3, 0.2], "recall": 0.9}}
    point = {"pages": 1000, "rows": 240.0, "quantization": "none", "scanned": 3e9, "load": 10.0, "loaded": 500}
    disk = {"full": 200_000_000, "runs": 10_000_000, "payload_index": 1_000_000, "payload_storage": 4_000_000, "wal": 5}
    memory = {"own": 1_000_000_000, "runs": 2_000_000_000, "full": 3_000_000_000}
    point |= {"settle": 4.0, "disk": disk, "started": memory, "searched": memory, "scored": memory, "asked": asked}
    (tmp_path / "points.json").write_text(json.dumps([point]))
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold figures\n{END}\nafter\n")
    command = [
        sys.executable,
        str(EVAL / "scale_points.py"),
        "--json",
        str(tmp_path / "points.json"),
        "--into",
        str(page),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert page.read_text() == f"before\n{BEGIN}\n\n{done.stdout.strip()}\n\n{END}\nafter\n"
    sizes = "215.0 kB | 200.0 kB | 10.0 kB | 0.0 kB | 5.0 kB | 0.0 kB"
    assert f"| 1,000 x 240 | none | 50 pages/s | 4 s | {sizes} |" in done.stdout
    assert "| 1,000 x 240 | none | 3.00 GB | 3.00 GB | 3.00 GB | 3.00 GB | 3.00 GB | 3.00 GB | 3.00 GB |" in done.stdout
    assert "| 1,000 x 240 | none | `best` | 200 ms | 300 ms | 0.900 |" in done.stdout


@pytest.mark.skipif(not REAL, reason="needs a Qdrant server program: set VRAG_TEST_QDRANT_BIN")
def test_every_way_to_quantize_is_measured_and_a_run_that_was_stopped_goes_on(real_pages, tmp_path):
    (tmp_path / "questions.jsonl").write_text(json.dumps({"query": "whale song"}) + "\n")
    command = [sys.executable, EVAL / "scale_points.py", real_pages, tmp_path / "questions.jsonl", "--pages", "30"]
    command += ["--folder", tmp_path / "node", "--json", tmp_path / "points.json", "--cascades", "runs:8 > full"]
    for quantizations in (["none"], ["none", "scalar", "binary"]):
        done = subprocess.run([*map(str, command), "--quantization", *quantizations], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    points = json.loads((tmp_path / "points.json").read_text())
    assert [point["quantization"] for point in points] == ["none", "scalar", "binary"]
    assert [point["loaded"] for point in points] == [30, 0, 0]
    for point in points:
        assert point["asked"]["runs:8 > full"]["recall"] > 0
        assert point["disk"]["full"] > point["disk"]["global"] > 0
        assert point["searched"]["own"] > 0
    assert ["full" in point["asked"] for point in points] == [True, True, False]  # once in each run


def test_embedded_indexes_of_many_sizes_are_measured_and_a_run_that_was_stopped_goes_on(real_pages, tmp_path):
    (tmp_path / "questions.jsonl").write_text(json.dumps({"query": "whale song"}) + "\n")
    command = [sys.executable, EVAL / "scale_embedded.py", real_pages, tmp_path / "questions.jsonl", "--rows", "40"]
    command += ["--folder", tmp_path / "made", "--json", tmp_path / "sizes.json", "--pages", "30", "--cascades"]
    for cascades in ([], ["runs:8 > full", "full"]):
        done = subprocess.run([*map(str, command), *cascades], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    (size,) = json.loads((tmp_path / "sizes.json").read_text())
    assert (size["pages"], size["loaded"], size["problems"]) == (30, 30, 0)
    assert size["disk"] > 0
    assert [len(found["tops"][0]) for found in size["searched"].values()] == [10, 10]
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| 30 x 40")]
    assert rows[1][1] == "`runs:8 > full`"
    shared = size["searched"]["runs:8 > full"]["tops"][0].keys() & size["searched"]["full"]["tops"][0].keys()
    assert float(rows[1][-1].strip(" |")) == len(shared) / 10 > 0
    assert rows[2][-1].strip(" |") == "1.000"


@pytest.mark.parametrize(
    ("program", "given", "said"),
    [
        ("scale_embedded.py", ["nowhere", "q.jsonl", "--folder", "made", "--json", "out.json"], "no index at nowhere"),
        ("query_time.py", ["nowhere=index"], "There is no benchmark folder nowhere"),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(tmp_path, program, given, said):
    done = subprocess.run([sys.executable, EVAL / program, *given], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wire_counts_both_ways(programs):
    from wire import Wire

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(5) * 100)

        threading.Thread(target=answer, daemon=True).start()
        with Wire(listener.getsockname()[1]) as wire:
            with closing(socket.create_connection(("127.0.0.1", wire.port))) as client:
                client.sendall(b"hello")
                received = b"".join(iter(lambda: client.recv(1000), b""))
            assert received == b"hello" * 100
            assert wire.carried == 505


@pytest.mark.parametrize(("page", "name"), [("server.md", ""), ("scale.md", ""), ("scale.md", "embedded")])
def test_pages_of_the_docs_have_a_place_for_figures(programs, tmp_path, page, name):
    from tables import put

    copy = tmp_path / page
    copy.write_text((EVAL.parent / "docs" / "performance" / page).read_text())
    put(copy, "the new figures", name)
    assert "the new figures" in copy.read_text()
