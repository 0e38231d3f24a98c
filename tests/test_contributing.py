"""CONTRIBUTING.md, followed to the letter: its blocks are what is added here."""

import re
from pathlib import Path

import pytest

from tests.pdfs import write_pdf
from tests.store.toy import ToyPlace
from vrag import Index
from vrag.embedders import families, models
from vrag.embedders.families import FAMILIES, Backend
from vrag.embedders.models import ModelInfo
from vrag.pipeline.pipeline import load_pipeline
from vrag.pooling.poolings import POOLINGS

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block(first):
    """The block of the page whose first line is this."""
    found = [block for _, block in re.findall(r"```(python|toml)\n(.*?)```", TEXT, re.DOTALL) if first in block]
    assert len(found) == 1, first
    return found[0]


def run(first, name):
    """What a block of Python calls by this name."""
    names = {"__name__": "added"}
    exec(block(first), names)
    return names[name]


def value(first, **names):
    """What the expression in a block is worth."""
    return eval(block(first).partition("\n")[2].strip(), names)


@pytest.fixture
def pdfs(tmp_path):
    return write_pdf(tmp_path / "pdfs" / "pump.pdf", ["relief valve of the pump", "freight revenue by region"]).parent


def test_a_pooling(tmp_path, pdfs, monkeypatch):
    monkeypatch.setitem(POOLINGS, "ends", run("vrag/pooling/ends.py", "ends"))
    (tmp_path / "mine.toml").write_text(block("[vectors.ends]"))
    with Index.create(tmp_path / "index", load_pipeline(str(tmp_path / "mine.toml"))) as index:
        index.ingest([pdfs])
        assert index.search("freight revenue", cascade="two-stage")[0].page == 2
        assert index.vectors("pump.pdf", 1, "ends").shape == (2, index.embedder.dim)


def test_an_embedder(tmp_path, pdfs, monkeypatch):
    info = value("in MODELS", ModelInfo=ModelInfo)
    backend = value("in FAMILIES", Backend=Backend, LettersEmbedder=run("vrag/embedders/letters.py", "LettersEmbedder"))
    for module in (families, models):
        monkeypatch.setattr(module, "MODELS", (*models.MODELS, info))
    monkeypatch.setitem(FAMILIES, "letters", backend)
    with Index.create(tmp_path / "index", model="letters") as index:
        index.ingest([pdfs])
        assert index.vectors("pump.pdf", 1).shape == (5, 26)
    with Index.open(tmp_path / "index") as index:
        assert [hit.page for hit in index.search("freight revenue")] == [2, 1]


def test_a_store(pdfs):
    place = ToyPlace()
    with Index.create(place) as index:
        index.ingest([pdfs])
        assert index.search("freight revenue")[0].page == 2
    with Index.open(place) as index:
        assert [Path(document.paths[0]).name for document in index.find_documents()] == ["pump.pdf"]
        index.remove(index.find_documents())
        assert index.search("freight revenue") == []
