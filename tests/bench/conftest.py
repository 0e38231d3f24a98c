import numpy as np
import pytest

from tests.bits.naive import unit
from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from vrag.bench.vectors import VectorCorpus, VectorSource


@pytest.fixture(scope="session")
def source():
    """Pages about topics of their own, and queries about some of them."""
    rng = np.random.default_rng(3)
    pages = []
    for _ in range(12):
        topics = rng.normal(size=(4, 16))
        pages.append(unit(topics[rng.integers(0, 4, 40)] + 0.5 * rng.normal(size=(40, 16))))
    queries = [unit(page[rng.integers(0, 40, 6)] + 0.1 * rng.normal(size=(6, 16))) for page in pages[:5]]
    return VectorSource(pages, queries, "test", 16)


@pytest.fixture(scope="session")
def corpus(source):
    return VectorCorpus(source, 64)


@pytest.fixture(scope="session")
def long_index(tmp_path_factory):
    """An index of three pages with enough words to resample; tests must not change it."""
    from vrag import Index

    folder = tmp_path_factory.mktemp("long")
    lines = "\n".join(["the yellow submarine dives below cold northern waves"] * 12)
    write_pdf(folder / "long.pdf", [f"{ANIMALS[n]}\n{lines}\n{ANIMALS[n]}" for n in range(3)])
    with Index.create(folder / "index") as index:
        assert index.ingest([folder / "long.pdf"]).added == 3
    return folder / "index"
