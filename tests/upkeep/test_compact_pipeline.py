"""The recipe `compact`: pages of which `full` is kept as bits alone are searched, shown, checked and copied as any."""

from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import copy_index
from tests.pdfs import write_pdf
from tests.store.backend import Backend
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag import Index
from vrag.bits.kernels import compiled
from vrag.errors import IndexMismatchError, UsageError
from vrag.pipeline.pipeline import FULL, load_pipeline, make_pipeline
from vrag.places.place import FolderPlace, ServerPlace
from vrag.store.interface import Selection
from vrag.store.server.address import Server
from vrag.upkeep.copying import Unwatched, is_page
from vrag.upkeep.repool import repool, repool_into
from vrag.upkeep.transfer import transfer

pytestmark = LOCAL_MODE
QUESTIONS = ["which birds breed in Antarctica", "dance of the bees", "oil filter", "QX-4471"]
NAMES = (FULL, "runs", "global")


@pytest.fixture(scope="module")
def made(indexed, tmp_path_factory):
    """The session's pages in a compact index, which nobody changes."""
    path = copy_index(indexed, tmp_path_factory.mktemp("compact") / "index")
    repool(path, "compact")
    return path


def found(index, question, **options):
    return [(hit.doc, hit.page, round(hit.score, 3)) for hit in index.search(question, **options)]


def records(place):
    with Index.open(place) as index:
        return {r.id: r for r in index.stored.store.scroll(Selection(), NAMES) if is_page(r)}


def test_the_default_search_finds_what_it_finds_in_the_whole_index(indexed, made):
    with Index.open(indexed) as whole, Index.open(made) as compact:
        for question in QUESTIONS:
            assert found(compact, question) == found(whole, question)


def test_it_is_what_an_ingest_makes(made, folder, tmp_path):
    with Index.create(tmp_path / "fresh", "compact") as index:
        index.ingest([folder])
    one, other = records(made), records(tmp_path / "fresh")
    assert one.keys() == other.keys()
    for key, record in one.items():
        assert np.mean(record.vectors[FULL] == other[key].vectors[FULL]) > 0.99  # those were float16 in between
        assert (record.vectors["runs"] * other[key].vectors["runs"]).sum(axis=1).min() > 0.99


def test_it_lives_on(made, tmp_path):
    path = copy_index(made, tmp_path / "copy")
    extra = write_pdf(tmp_path / "more" / "extra.pdf", ["Glaciers carve valleys\nout of the rock below."])
    with Index.open(path) as index:
        index.ingest([extra])
        assert index.search("glaciers")[0].doc == "extra.pdf"
        assert index.verify() == []
        index.compact()
    with Index.open(path) as index:
        assert index.verify() == []
        assert index.search("glaciers")[0].doc == "extra.pdf"


def test_pooled_again_it_stays_what_it_is(made, tmp_path):
    path = copy_index(made, tmp_path / "copy")
    before = records(path)
    table = {**load_pipeline("compact").source, "vectors": {"runs": {"pooling": "runs", "size": 8}},
             "cascades": {}, "search": {}}  # fmt: skip
    repool(path, make_pipeline("others", table, "here"))
    repool(path, "compact")
    for key, record in records(path).items():
        for name in NAMES:
            np.testing.assert_array_equal(record.vectors[name], before[key].vectors[name])


def test_the_way_back_is_refused_and_says_what_is_lost(made, cli):
    done = cli("repool", "--pipeline", "builtin", "--index", made)
    assert done.code != 0
    assert "was made with bits.alone 2, not none" in done.err
    assert "were not kept: ingest the files into a new folder" in " ".join(done.err.split())
    fewer = {**load_pipeline("compact").source, "bits": {"full": 1, "alone": True}}
    with pytest.raises(IndexMismatchError, match="bits.alone 2, not 1"):
        repool(made, make_pipeline("fewer", fewer, "here"))
    with Index.open(made) as index:
        assert index.pipeline.name == "compact"


