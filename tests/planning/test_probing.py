"""The pages that are measured: spread over all, read if they can be, and never more than asked for."""

from concurrent.futures import Future
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.errors import PageError, UsageError
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers
from vrag.pipeline.pipeline import load_pipeline
from vrag.planning import probing
from vrag.planning.probing import _made_up, measure_files, this_machine


class Reader:
    """Says which pages are asked for, and can read none."""

    def __init__(self):
        self.asked = []

    def load(self, file, page):
        self.asked.append((file, page))
        future = Future()
        future.set_exception(PageError("not today"))
        return future


def picked(counts, wanted):
    reader = Reader()
    with pytest.raises(UsageError, match="No page of these documents can be read"):
        measure_files(counts, wanted, reader, load_pipeline(), None)
    return reader.asked


@given(st.lists(st.integers(0, 30), max_size=6), st.integers(1, 40))
def test_the_sample_is_spread_evenly_from_the_first_page_to_the_last(lengths, wanted):
    counts = {f"{number}.pdf": length for number, length in enumerate(lengths)}
    places = [(file, page) for file, pages in counts.items() for page in range(1, pages + 1)]
    asked = picked(counts, wanted)
    assert len(asked) == len(set(asked)) == min(wanted, len(places))
    found = [places.index(place) for place in asked]
    assert found == sorted(found)
    if len(asked) > 1:
        assert (found[0], found[-1]) == (0, len(places) - 1)
        gaps = [after - before for before, after in pairwise(found)]
        assert max(gaps) - min(gaps) <= 1


def test_files_that_are_none_give_no_estimate(tmp_path):
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    with PageWorkers(PageSpec(image=False, words=True), 1) as workers, pytest.raises(UsageError, match="nothing can"):
        measure_files({tmp_path / "bad.pdf": 1}, 3, workers, load_pipeline(), None)


def test_pages_that_cannot_be_read_are_left_out_of_the_sample(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(probing, "_measure", lambda pages, reading, source, *_: seen.append((pages, reading, source)))

    class Some(Reader):
        def load(self, file, page):
            future = super().load(file, page)
            if page % 2:
                future = Future()
                future.set_result(_made_up(page))
            return future

    measure_files({tmp_path / "a.pdf": 5}, 5, Some(), load_pipeline(), None)
    ((pages, reading, source),) = seen
    assert [page.number for page in pages] == [1, 3, 5]
    assert source == "3 of these pages"
    assert reading > 0


def test_the_disk_is_that_of_the_nearest_folder_there_is(tmp_path):
    here, deep = this_machine(tmp_path), this_machine(tmp_path / "not" / "yet" / "there")
    assert here.memory == deep.memory > 1 << 28
    assert deep.disk == pytest.approx(here.disk, rel=0.01)


def test_a_made_up_page_is_full_of_words_that_do_not_overlap():
    page = _made_up(2)
    boxes = page.words.boxes
    assert len(page.words) == len(boxes) == 400
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    ordered = boxes[np.lexsort((boxes[:, 0], boxes[:, 1]))].reshape(40, 10, 4)
    assert (ordered[:, :-1, 2] <= ordered[:, 1:, 0]).all()
    assert (ordered[:-1, :, 3] <= ordered[1:, :, 1]).all()
    assert page.words.texts != _made_up(1).words.texts
