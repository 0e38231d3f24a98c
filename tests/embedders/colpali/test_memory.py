"""Memory that runs out halves the batch; vectors that are not numbers stop the run."""

import numpy as np
import pytest

from tests.embedders.painting import noise
from vrag.embedders.families import load_embedder
from vrag.embedders.options import ModelOptions
from vrag.errors import ModelError

PAGES = [noise(100 + 10 * seed, 150, seed) for seed in range(7)]


@pytest.fixture
def model(checkpoint):
    return load_embedder(str(checkpoint("colqwen2")), options=ModelOptions(device="cpu", batch_size=6))


def change_forward(model, change):
    """Let `change` see the batch size and the output of every forward pass."""
    real = model._loaded.model.forward
    model._loaded.model.forward = lambda **batch: change(len(batch["input_ids"]), lambda: real(**batch))


def test_running_out_of_memory_halves_the_batch_and_goes_on(model, embedder):
    import torch

    sizes = []

    def limited(size, run):
        sizes.append(size)
        if size > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return run()

    change_forward(model, limited)
    found = model.embed_pages(PAGES)
    assert sizes == [6, 3, 1, 1, 1, 1, 1, 1, 1]
    assert model.batch_size == 1
    for vectors, page in zip(found, PAGES, strict=True):
        np.testing.assert_allclose(vectors.full, embedder("colqwen2").embed_pages([page])[0].full, atol=1e-5)


@pytest.mark.parametrize("text", ["MPS backend out of memory (MPS allocated: 8 GB)", "can't allocate memory: 9 bytes"])
def test_one_page_that_does_not_fit_is_named(model, text):
    def never(size, run):
        raise RuntimeError(text)

    change_forward(model, never)
    with pytest.raises(ModelError, match=r"Page 3 does not fit into the memory of cpu"):
        model.embed_pages(PAGES[2:3])
    with pytest.raises(ModelError, match=r"query does not fit"):
        model.embed_query("words")


def test_other_errors_of_the_model_are_not_hidden(model):
    def broken(size, run):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    change_forward(model, broken)
    with pytest.raises(RuntimeError, match="mat1"):
        model.embed_pages(PAGES)


@pytest.mark.parametrize(("value", "says"), [(float("nan"), "not numbers"), (0.0, "all zero")])
def test_rows_that_match_nothing_name_page_and_device(model, value, says):
    def spoilt(size, run):
        output = run()
        output[-1] = value
        return output

    change_forward(model, spoilt)
    with pytest.raises(ModelError, match=rf"Page 7: vectors of .* are {says} on cpu in float32"):
        model.embed_pages(PAGES[5:])
