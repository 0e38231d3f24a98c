"""Another pipeline for the same pages: the same vectors as an ingest would give, and no half-made state, ever."""

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ANIMALS, MACHINES, copy_index
from tests.pdfs import write_pdf
from vrag import Index
from vrag.catalog.page_record import without_sums
from vrag.errors import IndexMismatchError, UsageError
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.metadata_files import given
from vrag.pipeline.pipeline import load_pipeline, make_pipeline
from vrag.places.place import FolderPlace
from vrag.places.swap import DRAFT, finish_swap
from vrag.settings import SHARD
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Selection
from vrag.upkeep.copying import Unwatched
from vrag.upkeep.repool import repool, repool_into

PLACES = [("animals.pdf", 1), ("animals.pdf", 3), ("machines.pdf", 2)]
BANDS = {
    "vectors": {
        "bands": {"pooling": "bands", "count": 4},
        "few": {"pooling": "hierarchical", "factor": 2},
        "global": {"pooling": "mean", "single": True, "centred": True},
        "fde": {"pooling": "muvera", "single": True, "repetitions": 4},
    },
    "cascades": {"two-stage": "bands:3 > full", "encoded": "fde:3 > full"},
    "search": {"cascade": "two-stage"},
}


def pipeline(table=BANDS, name="bands"):
    return make_pipeline(name, table, "here")


@pytest.fixture
def copy(indexed, tmp_path):
    """A copy of the session's index, to be changed."""
    return copy_index(indexed, tmp_path / "copy")


def vectors(path, names):
    with Index.open(path) as index:
        return {(place, name): index.vectors(*place, name) for place in PLACES for name in names}


def payloads(path, spec):
    store = EdgeStore.open(path / SHARD, spec)
    try:
        # A file's stamp is remembered only once the file has settled: that depends on when it was looked at.
        timeless = {"stamps": [], "added": ""}
        return {record.id: {**without_sums(record.payload), **timeless} for record in store.scroll(Selection())}
    finally:
        store.close()


def test_metadata_stays_indexed(tmp_path, monkeypatch):
    write_pdf(tmp_path / "a.pdf", ANIMALS)
    with Index.create(tmp_path / "i") as index:
        index.ingest([tmp_path / "a.pdf"], options=IngestOptions(given=given(["year=2024"])))
    indexed, whole = {}, EdgeStore.index_keys

    def noted(self, keys):
        indexed.update(keys)
        whole(self, keys)

    monkeypatch.setattr(EdgeStore, "index_keys", noted)
    repool(tmp_path / "i", pipeline())
    assert indexed["meta.year"] == "float"


def repool_held(path, wanted):
    """The same through an index that is open."""
    with Index.hold(path) as index:
        return index.repool(wanted)


@pytest.mark.parametrize("repool", [repool, repool_held])
def test_the_vectors_are_those_of_an_ingest(copy, folder, tmp_path, repool):
    report = repool(copy, pipeline())
    assert (report.pages, report.pooled, report.pipeline) == (5, 5, "bands")
    fresh = tmp_path / "fresh"
    with Index.create(fresh, pipeline()) as index:
        index.ingest([folder])
    names = ("full", "bands", "few", "global", "fde")
    mine, theirs = vectors(copy, names), vectors(fresh, names)
    for key, expected in theirs.items():
        np.testing.assert_allclose(mine[key], expected, atol=3e-3)
    with Index.open(copy) as one, Index.open(fresh) as other:
        for cascade in (None, "exact", "encoded"):
            assert [h.page for h in one.search("bees", cascade=cascade)] == [
                h.page for h in other.search("bees", cascade=cascade)
            ]
    spec = pipeline().schema(384)
    assert payloads(copy, spec) == payloads(fresh, spec)
    assert not (copy / DRAFT).exists()


@pytest.mark.parametrize("repool", [repool, repool_held])
def test_there_and_back_again_changes_nothing(copy, repool):
    before = vectors(copy, ("full", "runs", "global"))
    repool(copy, pipeline())
    repool(copy, "builtin")
    after = vectors(copy, ("full", "runs", "global"))
    for key, expected in before.items():
        np.testing.assert_allclose(after[key], expected, atol=2e-3)
    with Index.open(copy) as index:  # the text lane, from the words that are kept of each page
        hit = index.search("QX-4471", cascade="text")[0]
    assert (hit.doc, hit.page) == ("machines.pdf", 2)


def test_documents_go_on_living_after_it(copy, tmp_path):
    repool(copy, pipeline())
    extra = write_pdf(tmp_path / "more" / "extra.pdf", ["Glaciers carve valleys\nout of the rock below."])
    with Index.open(copy) as index:
        assert index.ingest([extra]).added == 1
        assert index.search("glaciers")[0].doc == "extra.pdf"
        assert index.page_count == 6


