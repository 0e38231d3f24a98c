"""The whole way: files, index, reopening, search, through the API and the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.embedders.colpali.conftest import LATE
from tests.evaluation import mirrors
from vrag import Index
from vrag.embedders.options import ModelOptions
from vrag.errors import IndexMismatchError

QUERIES = ["blue sheep", "oil filter of the engine", "where do bees find nectar?"]
CPU = ModelOptions(device="cpu")


@pytest.mark.parametrize("family", [*LATE, "biqwen2", "bipali", "biidefics3"])
def test_a_reopened_index_ranks_as_the_processor_does(family, checkpoint, embedder, folder, tmp_path):
    import torch

    with Index.create(tmp_path / "i", model=str(checkpoint(family)), options=CPU) as index:
        assert index.ingest([folder]).added == 5
    with Index.open(tmp_path / "i", options=CPU) as index:
        places = [(d, p) for d, n in (("animals.pdf", 3), ("machines.pdf", 2)) for p in range(1, n + 1)]
        pages = [torch.from_numpy(index.vectors(*place)) for place in places]
        score = index.embedder._loaded.processor.score_multi_vector
        for query in QUERIES:
            rows = torch.from_numpy(index.embed_query(query).copy())
            expected = score([rows], pages, device="cpu")[0].numpy()
            for cascade in ("exact", "two-stage", "three-stage"):
                hits = index.search(query, cascade=cascade)
                found = np.array([hit.score for hit in hits])
                assert [(hit.doc, hit.page) for hit in hits] == [places[i] for i in np.argsort(-expected)]
                np.testing.assert_allclose(found, np.sort(expected)[::-1], rtol=2e-3, atol=2e-3)


def test_what_an_index_needs_of_the_model_is_kept_with_it(checkpoint, folder, tmp_path):
    chosen = ModelOptions(device="cpu", query_tokens="no_specials", allow_random_weights=True)
    with Index.create(tmp_path / "i", model=str(checkpoint("colqwen2")), options=chosen) as index:
        before = index.embed_query("oil")
    with Index.open(tmp_path / "i", options=CPU) as index:
        np.testing.assert_allclose(index.embed_query("oil"), before, atol=1e-6)
        assert len(before) == 3


def test_another_checkpoint_at_the_same_place_is_refused(checkpoint, folder, tmp_path):
    import shutil

    from tests.embedders.tiny_checkpoints import make

    place = shutil.copytree(checkpoint("colqwen2"), tmp_path / "model")
    Index.create(tmp_path / "i", model=str(place), options=CPU).close()
    shutil.rmtree(place)
    make("colqwen2", place, seed=1)
    with pytest.raises(IndexMismatchError, match="another model: canary"):
        Index.open(tmp_path / "i", options=CPU)
    Index.open(tmp_path / "i", force=True, options=CPU).close()


def test_as_a_user_does_it(cli, checkpoint, folder, tmp_path):
    link = tmp_path / "model"
    link.symlink_to(checkpoint("colqwen2_5"))
    options = ("--allow-random-weights", "--device", "cpu", "--index", "i", "--json")
    done = cli("ingest", folder, "--model", "./model", *options)
    assert (done.code, done.json["added"], done.err.strip()) == (0, 5, "")
    (tmp_path / "elsewhere").mkdir()
    found = cli("search", "oil filter", "--index", "../i", "-k", 2, "--json", cwd=tmp_path / "elsewhere")
    assert (found.code, found.err) == (0, "")
    assert list(found.json["hits"][0]["stages"]) == ["rows", "full"]
    assert "of 5 pages" in cli("search", "oil filter", "--index", "i").err
    again = cli("ingest", folder, "--model", "model", "--index", "i", "--json")
    assert again.json["unchanged"] == 5
    assert cli("info", "--index", "i", "--json").json["pipeline"] == "colqwen2_5"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--model", "nope"], 2, "Unknown model 'nope'"),
        (["--model", "empty"], 1, "it is not a checkpoint"),
        (["--model", "MODEL", "--device", "cuda"], 2, "torch sees 0 CUDA devices"),
        (["--model", "MODEL", "--device", "gpu"], 2, "'gpu' is not known"),
        (["--model", "MODEL", "--batch-size", "some"], 2, "not a whole number"),
        (["--model", "MODEL", "--batch-size", "0"], 2, "at least 1"),
        (["--model", "MODEL", "--revision", "main"], 2, "has no revision"),
    ],
)
def test_mistakes_are_one_sentence(cli, checkpoint, folder, tmp_path, arguments, code, says):
    (tmp_path / "empty").mkdir()
    named = [str(checkpoint("colqwen2")) if argument == "MODEL" else argument for argument in arguments]
    done = cli("ingest", folder, *named, "--index", "i", "--json")
    assert done.code == code, done
    assert says in done.json["error"] + done.json["hint"]


def test_an_evaluation_takes_the_pipeline_of_the_models_family(cli, checkpoint, tmp_path):
    mirrors.write_tables(tmp_path / "mirror" / "vidore" / "esg_reports_v2", mirrors.hyphens())
    words = ("vidore-v2/esg_reports", "--data", "mirror", "--model", checkpoint("colqwen2_5"), "--device", "cpu")
    done = cli("eval", *words, "--cascade", "exact", "--cascade", "two-stage", "--cache", "cache", "--json")
    assert done.code == 0, done.err
    assert {row["cascade"] for row in done.json["results"]} == {"exact", "two-stage"}
    (task,) = json.loads(Path(tmp_path, done.json["reports"]["results"]).read_text())["tasks"]
    assert task["pipeline"]["name"] == "colqwen2_5"


def test_a_plan_takes_the_pipeline_of_the_models_family(cli, checkpoint):
    facts = cli("plan", "--pages", 1000, "--model", checkpoint("colqwen2_5"), "--json").json
    assert facts["pipeline"] == "colqwen2_5"
    assert {one["name"] for one in facts["sample"]["vectors"]} >= {"full", "rows"}
