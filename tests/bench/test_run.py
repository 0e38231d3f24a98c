"""The whole benchmark at toy sizes, and the command."""

import json

import numpy as np
import pytest

from tests.pdfs import write_pdf
from vrag.bench import run as run_module
from vrag.bench.apart import measure_apart
from vrag.bench.engine import CASCADES, BenchStore
from vrag.bench.footprint import Usage, measure_memory, usage_of
from vrag.bench.ingesting import IngestBench
from vrag.bench.measure import Result, best
from vrag.bench.peers import Peer
from vrag.bench.run import Bench
from vrag.errors import UsageError

KEYS = {
    "pages",
    "system",
    "cascade",
    "qps",
    "recall_at_10",
    "ratio",
    "median_ms",
    "p95_ms",
    "bytes",
    "queries",
    "build_s",
    "ndcg_kept",
    "questions_recall_at_10",
    "questions_ndcg_kept",
}

BITS = (64 + 32) * 16  # bytes of a page: a sign for each value of its rows, full and pooled
KEPT = 64 * 16 * 2  # and its rows in float16


def test_every_system_at_every_size(corpus, tmp_path, monkeypatch):
    broken, good = Peer("broken", "numpy", ""), Peer("good", "numpy", "")
    absent = Peer("absent", "no_such_module", "pip install absent")
    large = Peer("large", "numpy", "", most=(40, "it is large"))
    monkeypatch.setattr(run_module, "PEERS", (broken, absent, large, good))

    def measured(name, corpus, pages, folder, most_s):
        return Result([1e-9] * 5, [[]] * 5) if name == "good" else 1 / 0

    monkeypatch.setattr(run_module, "measure_apart", measured)
    told = []
    report = Bench(corpus, [60, 40, 60], True, tmp_path, told.append).run()
    assert [row.pages for row in report.rows] == [40] * 8 + [60] * 8
    for size in (40, 60):
        rows = [row for row in report.rows if row.pages == size]
        assert {row.cascade for row in rows} == {"", *CASCADES.values()}
        assert all(row.recall_at_10 >= 0.9 for row in rows if row.system != "good")
        assert rows[0].system == "good"
        assert next(row.recall_at_10 for row in rows if row.cascade == "full") == 1.0
        assert max(row.ratio for row in rows if row.system != "good" and row.cascade in ("", "full")) == 1
        ours = [row for row in rows if row.system == "vrag"]
        assert [row.bytes for row in ours] == [size * BITS] * 2
        assert all(row.build_s > 0 and row.queries == 5 for row in ours)
    notes = "\n".join(report.notes)
    assert "broken at 40 pages: failed, ZeroDivisionError" in notes
    assert "absent at 60 pages: left out, not installed (pip install absent)" in notes
    assert "large at 60 pages: left out, it is large" in notes
    assert [(one.pages, one.mapped) for one in report.memory] == [(size, size * (BITS + KEPT)) for size in (40, 60)]
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_said_before_the_work(corpus, tmp_path):
    with pytest.raises(UsageError, match="--work|GB free"):
        Bench(corpus, [10**12], False, tmp_path, lambda text: None).run()
    assert list(tmp_path.iterdir()) == []


def test_a_peer_that_does_not_fit_into_memory_is_left_out():
    assert "memory" in run_module._left_out(Peer("large", "numpy", "", copies=1.3), 10, 1e18)
    assert run_module._left_out(Peer("small", "numpy", "", copies=1.3), 10, 1.0) == ""


def test_two_processes_share_the_bits(corpus, tmp_path):
    store = BenchStore(tmp_path, corpus.source.dim)
    store.grow(corpus, 30)
    store.close()
    found = measure_memory(tmp_path, corpus.source.dim, 30, corpus.source.queries)
    assert found.mapped == 30 * (BITS + KEPT)
    # Who lets all thirty pages through has Qdrant score them, and leaves the rows alone.
    for usage, read in ((found.search, 30 * BITS), (found.scorer, found.mapped)):
        assert read <= usage.bits < read + 4 * 4096
        assert usage.bits_share == pytest.approx(usage.bits - found.search.bits / 2, rel=0.01)
        assert usage.private > 1e6
    assert "30 pages" in found.describe()
    assert f"together {round(found.total / 1e6)} MB" in found.describe()


