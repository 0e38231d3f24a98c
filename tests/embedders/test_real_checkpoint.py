"""A real checkpoint on a real data set: what the tiny ones cannot show. Needs the hub, the extra, and about an hour."""

import csv
from importlib.util import find_spec
from pathlib import Path

import pytest

MODEL, BENCHMARK, TASK = "vidore/colSmol-256M", "vidore-v1/tabfquad", "VidoreTabfquadRetrieval"
COMMAND = 'pip install "vrag-toolkit[colpali,eval]" pytest && pytest -m hub -rs tests/embedders/test_real_checkpoint.py'
PUBLISHED = Path(__file__).parents[2] / "eval" / "published" / "vidore.csv"
QUESTIONS = 100  # of 280, on all 70 pages


def why_not(markexpr):
    """Why the test cannot or shall not run here, empty when it can."""
    if "hub" not in markexpr:
        return f"takes about an hour on a CPU and fetches 1 GB; run it with: {COMMAND}"
    if not all(find_spec(name) for name in ("colpali_engine", "datasets")):
        return f"needs the extras [colpali] and [eval]: {COMMAND}"
    return "" if hub_answers() else f"no model hub can be reached (or HF_HUB_OFFLINE is set); where one can: {COMMAND}"


def hub_answers():
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        HfApi().model_info(MODEL, timeout=10)
    except (OSError, HfHubHTTPError, OfflineModeIsEnabled):
        return False
    except Exception as error:  # httpx and requests have errors of their own for a host that is not there
        if type(error).__module__.split(".")[0] in ("httpx", "httpcore", "requests"):
            return False
        raise
    return True


def published():
    """The published NDCG@5 of the model on the task."""
    with PUBLISHED.open() as file:
        rows = [row for row in csv.DictReader(file) if (row["model"], row["task"]) == (MODEL, TASK)]
    return next(float(row["score"]) for row in rows if row["metric"] == "ndcg_at_5")


@pytest.mark.hub
def test_vidore_smoke_of_a_real_checkpoint(process, request, tmp_path):
    reason = why_not(request.config.option.markexpr)
    if reason:
        pytest.skip(reason)
    options = ("--limit-queries", QUESTIONS, "--out", tmp_path / "out", "--cache", tmp_path / "cache", "--json")
    cascades = ("--cascade", "exact", "--cascade", "two-stage")
    done = process("eval", BENCHMARK, "--model", MODEL, *cascades, *options, timeout=3 * 3600)
    assert done.code == 0, done.err
    exact, cascaded = ({row["cascade"]: row for row in done.json["results"]}[name] for name in ("exact", "two-stage"))
    assert exact["queries"] == QUESTIONS
    # 100 of 280 questions: the standard error of their mean is about 0.04.
    assert exact["ndcg_at_5"] == pytest.approx(published(), abs=0.1)
    assert cascaded["ndcg_at_5"] >= exact["ndcg_at_5"] - 0.02  # 70 pages: the first stage lets all of them through


def test_the_smoke_says_why_it_does_not_run_and_how_it_would():
    assert (
        why_not("")
        == why_not("not reference")
        == f"takes about an hour on a CPU and fetches 1 GB; run it with: {COMMAND}"
    )


def test_the_figure_to_compare_with_is_there():
    assert 0.3 < published() < 1
