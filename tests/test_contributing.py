"""CONTRIBUTING.md, followed to the letter: its blocks are what is added here."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.pdfs import write_pdf
from tests.search.pages import FIELDS, PAGES, point_id, record, runner, unit
from tests.store.toy import ToyPlace, ToyStore
from vrag import Index
from vrag.cascade.cascade import Cascade, Limit, Stage
from vrag.embedders import families, models
from vrag.embedders.families import FAMILIES, Backend
from vrag.embedders.models import ModelInfo
from vrag.pipeline.pipeline import load_pipeline
from vrag.pooling.poolings import POOLINGS
from vrag.search import plan, running
from vrag.search.plan import Limits
from vrag.search.ranking import rank_pages
from vrag.search.watching import watch

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block(first):
    """The block of the page whose first line is this."""
    found = [block for _, block in re.findall(r"```(python|toml)\n(.*?)```", TEXT, re.DOTALL) if first in block]
    assert len(found) == 1, first
    return found[0]


def run(first):
    """What a block of Python defines."""
    names = {"__name__": "added"}
    exec(block(first), names)
    return SimpleNamespace(**names)


def value(first, **names):
    """What the expression in a block is worth."""
    return eval(block(first).partition("\n")[2].strip(), names)


@pytest.fixture
def pdfs(tmp_path):
    return write_pdf(tmp_path / "pdfs" / "pump.pdf", ["relief valve of the pump", "freight revenue by region"]).parent


def test_a_pooling(tmp_path, pdfs, monkeypatch):
    monkeypatch.setitem(POOLINGS, "ends", run("vrag/pooling/ends.py").ends)
    (tmp_path / "mine.toml").write_text(block("[vectors.ends]"))
    with Index.create(tmp_path / "index", load_pipeline(str(tmp_path / "mine.toml"))) as index:
        index.ingest([pdfs])
        assert index.search("freight revenue", cascade="two-stage")[0].page == 2
        assert index.vectors("pump.pdf", 1, "ends").shape == (2, index.embedder.dim)


def test_an_embedder(tmp_path, pdfs, monkeypatch):
    info = value("in MODELS", ModelInfo=ModelInfo)
    added = run("vrag/embedders/letters.py")
    backend = value("in FAMILIES", Backend=Backend, LettersEmbedder=added.LettersEmbedder)
    for module in (families, models):
        monkeypatch.setattr(module, "MODELS", (*models.MODELS, info))
    monkeypatch.setitem(FAMILIES, "letters", backend)
    with Index.create(tmp_path / "index", model="letters") as index:
        index.ingest([pdfs])
        assert index.vectors("pump.pdf", 1).shape == (5, 26)
    with Index.open(tmp_path / "index") as index:
        assert [hit.page for hit in index.search("freight revenue")] == [2, 1]


def test_an_operator(monkeypatch):
    added = run("vrag/search/oldest.py")
    monkeypatch.setitem(sys.modules, "added", added)
    monkeypatch.setitem(plan.RULES, added.Oldest, added.rule)
    monkeypatch.setitem(running.METHODS, added.KeepOldest, added.keep_oldest)
    store = ToyStore(FIELDS)
    rng = np.random.default_rng(1)
    store.upsert([record(i, {"full": {point_id(i): unit(6, rng)}}) for i in range(PAGES)])
    asked, limits = runner(store), Limits(3, lambda: PAGES)
    cascade = Cascade("", (Stage("full", limit=Limit(12)), added.Oldest(Limit(6)), Stage("full")))
    assert str(asked.plan(cascade, limits)).splitlines() == ["engine: full:12", "oldest: 6", "engine: full:3"]
    best = [point.payload["page"] for point in rank_pages(asked, Cascade("", cascade.steps[:1]), 12).points]
    ranking = rank_pages(asked, cascade, 3)
    assert [point.payload["page"] for point in ranking.trail.passed(1)] == sorted(best)[:6]
    assert [label for label, _ in ranking.stages] == ["full", "oldest", "full#2"]
    assert {p.id for p in watch(asked, cascade, limits).let_through(1)} == {p.id for p in ranking.trail.passed(1)}


def test_a_store(pdfs):
    place = ToyPlace()
    with Index.create(place) as index:
        index.ingest([pdfs])
        assert index.search("freight revenue")[0].page == 2
    with Index.open(place) as index:
        assert [Path(document.paths[0]).name for document in index.find_documents()] == ["pump.pdf"]
        index.remove(index.find_documents())
        assert index.search("freight revenue") == []