@pytest.mark.parametrize("repool", [repool, repool_held])
def test_other_cascades_alone_need_no_pooling(copy, repool):
    table = {**load_pipeline().source, "cascades": {"fast": "runs:2 > full"}, "search": {"cascade": "fast"}}
    report = repool(copy, pipeline(table, "fast"))
    assert report.pooled == 0
    with Index.open(copy) as index:
        assert index.pipeline.default_cascade == "fast"
        assert index.search("krill")[0].page == 2


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"model": "vidore/colpali-v1.3"}, "was made with model builtin, not vidore/colpali-v1.3"),
        ({"page": {"dpi": 72}}, "made with dpi 144, not 72"),
        ({"page": {"crop": True}}, "made with crop the model's own choice, not {.*}"),
    ],
)
def test_what_needs_an_ingest_is_refused(copy, table, says):
    with pytest.raises(IndexMismatchError, match=says) as caught:
        repool(copy, pipeline(BANDS | table))
    assert "ingest into a new folder" in caught.value.hint
    assert not (copy / DRAFT).exists()


@pytest.mark.parametrize("repool", [repool, repool_held])
def test_a_pooling_that_does_not_fit_leaves_the_index_alone(copy, repool):
    with pytest.raises(UsageError, match="pooling 'rows' does not fit"):
        repool(copy, pipeline({"vectors": {"rows": {"pooling": "rows"}}}))
    assert not (copy / DRAFT).exists()
    with Index.open(copy) as index:
        assert index.search("krill")[0].page == 2


class Killed(BaseException):
    """What stands for a kill: nothing catches it."""


class KilledAfter(Unwatched):
    """A kill after so many records; after all of them where no number is given."""

    def __init__(self, records=None):
        self.left = records

    def starting(self, records):
        self.left = self.left or records

    def done(self, records):
        self.left -= records
        if self.left <= 0:
            raise Killed


def one_after_the_other(monkeypatch):
    monkeypatch.setattr("vrag.upkeep.copying._BATCH", 1)
    monkeypatch.setattr("vrag.upkeep.copying._AT_ONCE", 1)


def test_a_run_that_was_cut_off_goes_on(copy, monkeypatch):
    one_after_the_other(monkeypatch)

    with pytest.raises(Killed):
        repool(copy, pipeline(), KilledAfter(4))
    with Index.open(copy) as index:  # as it was
        assert index.pipeline.name == "builtin"
        assert index.search("krill")[0].page == 2
    assert 0 < repool(copy, pipeline()).pooled < 5
    with Index.open(copy) as index:
        assert index.pipeline.name == "bands"
        assert index.page_count == 5


def test_what_changed_in_between_is_not_forgotten(copy, folder, tmp_path, monkeypatch):
    one_after_the_other(monkeypatch)

    with pytest.raises(Killed):
        repool(copy, pipeline(), KilledAfter())
    moved = write_pdf(tmp_path / "d" / "moved.pdf", MACHINES)
    with Index.open(copy) as index:
        index.documents.unlink(index.documents.find("animals.pdf")[0], str(folder / "animals.pdf"))
        index.ingest([moved])
    report = repool(copy, pipeline())
    assert (report.pages, report.pooled) == (2, 0)
    with Index.open(copy) as index:
        assert index.page_count == 2
        assert len(index.documents.all()) == 1
        assert index.search("oil filter", where="doc=moved.pdf")[0].page == 1


def test_a_draft_for_another_pipeline_is_thrown_away(copy, monkeypatch):
    one_after_the_other(monkeypatch)

    with pytest.raises(Killed):
        repool(copy, pipeline(), KilledAfter(1))
    other = pipeline({"vectors": {"lines": {"pooling": "lines"}}}, "lines")
    assert repool(copy, other).pooled == 5
    assert vectors(copy, ["lines"])


def test_a_draft_without_contexts_does_not_become_an_index_with_them(copy):
    with pytest.raises(Killed):
        repool(copy, pipeline(), KilledAfter(1))
    repool(copy, pipeline({**BANDS, "context": ["name"]}))
    with Index.open(copy) as index:
        assert index.search("krill", cascade="full@regions+context")[0].page == 2


@pytest.mark.parametrize("repool", [repool, repool_held])
def test_bits_of_terms_that_pages_have_no_more_are_not_used(copy, repool):
    def found():
        with Index.open(copy) as index:
            return [hit.score for hit in index.search("hydraulic", cascade="full@bits+0.8*text")]

    before = found()
    repool(copy, pipeline({**load_pipeline().source, "text": {"language": "german"}}))
    after = found()
    shutil.rmtree(copy / "cache")
    assert after == found()
    assert after != before  # that word has another stem in German


@pytest.mark.parametrize("step", range(5))
def test_the_swap_can_be_cut_off_after_any_step(copy, monkeypatch, step):
    steps = iter(range(5))

    def cut(function):
        def wrapped(*arguments, **options):
            if next(steps, None) == step:
                raise Killed
            return function(*arguments, **options)

        return wrapped

    def swap(folder):
        if not (folder / DRAFT / "index.json").is_file():
            return finish_swap(folder)
        with monkeypatch.context() as patch:
            patch.setattr("vrag.places.swap.Path.rename", cut(type(folder).rename))
            patch.setattr("vrag.places.swap.Path.replace", cut(type(folder).replace))
            patch.setattr("vrag.places.swap.shutil.rmtree", cut(shutil.rmtree))
            return finish_swap(folder)

    monkeypatch.setattr("vrag.upkeep.repool.finish_swap", swap)
    if step < 4:
        with pytest.raises(Killed):
            repool(copy, pipeline())
    else:
        repool(copy, pipeline())
    with Index.open(copy) as index:
        assert index.pipeline.name == "bands"
        assert index.search("krill")[0].page == 2
    assert sorted(p.name for p in copy.iterdir() if p.name in (DRAFT, SHARD)) == [SHARD]


