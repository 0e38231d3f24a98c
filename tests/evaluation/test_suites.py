"""Suites as data, and `vrag eval` on copies of their data sets."""

import json

import pytest

from tests.evaluation import mirrors
from vrag.errors import UsageError
from vrag.evaluation.benchmarks.suites import find_suite_tasks, load_suites
from vrag.evaluation.results.published import beside_published, published_scores

SIZES = {"vidore-v1": (10, 0), "vidore-v2": (4, 0), "vidore-v3": (8, 2)}
# Sums of the data sets' cards.
PAGES = {"vidore-v1": 6729, "vidore-v2": 4544, "vidore-v3": 19252}


def test_suites_are_complete():
    suites = load_suites()
    for name, (public, private) in SIZES.items():
        tasks = suites[name]
        assert [task.private for task in tasks].count(False) == public
        assert [task.private for task in tasks].count(True) == private
        assert sum(task.pages or 0 for task in tasks) == PAGES[name]
    everything = [task for tasks in suites.values() for task in tasks]
    assert len({task.name for task in everything}) == 24
    for task in everything:
        assert len(task.revision) == 40
        assert task.metric == ("ndcg_at_10" if task.suite == "vidore-v3" else "ndcg_at_5")
        assert all(len(code) == 8 for code in task.languages.values())
        # What is published is by the same names, and of the same revisions.
        scores = published_scores()[task.name, task.metric]
        assert task.revision in {score.dataset_revision for score in scores}
        assert {score.subset for score in scores} <= {"default", *task.languages}


def test_words_mean_tasks():
    assert len(find_suite_tasks("vidore")) == 24
    assert len(find_suite_tasks("vidore-v2")) == 4
    assert [task.name for task in find_suite_tasks("vidore-v2/esg_reports")] == ["Vidore2ESGReportsRetrieval"]
    assert [task.key for task in find_suite_tasks("Vidore3HrRetrieval")] == ["hr"]
    assert find_suite_tasks("./vidore") == find_suite_tasks("elsewhere") == find_suite_tasks("a/b") == ()
    with pytest.raises(UsageError, match="vidore-v2 has no task 'esg'") as caught:
        find_suite_tasks("vidore-v2/esg")
    assert "esg_reports_human_labeled" in caught.value.hint


def row(task, cascade="exact", score=0.5, scope="union"):
    return {"task": task, "scope": scope, "cascade": cascade, "score": score}


def task(name, languages=(), revision=None, metric="ndcg_at_5"):
    return {"task": name, "metric": metric, "languages": list(languages), "revision": revision}


def test_published_figures_stand_beside_ours():
    name = "VidoreArxivQARetrieval"
    rows = [row(name, "two-stage", 0.4), row(name, "exact", 0.5), row(name, "exact", 0.9, "document")]
    pairs = beside_published([task(name)], rows)
    scores = [pair["score"] for pair in pairs]
    assert len(pairs) > 30
    assert scores == sorted(scores, reverse=True)
    assert {pair["ours"] for pair in pairs} == {0.5}
    assert {pair["cascade"] for pair in pairs} == {"exact"}
    assert beside_published([task("my-own")], [row("my-own")]) == []
    # 84.8 is ColPali-v1.3's mean over ViDoRe v1 as its makers state it.
    means = []
    for suite_task in load_suites()["vidore-v1"]:
        pairs = beside_published([task(suite_task.name)], [row(suite_task.name)])
        means.append(next(pair["score"] for pair in pairs if pair["model"] == "vidore/colpali-v1.3"))
    assert sum(means) / 10 == pytest.approx(0.848, abs=0.005)


