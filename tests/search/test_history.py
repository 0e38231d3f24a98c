"""The default search is a function of the pages in an index: the same hits and scores, whatever happened before."""

import os
import shutil

import pytest

from tests.conftest import ANIMALS, MACHINES
from tests.pdfs import write_pdf
from vrag import Index

QUERIES = ("penguins on the ice", "oil filter of the engine", "first edition", "QX-4471", "the and of")
TEXTS = {
    "a.pdf": ANIMALS,
    "b.pdf": MACHINES,
    "c.pdf": [*ANIMALS[:1], "first edition of the ice book", *MACHINES[:1]],  # with pages of the others
    "d.pdf": ["Krill", "Krill and ice", "The first oil"],
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    found = [write_pdf(folder / name, pages) for name, pages in TEXTS.items()]
    shutil.copy(found[0], folder / "z, a copy.pdf")
    return [*found, folder / "z, a copy.pdf"]


def answers(index):
    hits = [(query, hit) for query in QUERIES for hit in index.search(query, k=9)]
    return [(query, hit.path, hit.page, hit.score, hit.stages, hit.rows, hit.context_words) for query, hit in hits]


@pytest.fixture(scope="module")
def expected(files, tmp_path_factory):
    with Index.create(tmp_path_factory.mktemp("at once") / "index") as index:
        index.ingest(files, workers=1)
        return answers(index)


def test_the_default_search_does_not_remember(files, expected, tmp_path):
    others = [write_pdf(tmp_path / "other" / "word.pdf", ["ice"]), write_pdf(tmp_path / "other" / "x.pdf", ANIMALS * 4)]
    with Index.create(tmp_path / "index") as index:
        index.ingest(others[:1], workers=1)  # one word, which once fixed the scale of all that came after
        index.ingest([*others[1:], files[3]], workers=1)
        answers(index)
        index.remove(index.find_documents(["word.pdf"]))
        for file in reversed(files):
            index.ingest([file], workers=1)
    with Index.open(tmp_path / "index") as index:
        os.unlink(others[1])
        index.forget(index.gone([tmp_path / "other"]))
        assert answers(index) == expected  # with what was deleted still in the engine's segments
        index.compact()
        assert answers(index) == expected
    shutil.rmtree(tmp_path / "index" / "cache")
    with Index.open(tmp_path / "index") as index:
        assert answers(index) == expected


def test_a_name_that_went_away_leaves_no_context_behind(files, expected, tmp_path):
    copy = shutil.copy(files[1], files[1].with_name("0, gone soon.pdf"))
    with Index.create(tmp_path / "index") as index:
        index.ingest([copy, *files], workers=1)
        os.unlink(copy)
        index.forget(index.gone([copy]))
        assert answers(index) == expected