@pytest.mark.parametrize("kernels", ["as they are", "none"])
@pytest.mark.parametrize("cascade", ["exact", "full", "two-stage", "three-stage", "full@regions", "mean(full)",
                                     "runs:3 > full@regions+context", "union(runs:3, full:3) > full"])  # fmt: skip
def test_every_stage_over_full_is_scored_by_bits(made, monkeypatch, kernels, cascade):
    if kernels == "none":
        monkeypatch.setattr(compiled, "kernels", lambda: None)
    with Index.open(made) as index:
        hits = index.search("which birds breed in Antarctica", cascade=cascade)
        assert (hits[0].doc, hits[0].page) == ("animals.pdf", 2)
        assert len(index.explain("Antarctica", "animals.pdf", 2, cascade=cascade).stages) >= 1


def test_bits_of_full_cannot_be_blended_in(made):
    with Index.open(made) as index, pytest.raises(UsageError, match="bits alone of 'full'"):
        index.search("krill", cascade="runs+0.5*full:3")


def test_pages_are_shown_as_ever(made, indexed):
    with Index.open(made) as index, Index.open(indexed) as whole:
        (hit, *_), (same, *_) = index.search("krill", k=1), whole.search("krill", k=1)
        assert (hit.region, hit.words) == (same.region, same.words)
        assert index.snippet("krill", hit) == whole.snippet("krill", same)
        mine, theirs = ([(h.doc, h.page) for h in one.search_like("animals.pdf", 1)] for one in (index, whole))
        assert mine[:2] == theirs[:2]  # the others are as little like it as each other
        assert set(mine) == set(theirs)
        mine, theirs = (one.explain("krill", "animals.pdf", 2) for one in (index, whole))
        assert [match.text for match in mine.matches] == [match.text for match in theirs.matches]


def test_what_is_not_what_was_written_is_found(made, tmp_path):
    with Index.open(copy_index(made, tmp_path / "copy")) as index:
        one = next(r for r in index.stored.store.scroll(Selection(), [*NAMES, "text"]) if is_page(r))
        rows = one.vectors[FULL]
        index.stored.store.upsert([replace(one, vectors={**one.vectors, FULL: rows[::-1].copy()})])
        assert "vector full is not what was written" in [problem.problem for problem in index.verify()]


@pytest.fixture
def server():
    with rest_server(Backend()) as url:
        yield lambda collection="c", at=url: ServerPlace(Server(at, grpc_port=0), collection)


def check_server(made, server, tmp_path):
    """There and back it is the same; there it is searched, and refuses what only an embedded index can do."""
    pushed = transfer(FolderPlace(made), server(), Unwatched())
    pulled = transfer(server(), FolderPlace(tmp_path / "back"), Unwatched())
    assert pulled.checksum == pushed.checksum
    here = records(made)
    for key, record in records(tmp_path / "back").items():
        for name in NAMES:
            np.testing.assert_array_equal(record.vectors[name], here[key].vectors[name])
    with Index.open(server()) as index, Index.open(made) as embedded:
        assert index.verify() == []
        for question in QUESTIONS:
            there, here = (one.search(question, cascade="runs:5 > full@regions+context") for one in (index, embedded))
            assert [(hit.doc, hit.page) for hit in there] == [(hit.doc, hit.page) for hit in here]
            assert [hit.score for hit in there] == pytest.approx([hit.score for hit in here], abs=2e-3)
        assert index.search(QUESTIONS[0])[0].page == 2
        with pytest.raises(UsageError, match="keeps 'full' as bits, which the engine cannot score"):
            index.search("krill", cascade="exact")


def test_on_a_server(made, server, tmp_path):
    check_server(made, server, tmp_path)


@pytest.mark.qdrant
def test_on_a_real_server(made, qdrant, tmp_path):
    check_server(made, lambda: ServerPlace(qdrant, f"compact-{tmp_path.name}"), tmp_path)


def test_an_index_on_a_server_becomes_a_compact_one_beside_it(indexed, server, tmp_path):
    transfer(FolderPlace(indexed), server("whole"), Unwatched())
    repool_into(server("whole"), server("compact"), "compact")
    with Index.open(server("compact")) as index:
        assert index.search("krill")[0].page == 2