def test_published_figures_are_of_the_same_languages():
    name = "Vidore2ESGReportsRetrieval"
    by_model = {}
    for languages in (["english"], ["french"], ["english", "french"]):
        for pair in beside_published([task(name, languages)], [row(name)]):
            by_model.setdefault(pair["model"], []).append(pair["score"])
    english, french, both = by_model["vidore/colpali-v1.3"]
    assert english != french
    assert both == pytest.approx((english + french) / 2)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A folder of copies: one called by its id, one by the last part of it, one by its short name."""
    root = tmp_path_factory.mktemp("mirror")
    mirrors.write_tables(root / "vidore" / "esg_reports_v2", mirrors.hyphens())
    mirrors.write_tables(root / "vidore_v3_hr_mteb_format", mirrors.by_language())
    mirrors.write_tables(root / "vidore_v3_physics", mirrors.underscores())
    return root


def test_suites_from_copies(process, eval_cache, mirror, tmp_path):
    words = ("vidore-v2/esg_reports", "vidore-v3/hr", "Vidore3PhysicsRetrieval", "vidore-v3/nuclear")
    environment = {"VRAG_EVAL_CACHE": str(eval_cache), "VRAG_VIDORE_DIR": str(mirror), "HF_HUB_OFFLINE": "1"}
    done = process("eval", *words, "--cascade", "exact", "--out", "r", "--json", env=environment)
    assert done.code == 0, done.err
    assert "vidore-v3/nuclear is skipped" in done.err
    assert "Vidore3HrRetrieval has 4 pages here and 1110 in the suite" in done.err
    esg, hr, physics = done.json["results"]
    assert (esg["task"], esg["metric"], esg["queries"]) == ("Vidore2ESGReportsRetrieval", "ndcg_at_5", 4)
    assert (hr["task"], hr["metric"], hr["queries"]) == ("Vidore3HrRetrieval", "ndcg_at_10", 4)
    assert set(hr["languages"]) == {"english", "french"}
    assert physics["queries"] == 2
    # OCR reads the pictures; the second question's page is there twice, its label names the smaller id.
    assert esg["recall_at_10"] == hr["recall_at_10"] == physics["recall_at_10"] == 1.0
    assert physics["ndcg_at_1"] == 0.5
    results = json.loads((tmp_path / "r/results.json").read_text())
    assert results["tasks"][0]["source"] == str(mirror / "vidore" / "esg_reports_v2")
    assert results["tasks"][0]["suite"] == "vidore-v2"
    report = (tmp_path / "r/report.md").read_text()
    assert "| Vidore2ESGReportsRetrieval | vidore/colpali-v1.3 | NDCG@5 |" in report
    assert "## By language" in report
    run = (tmp_path / "r/trec/Vidore3HrRetrieval.union.exact.run").read_text()
    assert "english:q0 Q0 c0 1 " in run

    (path,) = (tmp_path / "r/mteb/exact/results/vrag__builtin").glob("*/Vidore3HrRetrieval.json")
    result = json.loads(path.read_text())
    subsets = {scores["hf_subset"]: scores for scores in result["scores"]["test"]}
    assert subsets["french"]["languages"] == ["fra-Latn"]
    assert subsets["french"]["main_score"] == subsets["french"]["ndcg_at_10"] == hr["languages"]["french"]["ndcg_at_10"]
    assert "ndcg_at_1000" in subsets["french"]  # four pages: all of them were judged
    english = process("eval", words[1], "--language", "en", "--cascade", "exact", "--json", env=environment).json[
        "results"
    ]
    assert [row["queries"] for row in english] == [2]


@pytest.mark.parametrize("unreachable", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}])
def test_neither_hub_nor_copy_is_one_sentence_with_both_ways_out(process, cli, tmp_path, unreachable):
    done = process("eval", "vidore-v2/esg_reports", "--json", env={"HF_HOME": str(tmp_path), **unreachable})
    assert done.code == 1
    assert "vidore/esg_reports_v2 cannot be read: the hub does not answer" in done.json["error"]
    assert "Go online" in done.json["hint"]
    assert "--data DIR" in done.json["hint"]
    done = cli("eval", "vidore-v2", "--data", "nowhere", "--json")
    assert done.code == 2
    assert "There is no folder nowhere" in done.json["error"]