# Goes no further once so many batches are told of, so that it can be killed there.
STOPS = """
import sys, time
from vrag.upkeep.copying import Unwatched
from vrag.upkeep.repool import repool
class Stopping(Unwatched):
    batches = 0
    def done(self, records):
        self.batches += 1
        if self.batches == int(sys.argv[1]):
            print("here", flush=True)
            time.sleep(600)
repool("i", "mine.toml", Stopping())
"""


def test_a_kill_at_any_time_loses_nothing(tmp_path, cli):
    write_pdf(tmp_path / "d" / "long.pdf", [f"{ANIMALS[n % 3]}\n{n}" for n in range(60)])
    with Index.create(tmp_path / "i") as index:
        index.ingest([tmp_path / "d"])
    (tmp_path / "mine.toml").write_text('[vectors.few]\npooling = "hierarchical"\n[cascades]\nfew = "few:9 > full"\n')
    for line in (1, 3):
        arguments = [sys.executable, "-c", STOPS, str(line)]
        running = subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        assert running.stdout.readline() == "here\n"
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        running.stdout.close()
        found = cli("search", "krill", "--index", "i", "--json", "-k", 1, "--cascade", "two-stage")
        assert found.json["hits"][0]["stages"].keys() == {"runs", "full"}
    done = cli("repool", "--pipeline", "mine.toml", "--index", "i", "--json")
    assert done.code == 0
    assert done.json["pages"] == 60
    assert done.json["pooled"] < 60
    assert cli("search", "krill", "--index", "i", "--cascade", "few", "--json").json["hits"]


def test_the_command(cli, process, copy):
    done = cli("repool", "--pipeline", "builtin", "--index", copy)
    assert done.code == 0
    assert "has the pipeline builtin now: 0 pages pooled" in done.out
    for arguments, code, says in (
        ((), 2, "--pipeline"),
        (("--pipeline", "nope"), 2, "No pipeline 'nope'"),
        (("--pipeline", "paper-colpali-rows"), 1, "ingest into a new folder"),
    ):
        failed = cli("repool", *arguments, "--index", copy, "--json")
        assert failed.code == code
        assert says in failed.json["error"] + failed.json["hint"]
    with Index.open(copy):
        busy = process("repool", "--pipeline", "builtin", "--index", copy, "--wait", 0)
        assert busy.code == 1
        assert "The index is open in another process" in busy.err


def test_the_documents_context_goes_along_where_the_pipeline_wants_it(tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    with Index.create(tmp_path / "i") as index:
        index.ingest([tmp_path / "d"])
        before = index.search("snow leopard", k=3, cascade="best-exact")
    repool(tmp_path / "i", load_pipeline("builtin"))
    with Index.open(tmp_path / "i") as index:
        after = index.search("snow leopard", k=3, cascade="best-exact")
    assert [(hit.page, hit.score) for hit in after] == [(hit.page, pytest.approx(hit.score)) for hit in before]


def test_a_second_index_is_the_first_with_other_poolings(indexed, copy, tmp_path):
    done = repool_into(FolderPlace(indexed), FolderPlace(tmp_path / "second"), pipeline())
    assert (done.pages, done.pooled) == (5, 5)
    repool(copy, pipeline())
    names = [*BANDS["vectors"], "full"]
    here, there = vectors(tmp_path / "second", names), vectors(copy, names)
    for key, array in there.items():
        np.testing.assert_array_equal(here[key], array, err_msg=str(key))
    again = repool_into(FolderPlace(indexed), FolderPlace(tmp_path / "second"), pipeline())
    assert (again.pages, again.pooled) == (5, 0)


def test_a_second_index_that_was_cut_off_says_what_it_lacks_and_is_completed(indexed, tmp_path):
    with pytest.raises(Killed):
        repool_into(FolderPlace(indexed), FolderPlace(tmp_path / "second"), pipeline(), KilledAfter(5))
    with Index.open(tmp_path / "second") as index:
        assert [document.complete for document in index.documents.all()] == [False, False]
    assert repool_into(FolderPlace(indexed), FolderPlace(tmp_path / "second"), pipeline()).pooled == 0
    with Index.open(tmp_path / "second") as index:
        assert [document.complete for document in index.documents.all()] == [True, True]
        assert index.verify() == []


def test_a_second_index_takes_no_other_ones_place(indexed, copy):
    with pytest.raises(IndexMismatchError, match="made with pipeline builtin, not bands"):
        repool_into(FolderPlace(indexed), FolderPlace(copy), pipeline())
