"""The program that measures a GPU, tried on a CPU with tiny models."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vrag.embedders.models import find_model

EVAL = Path(__file__).parents[3] / "eval"
sys.path.insert(0, str(EVAL))
NAMES = {"ColQwen2_5": "vidore/colqwen2.5-v0.2", "ColPali": "vidore/colpali-v1.3"}


def run(folder, *arguments):
    command = [sys.executable, EVAL / "gpu.py", "--device", "cpu", "--size", "tiny", "--folder", folder, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def test_both_models_are_measured_in_an_ingest_and_in_the_plain_loop(tmp_path):
    (tmp_path / "work").mkdir()
    done = run(tmp_path / "work", "--pages", 9, "--batch-size", 4, "--json", tmp_path / "found.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert {"card", "machine", "torch", "colpali-engine"} <= found.keys()
    assert (found["size"], found["pages"]) == ("tiny", 9)
    assert [one["model"] for one in found["models"]] == list(NAMES)
    for one in found["models"]:
        assert (one["pages"], one["plain_pages"], one["batch"], one["note"]) == (9, 9, 4, "")
        assert one["pages_per_s"] > 0 < one["plain_pages_per_s"]
        assert {"render", "preprocess", "forward", "pool", "store"} <= one["seconds"].keys()
        assert one["busy"] is None
        assert f"| {one['model']}, 0 million | 4 | {one['pages_per_s']} (9 pages) |" in done.stdout
    assert done.stdout.count("not known") == 4
    assert not list((tmp_path / "work").iterdir())


def test_without_time_it_ends_and_says_which_figures_are_missing(tmp_path):
    (tmp_path / "work").mkdir()
    done = run(tmp_path / "work", "--minutes", 0.334, "--json", tmp_path / "found.json")  # 0.04 s more than it spares
    assert done.returncode == 1, done.stderr
    assert {one["note"] for one in json.loads((tmp_path / "found.json").read_text())["models"]} == {"out of time"}
    assert done.stdout.count("out of time") == 2
    assert not list((tmp_path / "work").iterdir())


def test_an_ingest_that_is_stopped_gives_the_figures_of_what_it_did(checkpoint, tmp_path):
    import gpu

    from vrag import Index
    from vrag.embedders.options import ModelOptions

    gpu.write_pages(tmp_path / "pages.pdf", 40)
    told = gpu.Figures("ColPali")
    options = ModelOptions(device="cpu", batch_size=2)
    with Index.create(tmp_path / "index", model=str(checkpoint("colpali")), options=options) as index:
        embed, seen = index.embedder.embed_pages, []

        def stopped_in_the_third_batch(pages):
            seen.append(len(pages))
            if len(seen) == 3:
                signal.raise_signal(signal.SIGALRM)
            return embed(pages)

        index.embedder.embed_pages = stopped_in_the_third_batch
        gpu.ingest(told, index, tmp_path / "pages.pdf", None, time.monotonic() + 600)
        assert (told.pages, told.pages_per_s > 0, told.seconds["forward"] > 0) == (16, True, True)


@pytest.mark.parametrize("model", NAMES)
def test_the_models_have_their_real_size(model):
    import colpali_engine.models as engine
    import torch
    from PIL import Image
    from random_checkpoints import config_and_processor

    config, processor = config_and_processor(model, "real")
    with torch.device("meta"):
        made = getattr(engine, model)(config)
    real = find_model(NAMES[model])
    assert sum(weights.numel() for weights in made.parameters()) / 1e6 == pytest.approx(real.millions, rel=0.005)
    page = processor.process_images([Image.new("RGB", (1240, 1754))])
    token = getattr(config, "image_token_id", None) or config.image_token_index
    assert int((page["input_ids"] == token).sum()) == real.rows
