"""Results in mteb's own form; where mteb is installed it loads them itself."""

import json

import numpy as np
import pytest

from tests.evaluation.made_up import made_up_run
from vrag.evaluation.reports.mteb import model_name, model_revision, write_mteb

LANGUAGES = {"a": "english", "b": "english", "c": "french", "d": "french"}
QRELS = {"a": {"p1": 2, "p2": 1}, "b": {"p3": 1}, "c": {"p1": 1}, "d": {"p4": 1}}
HITS = {"a": {"p2": 2.0, "p1": 1.0}, "b": {"p3": 1.0}, "c": {"p2": 1.0, "p1": 0.5}, "d": {}}
CODES = {"english": "eng-Latn", "french": "fra-Latn"}


@pytest.fixture
def written(tmp_path):
    """The file of one task of ViDoRe v2 with two languages."""
    run = made_up_run({"runs:2 > full": HITS}, QRELS, LANGUAGES, "Vidore2ESGReportsRetrieval", "ndcg_at_5",
                      codes=CODES, revision="f" * 40)  # fmt: skip
    (path,) = write_mteb([run], tmp_path)
    return path


def test_the_layout(written, tmp_path):
    parts = written.relative_to(tmp_path).parts
    assert parts[0] == "mteb"
    assert parts[2:] == ("results", "vrag__builtin", "abc", "Vidore2ESGReportsRetrieval.json")
    assert json.loads(written.with_name("model_meta.json").read_text()) == {"name": "vrag/builtin", "revision": "abc"}


def test_the_scores(written):
    result = json.loads(written.read_text())
    assert set(result) == {"dataset_revision", "task_name", "mteb_version", "scores", "evaluation_time",
                           "kg_co2_emissions"}  # fmt: skip
    assert result["dataset_revision"] == "f" * 40
    assert result["evaluation_time"] == 4.0  # two seconds of indexing, four questions
    english, french = result["scores"]["test"]
    assert (english["hf_subset"], english["languages"]) == ("english", ["eng-Latn"])
    first = (1 + 2 / np.log2(3)) / (2 + 1 / np.log2(3))
    assert english["main_score"] == english["ndcg_at_5"] == pytest.approx((first + 1) / 2)
    assert french["ndcg_at_1"] == 0.0
    assert french["mrr_at_1000"] == pytest.approx(0.25)  # four pages: all were judged


def test_cuts_past_the_depth_are_left_out(tmp_path):
    many = {"q": {f"p{n:04d}": float(-n) for n in range(100)}}
    run = made_up_run({"exact": many}, {"q": {"p0000": 1, **{f"x{n}": 1 for n in range(50)}}})
    (path,) = write_mteb([run], tmp_path)
    (scores,) = json.loads(path.read_text())["scores"]["test"]
    assert "recall_at_100" in scores
    assert "recall_at_1000" not in scores
    assert scores["hf_subset"] == "default"
    assert scores["languages"] == []


def test_models_without_organisation_or_revision():
    run = made_up_run({"exact": HITS}, QRELS)
    assert (model_name(run), model_revision(run)) == ("vrag/builtin", "abc")
    run.model, run.fingerprint = "vidore/colpali-v1.3", {"revision": "refs/pr/1"}
    assert (model_name(run), model_revision(run)) == ("vidore/colpali-v1.3", "refs-pr-1")
    run.fingerprint = {}
    assert len(model_revision(run)) == 16


def test_mteb_loads_it(written):
    results = pytest.importorskip("mteb.results", reason="mteb is not installed: pip install mteb")
    result = results.TaskResult.from_disk(written)
    scores = json.loads(written.read_text())["scores"]["test"]
    assert result.task_name == "Vidore2ESGReportsRetrieval"
    assert result.get_score() == pytest.approx(np.mean([s["main_score"] for s in scores]))
    assert set(result.hf_subsets) == {"english", "french"}
    cache = pytest.importorskip("mteb.cache").ResultCache(cache_path=written.parents[3])
    loaded = cache.load_results(tasks=["Vidore2ESGReportsRetrieval"], include_remote=False)
    (model,) = loaded.model_results
    assert (model.model_name, model.model_revision) == ("vrag/builtin", "abc")
