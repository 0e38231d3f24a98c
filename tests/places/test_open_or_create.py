"""`Index.open_or_create`: one line for programs that do not care whether they run for the first time."""

import subprocess
import sys

import pytest

from tests.conftest import ANIMALS, copy_index
from tests.pdfs import write_pdf
from vrag import Index
from vrag.errors import IndexMismatchError, UsageError
from vrag.pipeline.pipeline import load_pipeline
from vrag.places.place import FolderPlace
from vrag.remote.remote_index import RemoteIndex
from vrag.serve.serving import serving


def test_it_is_made_once_and_then_opened(tmp_path):
    file = write_pdf(tmp_path / "a.pdf", ANIMALS)
    for added in (3, 0):
        with Index.open_or_create(tmp_path / "i") as index:
            assert isinstance(index, Index)
            assert index.ingest([file]).added == added
            assert index.page_count == 3


def test_the_pipeline_and_the_model_are_those_that_were_asked_for(tmp_path):
    with Index.open_or_create(tmp_path / "i", "plain", "builtin") as index:
        assert index.pipeline.name == "plain"
    for pipeline in ("plain", load_pipeline("plain"), None):
        with Index.open_or_create(tmp_path / "i", pipeline) as index:
            assert index.pipeline.name == "plain"
    with pytest.raises(IndexMismatchError, match=r"was made with pipeline plain, not builtin. Open it without"):
        Index.open_or_create(tmp_path / "i", "builtin")
    with pytest.raises(IndexMismatchError, match="was made with model builtin, not multilingual"):
        Index.open_or_create(tmp_path / "i", model="multilingual")
    with Index.open_or_create(tmp_path / "i") as index:  # nobody has kept it open
        assert index.model_name == "builtin"


def test_what_a_service_holds_is_asked_of_it(indexed, tmp_path):
    own = copy_index(indexed, tmp_path / "own")
    with serving(FolderPlace(own)), Index.open_or_create(own) as index:
        assert isinstance(index, RemoteIndex)
        assert index.search("bees", 1)[0].page == 3
    with serving(FolderPlace(own)), pytest.raises(IndexMismatchError, match="not plain"):
        Index.open_or_create(own, "plain")


def test_somebody_elses_folder_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(UsageError, match="is no index, and there is something in it"):
        Index.open_or_create(tmp_path)
    with pytest.raises(UsageError, match="nope"):
        Index.open_or_create(tmp_path / "i", "nope")
    assert not (tmp_path / "i").exists()


def test_two_programs_that_start_together_share_one_index(tmp_path):
    code = """
import sys
from vrag import Index
with Index.open_or_create(sys.argv[1], wait=60) as index:
    print(index.ingest([sys.argv[2]]).added)
"""
    file = write_pdf(tmp_path / "a.pdf", ANIMALS)
    run = [sys.executable, "-c", code, str(tmp_path / "i"), str(file)]
    both = [subprocess.Popen(run, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(one.communicate(timeout=120)[0].strip() for one in both) == ["0", "3"]
    assert [one.returncode for one in both] == [0, 0]


def test_on_a_server_too(any_server):
    made = Index.open_or_create(any_server.url, "plain", collection="oneline")
    made.close()
    with Index.open_or_create(any_server.url, collection="oneline") as index:
        assert (index.pipeline.name, index.page_count) == ("plain", 0)
    with pytest.raises(IndexMismatchError, match="not builtin"):
        Index.open_or_create(any_server.url, "builtin", collection="oneline")
