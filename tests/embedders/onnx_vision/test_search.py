"""The whole way without torch: files, index, reopening, search, through the API and the command line."""

import subprocess
import sys

import numpy as np
import pytest

from vrag import Index
from vrag.embedders.options import ModelOptions

CPU = ModelOptions(device="cpu", threads=1)
PLACES = [(doc, page) for doc, pages in (("animals.pdf", 3), ("machines.pdf", 2)) for page in range(1, pages + 1)]


PROGRAM = """
import sys

from vrag import Index
from vrag.embedders.options import ModelOptions

if __name__ == "__main__":
    model, folder, place = sys.argv[1:]
    with Index.create(place, model=model, options=ModelOptions(device="cpu", threads=1)) as index:
        index.ingest([folder])
        assert len(index.search("oil filter")) == 5
    print({"torch", "transformers", "colpali_engine"} & sys.modules.keys())
"""


@pytest.mark.parametrize("family", ["colpali", "colmodernvbert"])
def test_a_reopened_index_ranks_as_maxsim_over_all_pages_does(family, checkpoint, folder, tmp_path):
    with Index.create(tmp_path / "i", model=str(checkpoint(family)), options=CPU) as index:
        assert index.ingest([folder]).added == 5
    with Index.open(tmp_path / "i", options=CPU) as index:
        pages = [index.vectors(*place) for place in PLACES]
        for query in ("blue sheep", "where do bees find nectar?"):
            rows = index.embed_query(query)
            expected = np.array([(rows @ page.T).max(axis=1).sum() for page in pages])
            for cascade in ("exact", "two-stage", "three-stage"):
                hits = index.search(query, cascade=cascade)
                assert [(hit.doc, hit.page) for hit in hits] == [PLACES[i] for i in np.argsort(-expected)]
                np.testing.assert_allclose([hit.score for hit in hits], np.sort(expected)[::-1], rtol=2e-3, atol=2e-3)


def test_as_a_user_does_it(cli, checkpoint, folder, tmp_path):
    (tmp_path / "model").symlink_to(checkpoint("colmodernvbert"))
    done = cli("ingest", folder, "--model", "./model", "--device", "cpu", "--index", "i", "--json")
    assert (done.code, done.json["added"], done.err.strip()) == (0, 5, "")
    assert {"preprocess", "forward", "pool", "store"} <= done.json["timing"].keys()
    found = cli("search", "oil filter", "--index", "i", "-k", 2, "--json")
    assert (found.code, found.err) == (0, "")
    assert list(found.json["hits"][0]["stages"]) == ["tiles", "full"]
    assert cli("info", "--index", "i", "--json").json["pipeline"] == "colmodernvbert"
    explained = cli("search", "oil filter", "--index", "i", "-k", 1, "--explain", "--json")
    assert explained.code == 0


def test_torch_is_never_imported(checkpoint, folder, tmp_path):
    (tmp_path / "run.py").write_text(PROGRAM)
    command = [sys.executable, tmp_path / "run.py", checkpoint("colmodernvbert"), folder, tmp_path / "i"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "set()"), done.stderr
