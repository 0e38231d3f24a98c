"""The formulas of `vrag plan` by what must hold for any sample, machine and number of pages."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.bits.exact import MOST_BYTES
from vrag.planning.estimate import MULTIVECTOR_LIMIT, Disk, Machine, Sample, VectorSample, estimate, limit_notes
from vrag.store.layout import ServerLayout

GB = 10**9
HUGE = Machine(1 << 60, 1 << 60)
DISKS = st.builds(Disk, *[st.integers(0, 10**6).map(float)] * 4)
VECTORS = st.builds(
    VectorSample,
    name=st.just("rows"),
    dim=st.integers(8, 1024),
    rows=st.floats(1, 1000),
    most=st.integers(1, 10_000),
    graph=st.booleans(),
    scan_us=st.floats(0, 1000),
)
SAMPLES = st.builds(
    lambda disk, pooled: Sample(8, "here", 0.5, disk, 5_000, (VectorSample("full", 128, 700, 900, False, 9), *pooled)),
    DISKS,
    st.lists(VECTORS, max_size=3),
)
NODES = st.builds(Machine, st.integers(GB, 1000 * GB), st.integers(GB, 10_000 * GB))
LAYOUTS = st.builds(
    ServerLayout,
    replication=st.integers(1, 5),
    quantization=st.sampled_from(["none", "scalar", "binary"]),
)
PAGES = st.integers(1, 10**8)


@given(SAMPLES, PAGES, NODES, LAYOUTS)
def test_the_nodes_are_enough_and_one_less_is_not(sample, pages, node, layout):
    planned = estimate(sample, pages, HUGE, node, layout)
    disk, memory = layout.replication * planned.server_disk, layout.replication * planned.server_memory

    def holds(nodes):
        slack = 1 + 1e-9
        return disk <= nodes * node.disk * slack and memory <= nodes * 0.7 * node.memory * slack

    assert holds(planned.nodes)
    least = max(min(layout.replication, pages), 1)  # a copy is of no use beside the other
    assert planned.nodes == least or not holds(planned.nodes - 1 - 1e-6)


@given(DISKS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_disk_grows_with_the_pages_but_for_the_rows_that_are_kept_while_few(disk, one, other):
    few, many = sorted((one, other))
    if many * disk.rows_a_page <= MOST_BYTES or few * disk.rows_a_page > MOST_BYTES:
        assert disk.of(few) <= disk.of(many)
    assert disk.of(many) >= disk.empty + many * disk.a_page


def test_kept_rows_are_given_up_at_their_bound():
    disk = Disk(empty=5, a_page=0, log_a_page=0, rows_a_page=MOST_BYTES / 100)
    assert disk.of(100) == 5 + MOST_BYTES
    assert disk.of(101) == 5


@given(SAMPLES, PAGES, st.sampled_from(["scalar", "binary"]))
def test_quantization_never_takes_more_memory(sample, pages, quantization):
    whole, less = (
        estimate(sample, pages, HUGE, HUGE, ServerLayout(quantization=kind)).memory for kind in ("none", quantization)
    )
    assert less <= whole


@given(SAMPLES, PAGES)
def test_what_is_read_from_the_disk_takes_no_memory(sample, pages):
    """`full` is not scanned first, whatever its size."""
    larger = replace(sample, vectors=(replace(sample.vectors[0], rows=10**6), *sample.vectors[1:]))
    one, other = (estimate(which, pages, HUGE, HUGE, ServerLayout()).memory for which in (sample, larger))
    assert one == other


@given(SAMPLES, PAGES)
def test_every_vector_has_the_time_of_its_own_scan(sample, pages):
    sample = replace(sample, vectors=tuple(replace(v, name=f"v{n}") for n, v in enumerate(sample.vectors)))
    planned = estimate(sample, pages, HUGE, HUGE, ServerLayout())
    assert planned.scan_seconds == {v.name: pytest.approx(pages * v.scan_us / 1e6) for v in sample.vectors}


@pytest.mark.parametrize(
    ("memory", "disk", "says"),
    [
        (1000 * GB, 1000 * GB, []),
        (1000 * GB, 1 * GB, ["The index needs 300.0 GB of disk; 1.0 GB are free here."]),
        (10 * GB, 1000 * GB, ["First stages scan 8.2 GB; this machine has 10.0 GB of memory."]),
        (10 * GB, 1 * GB, ["The index needs", "First stages scan"]),
    ],
)
def test_each_limit_of_this_machine_is_said_by_itself(memory, disk, says):
    rows = VectorSample("rows", 128, 32, 32, False, 10)
    sample = Sample(8, "here", 0.5, Disk(0, 300_000, 0, 0), 0, (rows, rows))
    notes = estimate(sample, 1_000_000, Machine(memory, disk), HUGE, ServerLayout()).notes
    assert len(notes) == len(says)
    assert all(note.startswith(start) for note, start in zip(notes, says, strict=True))


@given(st.lists(VECTORS, max_size=4))
def test_a_vector_is_said_to_be_too_large_where_a_server_refuses_it(vectors):
    said = limit_notes(vectors)
    assert len(said) == sum(v.most * v.dim >= MULTIVECTOR_LIMIT for v in vectors)
    for v, note in zip((v for v in vectors if v.most * v.dim >= MULTIVECTOR_LIMIT), said, strict=True):
        most = int(note.partition("at most ")[2].partition(".")[0])
        assert most * v.dim < MULTIVECTOR_LIMIT <= (most + 1) * v.dim


def test_a_server_takes_what_1200_pages_of_reports_took_on_one():
    """Qdrant 1.18.3, one shard, optimized: 246 MB of segments and 60 MB of log; 7 MB and 174 MB in memory."""
    vectors = (
        VectorSample("full", 384, 200.25, 483, False, 0),
        VectorSample("runs", 384, 12.54, 30, False, 0),
        VectorSample("global", 384, 1, 1, True, 0),
    )
    disk = Disk(1_018_186, 200_407, 430_320, 0, bits_a_page=19_500)
    sample = Sample(48, "48 of these pages", 0, disk, 7_226, vectors, words=282, packed_a_page=25_900)
    planned = estimate(sample, 1200, HUGE, HUGE, ServerLayout())
    assert planned.server_disk == pytest.approx(306e6, rel=0.05)
    assert planned.server_memory == pytest.approx(181e6, rel=0.25)
