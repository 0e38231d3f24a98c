"""The text lane's encoder."""

import numpy as np
import pytest

from vrag.cascade.bm25 import Bm25Lane
from vrag.errors import UsageError


def test_words_meet_whatever_their_form():
    lane = Bm25Lane("english")
    page = lane.document(["Hydraulic", "pumps,", "model", "WX-4471"])
    for query in ("pump", "PUMPS", "wx-4471", "4471"):
        assert set(lane.query(query).indices.tolist()) <= set(page.indices.tolist()), query


def test_terms_are_unique_and_weighted_by_frequency():
    page = Bm25Lane().document(["valve", "valve", "valve", "spring"])
    assert len(set(page.indices.tolist())) == len(page.indices) == 2
    assert page.values.max() > page.values.min() > 0
    assert (page.indices.dtype, page.values.dtype) == (np.uint32, np.float32)


def test_stop_words_leave_nothing():
    assert len(Bm25Lane().query("the of and").indices) == 0
    assert len(Bm25Lane().document([]).indices) == 0


def test_an_unknown_language_is_said():
    with pytest.raises(UsageError, match="klingon"):
        Bm25Lane("klingon").query("x")
