"""`vrag plan`: the formulas by invariants, the sample on real pages, the command as a user runs it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.embedders.families import load_embedder
from vrag.pages.files import find_files
from vrag.pages.workers import PageWorkers, count_pages
from vrag.pipeline.pipeline import load_pipeline
from vrag.planning.estimate import GB, Disk, Machine, Sample, VectorSample, estimate, limit_notes, memory_a_page
from vrag.planning.probing import measure_files, measure_made_up
from vrag.settings import folder_bytes
from vrag.store.layout import ServerLayout

FULL = VectorSample("full", 128, 1000, 1024, False, 280)
ROWS = VectorSample("rows", 128, 32, 32, False, 10)
ONE = VectorSample("global", 128, 1, 1, True, 0.5)
DISK = Disk(1_000_000, 300_000, 200_000, 0)
SAMPLE = Sample(8, "here", 0.5, DISK, 5_000, (FULL, ROWS, ONE))
HUGE, NODE = Machine(1 << 60, 1 << 60), Machine(64 * GB, 2000 * GB)


def test_bytes_are_rows_by_dimension_by_two():
    assert FULL.bytes_a_page == 256_000
    assert ONE.bytes_a_page == 256


@given(st.integers(1, 10**9), st.sampled_from(["none", "scalar", "binary"]))
def test_everything_grows_with_the_pages(pages, quantization):
    layout = ServerLayout(quantization=quantization)
    one, ten = (estimate(SAMPLE, n, HUGE, NODE, layout) for n in (pages, pages * 10))
    assert one.disk < ten.disk <= 10 * one.disk  # an empty index takes something, and the log does not grow for ever
    assert ten.memory == pytest.approx(10 * one.memory)
    assert ten.embed_seconds == pytest.approx(10 * one.embed_seconds)
    assert ten.scan_seconds["rows"] == pytest.approx(10 * one.scan_seconds["rows"])
    assert ten.nodes >= one.nodes >= 1


def test_first_stages_keep_pooled_vectors_and_graphs_in_memory():
    graph = 32 * 4 * 1.1
    assert memory_a_page(SAMPLE.vectors, "none") == pytest.approx(33 * 128 * 2 + graph)
    assert memory_a_page(SAMPLE.vectors, "scalar") == pytest.approx(33 * 128 + graph)
    assert memory_a_page(SAMPLE.vectors, "binary") == pytest.approx(33 * 16 + graph)
    assert memory_a_page((FULL,), "none") == 0


def test_nodes_hold_every_replica_in_disk_and_in_memory():
    one = estimate(SAMPLE, 10_000_000, HUGE, NODE, ServerLayout())
    two = estimate(SAMPLE, 10_000_000, HUGE, NODE, ServerLayout(replication=2))
    assert one.nodes == 2  # 2,794 GiB of disk on nodes of 2,000, 80 GiB of memory on nodes of 45
    assert two.nodes == 4  # 160 GiB of memory
    assert estimate(SAMPLE, 10, HUGE, NODE, ServerLayout(replication=2)).nodes == 2


def test_the_log_and_the_kept_rows_have_a_limit():
    disk = Disk(1, 10, 1 << 20, 1 << 20)
    assert disk.of(0) == 1
    assert disk.of(1) == 1 + 10 + (2 << 20)
    assert disk.of(1000) == 1 + 10_000 + (64 << 20)  # too many rows to keep


def test_a_small_index_takes_what_was_planned(folder, indexed):
    pipeline, embedder, files = load_pipeline(), load_embedder("builtin"), find_files([folder])
    with PageWorkers(pipeline.page_spec(embedder.page_spec), 1) as workers:
        sample = measure_files(count_pages(files, workers)[0], 5, workers, pipeline, embedder)
    planned, taken = estimate(sample, 5, HUGE, NODE, ServerLayout()).disk, folder_bytes(indexed)
    assert taken / 1.5 < planned < taken * 1.5


def test_what_does_not_fit_is_said():
    small = Machine(1 * GB, 1 * GB)
    notes = " ".join(estimate(SAMPLE, 1_000_000, small, NODE, ServerLayout()).notes)
    assert "B of disk" in notes
    assert "of memory" in notes
    assert estimate(SAMPLE, 100, small, NODE, ServerLayout()).notes == ()


@pytest.mark.parametrize(("most", "hit"), [(8191, False), (8192, True)])
def test_the_servers_limit_is_seen(most, hit):
    notes = limit_notes((replace(FULL, most=most),))
    assert bool(notes) is hit
    assert not hit or "at most 8191" in notes[0]


def test_the_sample_is_of_the_users_pages(folder):
    pipeline, embedder = load_pipeline(), load_embedder("builtin")
    files = find_files([folder])
    with PageWorkers(pipeline.page_spec(embedder.page_spec), 1) as workers:
        counts, failed = count_pages([*files, folder / "none.pdf"], workers)
        sample = measure_files(counts, 3, workers, pipeline, embedder)
    assert (sum(counts.values()), len(failed)) == (5, 1)
    assert sample.pages == 3
    assert sample.seconds_a_page > 0
    assert [v.name for v in sample.vectors][0] == "full"
    assert sample.disk.a_page > sum(v.bytes_a_page for v in sample.vectors) * 0.9
    assert all(v.scan_us > 0 for v in sample.vectors)


def test_without_documents_the_sample_is_made_up():
    sample = measure_made_up(load_pipeline(), load_embedder("builtin"))
    assert "made-up" in sample.source
    assert sample.vectors[0].rows > 100


def test_a_pipeline_that_keeps_bits_alone_takes_less_and_is_scanned_by_them():
    embedder = load_embedder("builtin")
    whole, compact = (measure_made_up(load_pipeline(name), embedder) for name in ("builtin", "compact"))
    assert compact.vectors[0].bytes_a_page * 8 == whole.vectors[0].bytes_a_page
    assert compact.vectors[0].scan_us > 0
    assert compact.disk.a_page < whole.disk.a_page / 2


def test_the_command(cli, folder, tmp_path):
    done = cli("plan", folder, "--sample", 2, "--json")
    assert done.code == 0, done.err
    assert done.json["documents"] == 2
    assert done.json["estimate"]["pages"] == 5
    assert done.json["sample"]["vectors"][0]["bytes_a_page"] > 0
    assert not list(tmp_path.iterdir())
    people = cli("plan", "--pages", 10**9)
    assert people.code == 0
    assert "1,000,000,000" in people.out
    assert "B of disk" in people.err
    for wrong in (["plan"], ["plan", "missing"], ["plan", "--pages", "0"]):
        refused = cli(*wrong, "--json")
        assert refused.code == 2
        assert set(json.loads(refused.out)) == {"error", "hint"}