SMAPS = """\
7f0000000000-7f0000010000 r--s 00000000 fd:00 42 /tmp/x/bits/full.1.bits
Rss:                  64 kB
Pss:                  32 kB
Private_Clean:         0 kB
7f0000020000-7f0000030000 r--s 00000000 fd:00 43 /tmp/x/shard/segments/a/chunk.mmap
Rss:                 100 kB
Private_Clean:       100 kB
7f0000040000-7f0000050000 rw-p 00000000 00:00 0
Rss:                   8 kB
Private_Dirty:         8 kB
"""


def test_what_linux_says_of_a_process_is_told_apart():
    assert usage_of(SMAPS) == Usage(bits=64 << 10, bits_share=32 << 10, private=8 << 10)


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
    assert [row["pages"] for row in done.json["rows"]] == [20] * 7 + [40] * 7
    assert all(set(row) == KEYS for row in done.json["rows"])
    assert "resamples 64 rows" in done.json["vectors"]
    assert done.json["ingest"] == []
    assert len((tmp_path / "b.csv").read_text().splitlines()) == 15
    assert [one["pages"] for one in done.json["memory"]] == [20, 40]
    assert json.loads(json.dumps(done.json)) == done.json


def test_real_questions_are_asked(cli, long_index, tmp_path):
    (tmp_path / "q.jsonl").write_text(
        '{"query": "which waves", "doc": "long.pdf", "page": 2}\n{"query": "a submarine"}\n{"query": "never asked"}\n'
    )
    options = ("--queries", 2, "--rows", 32, "--no-peers", "--questions", tmp_path / "q.jsonl")
    done = cli("bench", "--index", long_index, "--sizes", "20", *options)
    assert done.code == 0, done.err
    assert "Queries: 2 pieces of text of those pages, 2 questions of a file." in done.out
    assert "Memory of the fast path at 20 pages" in done.out
    done = cli("bench", "--index", long_index, "--sizes", "20", "--json", *options)
    for row in done.json["rows"]:
        assert row["queries"] == 4
        kept = [row[name] for name in ("ndcg_kept", "questions_recall_at_10", "questions_ndcg_kept")]
        assert all(value is not None for value in kept)
        assert row["system"] != "numpy GEMM" or kept == [1, 1, 1]


def test_the_command_prints_ratios_first(cli, long_index):
    done = cli("bench", "--index", long_index, "--sizes", "20", "--queries", 2, "--rows", 32, "--no-peers")
    assert done.code == 0, done.err
    head = done.out.splitlines()[0].split()
    assert [name for name in ("x", "queries/s", "p95") if name in head] == ["x", "queries/s", "p95"]
    assert head.index("x") < head.index("queries/s")
    assert "global@hnsw:1000" in done.out
    assert "Vectors: embeddings of 3 real pages" in done.out


@pytest.mark.parametrize("sizes", ["", "ten", "5", "100,"])
def test_sizes_that_cannot_be(cli, long_index, sizes):
    done = cli("bench", "--index", long_index, "--sizes", sizes)
    assert done.code == 2
    assert "--sizes" in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--plot", "missing/p.png"], "there is no such folder"),
        (["--csv", "."], "it is a folder"),
        (["--questions", "none.jsonl"], "none.jsonl has no questions"),
        (["--questions", "missing.jsonl"], "missing.jsonl"),
        (["--index", "missing"], "No index"),
    ],
)
def test_what_would_fail_at_the_end_fails_before_the_work(cli, long_index, tmp_path, arguments, says):
    (tmp_path / "none.jsonl").write_text("\n")
    done = cli("bench", "--index", long_index, "--sizes", "20", *arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert "pages" not in done.err  # no step of the work was begun


def test_a_plot_without_matplotlib_is_refused_before_the_work(process, long_index, tmp_path):
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "matplotlib.py").write_text("raise ImportError('blocked')")
    options = ("--index", long_index, "--sizes", "20", "--plot", "p.png")
    done = process("bench", *options, env={"PYTHONPATH": str(tmp_path / "blocked")})
    assert (done.code, done.out) == (2, "")
    assert "vrag-toolkit[bench]" in done.err
