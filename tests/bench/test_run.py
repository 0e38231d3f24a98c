"""The whole benchmark at toy sizes, and the command."""

import json

import numpy as np
import pytest

from tests.pdfs import write_pdf
from vrag.bench import run as run_module
from vrag.bench.apart import measure_apart
from vrag.bench.engine import CASCADES
from vrag.bench.ingesting import IngestBench
from vrag.bench.measure import Result, best
from vrag.bench.peers import Peer
from vrag.bench.run import Bench

KEYS = {"pages", "system", "cascade", "qps", "recall_at_10", "ratio", "median_ms", "p95_ms", "bytes"}


def test_every_system_at_every_size(corpus, tmp_path, monkeypatch):
    broken, good = Peer("broken", "numpy", ""), Peer("good", "numpy", "")
    absent = Peer("absent", "no_such_module", "pip install absent")
    large = Peer("large", "numpy", "", most=(40, "it is large"))
    monkeypatch.setattr(run_module, "PEERS", (broken, absent, large, good))

    def measured(name, corpus, pages, folder):
        return Result([1e-9] * 5, [[]] * 5) if name == "good" else 1 / 0

    monkeypatch.setattr(run_module, "measure_apart", measured)
    told = []
    report = Bench(corpus, [60, 40, 60], True, tmp_path, told.append).run()
    assert [row.pages for row in report.rows] == [40] * 6 + [60] * 6
    for size in (40, 60):
        rows = [row for row in report.rows if row.pages == size]
        assert {row.cascade for row in rows} == {"", *CASCADES.values()}
        assert all(row.recall_at_10 >= 0.9 for row in rows if row.system != "good")
        assert rows[0].system == "good"
        assert next(row.recall_at_10 for row in rows if row.cascade == "full") == 1.0
        assert max(row.ratio for row in rows if row.system != "good" and row.cascade in ("", "full")) == 1
        ours = next(row for row in rows if row.system == "vrag")
        assert ours.bytes == size * (64 + 32) * 16
    notes = "\n".join(report.notes)
    assert "broken at 40 pages: failed, ZeroDivisionError" in notes
    assert "absent at 60 pages: left out, not installed (pip install absent)" in notes
    assert "large at 60 pages: left out, it is large" in notes
    assert list(tmp_path.iterdir()) == []


def test_a_peer_is_measured_in_its_own_process(corpus, tmp_path):
    exact = [
        best(np.array([(q @ corpus.page(n).T).max(axis=1).sum() for n in range(20)])) for q in corpus.source.queries
    ]
    result = measure_apart("qdrant-client local", corpus, 20, tmp_path)
    assert result.ranked == exact
    assert list(tmp_path.iterdir()) == []


def test_the_ingest_stage_by_stage(tmp_path):
    write_pdf(tmp_path / "a.pdf", ["The oil filter is replaced after 500 hours."] * 3)
    rows = IngestBench(tmp_path, 3, lambda text: None).run()
    stages = [row.stage for row in rows]
    assert stages[1:4] == ["embed", "pool", "write to Qdrant Edge"]
    assert {"vrag ingest", "reference loop, one page at a time"} < set(stages)
    assert all(row.pages == 3 and row.pages_per_s > 0 for row in rows)


def test_the_command_prints_what_the_contract_says(cli, long_index, tmp_path):
    files = ("--csv", tmp_path / "b.csv")
    done = cli(
        "bench", "--index", long_index, "--sizes", "20,40", "--queries", 2, "--rows", 64, "--no-peers", "--json", *files
    )
    assert done.code == 0, done.err
    assert [row["pages"] for row in done.json["rows"]] == [20] * 5 + [40] * 5
    assert all(set(row) == KEYS for row in done.json["rows"])
    assert "resamples 64 rows" in done.json["vectors"]
    assert done.json["ingest"] == []
    assert len((tmp_path / "b.csv").read_text().splitlines()) == 11
    assert json.loads(json.dumps(done.json)) == done.json


def test_the_command_prints_ratios_first(cli, long_index):
    done = cli("bench", "--index", long_index, "--sizes", "20", "--queries", 2, "--rows", 32, "--no-peers")
    assert done.code == 0, done.err
    head = done.out.splitlines()[1].split()
    assert head[:4] == ["pages", "x", "exact", "recall@10"]
    assert "Vectors: embeddings of 3 real pages" in done.out


@pytest.mark.parametrize("sizes", ["", "ten", "5", "100,"])
def test_sizes_that_cannot_be(cli, long_index, sizes):
    done = cli("bench", "--index", long_index, "--sizes", sizes)
    assert done.code == 2
    assert "--sizes" in done.err
