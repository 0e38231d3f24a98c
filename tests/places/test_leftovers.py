"""An index has its folder to itself: what is there already is left alone, unless an index has left it."""

import shutil
import signal
import subprocess
import sys
from functools import partial

import pytest

from tests.conftest import ANIMALS, copy_index
from tests.pdfs import write_pdf
from vrag import Index
from vrag.errors import StoreError, UsageError
from vrag.ingest.report import Silent
from vrag.places.place import FolderPlace
from vrag.upkeep.repool import repool_into
from vrag.upkeep.transfer import transfer


@pytest.fixture
def animals(tmp_path):
    return write_pdf(tmp_path / "animals.pdf", ANIMALS)


def test_a_folder_with_something_else_in_it_becomes_no_index(animals, tmp_path, cli):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match=r"is no index, and there is something in it: animals\.pdf") as caught:
        Index.create(tmp_path)
    assert f"--index {tmp_path / '.vrag'}" in caught.value.hint
    done = cli("ingest", ".", "--index", ".")
    assert (done.code, sorted(tmp_path.iterdir())) == (2, before)
    assert "animals.pdf" in done.err


@pytest.mark.parametrize("theirs", ["shard/notes.txt", "cache/x", "lock/x", "repool/x", "index.json.bak"])
def test_what_is_called_as_an_index_calls_its_own_is_not_taken_for_it(tmp_path, theirs):
    (tmp_path / theirs).parent.mkdir(exist_ok=True)
    (tmp_path / theirs).write_text("mine")
    with pytest.raises(UsageError, match="is no index"):
        Index.create(tmp_path)
    assert (tmp_path / theirs).read_text() == "mine"


def test_a_creation_that_was_cut_off_is_begun_again(tmp_path, animals):
    place = tmp_path / "i"
    with Index.create(place) as index:
        index.ingest([animals])
    (place / "index.json").rename(place / "index.json.4711")  # killed before the last step
    (place / "shard" / ".atomicwriteZzYyXx").mkdir()  # as the engine is killed while it writes its settings
    with Index.create(place) as again:
        assert again.page_count == 0
        assert again.ingest([animals]).added == 3


def test_a_creation_that_was_killed_at_its_last_step_is_begun_again(tmp_path):
    code = (
        "import os, signal, sys\n"
        "from vrag import Index\n"
        "def hook(event, arguments):\n"
        "    if event == 'os.rename' and '.index.json.vrag-draft-' in str(arguments[0]):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.addaudithook(hook)\n"
        f"Index.create({str(tmp_path / 'i')!r})\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert len(list((tmp_path / "i").glob(".index.json.vrag-draft-*"))) == 2
    with Index.create(tmp_path / "i") as again:
        assert again.page_count == 0
    assert not list((tmp_path / "i").glob(".index.json.vrag-draft-*"))


def test_a_copy_goes_into_no_folder_of_somebody_else(tmp_path, indexed):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "a.txt").write_text("mine")
    for work in (transfer, partial(repool_into, pipeline="plain")):
        with pytest.raises(UsageError, match="is no index"):
            work(FolderPlace(indexed), FolderPlace(theirs), *([None] if work is transfer else []))
    assert [entry.name for entry in theirs.iterdir()] == ["a.txt"]


class Remover(Silent):
    """Removes the index once its first pages are in."""

    def __init__(self, folder):
        self.folder = folder

    def page(self, ok):
        shutil.rmtree(self.folder, ignore_errors=True)


def test_an_index_that_is_removed_while_it_is_written_is_one_sentence(tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", [f"{ANIMALS[n % 3]} {n}" for n in range(30)])
    says = pytest.raises(StoreError, match="was removed or moved while it was open")
    with says, Index.create(tmp_path / "i", "plain") as index:
        index.ingest([tmp_path / "d"], workers=1, progress=Remover(tmp_path / "i"))
    assert not (tmp_path / "i" / "shard").exists()


def test_another_pipeline_for_an_index_is_a_matter_of_repooling(cli, indexed, folder, animals):
    done = cli("ingest", animals, "--index", indexed, "--pipeline", "plain")
    assert done.code == 1
    assert f"vrag repool --pipeline plain --index {indexed}" in done.err


def test_bits_that_cannot_be_taken_away_are_one_sentence(cli, indexed, tmp_path):
    index = copy_index(indexed, tmp_path / "index")
    shutil.rmtree(index / "cache")
    (index / "cache").write_text("a file")
    (tmp_path / "small.toml").write_text('[vectors.few]\npooling = "runs"\ncap = 2\n')
    done = cli("repool", "--pipeline", tmp_path / "small.toml", "--index", index)
    assert done.code == 1
    assert "The cache of the index cannot be written" in done.err
    (index / "cache").unlink()
    assert cli("repool", "--pipeline", tmp_path / "small.toml", "--index", index).code == 0
