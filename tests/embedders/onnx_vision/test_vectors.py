"""Our vectors are fastembed's own with its masks applied, whatever shares the batch."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.embedders.painting import noise
from tests.embedders.tiny_onnx import FAMILIES
from vrag.embedders.onnx_vision.onnx_families import FAMILIES as RECORDS
from vrag.errors import UsageError

SIZES = [(210, 297), (297, 210), (60, 480), (16, 16), (700, 500)]
PAGES = [noise(width, height, seed) for seed, (width, height) in enumerate(SIZES)]


def fastembeds_own(folder, family):
    """The model as fastembed's documentation loads it."""
    from fastembed import LateInteractionMultimodalEmbedding

    name = next(record.fastembed_name for record in RECORDS if record.pipeline == family)
    return LateInteractionMultimodalEmbedding(name, specific_model_path=str(folder), cuda=False)


def visual(own, family, page):
    """Which rows of fastembed's output for a page are patches."""
    if family == "colpali":
        return np.arange(1030) < 1024
    metadata = {}
    own.model.processor([page.image], metadata=metadata)
    ids = own.model._build_input_ids_for_image(*metadata["image_grid"][0])
    return ids == own.model.tokenizer.token_to_id("<image>")


@pytest.mark.filterwarnings("ignore:The model 'Qdrant/colmodernvbert' has been updated")
@pytest.mark.parametrize("family", FAMILIES)
def test_vectors_are_those_of_fastembed(family, checkpoint, embedder):
    own = fastembeds_own(checkpoint(family), family)
    ours = embedder(family, batch_size=len(PAGES)).embed_pages(PAGES)
    for vectors, page in zip(ours, PAGES, strict=True):
        (rows,) = own.embed_image([page.image])
        np.testing.assert_allclose(vectors.full, rows[visual(own, family, page)], atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(vectors.full, axis=1), 1, atol=1e-4)
        assert len(vectors.grid) == len(vectors.full)
    (query,) = own.embed_text(["how much wood"])
    np.testing.assert_allclose(embedder(family).embed_query("how much wood").vectors, query, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_of_mixed_sizes_equals_its_pages_one_by_one(family, embedder):
    together = embedder(family, batch_size=len(PAGES)).embed_pages(PAGES)
    for vectors, page in zip(together, PAGES, strict=True):
        alone = embedder(family).embed_pages([page])[0]
        np.testing.assert_allclose(vectors.full, alone.full, atol=1e-5)
        np.testing.assert_array_equal(vectors.grid.boxes, alone.grid.boxes)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_changes_nothing(side, checkpoint, embedder):
    from vrag.embedders.families import load_embedder
    from vrag.embedders.options import ModelOptions

    padded = load_embedder(str(checkpoint("colmodernvbert")), options=ModelOptions(device="cpu", batch_size=3))
    tokenizer = padded._model.tokenizer
    tokenizer.enable_padding(**{**tokenizer.padding, "direction": side})
    for vectors, page in zip(padded.embed_pages(PAGES[:3]), PAGES[:3], strict=True):
        np.testing.assert_allclose(vectors.full, embedder("colmodernvbert").embed_pages([page])[0].full, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_query_modes(family, embedder):
    everything = embedder(family).embed_query("two words")
    some = embedder(family, query_tokens="no_specials").embed_query("two words")
    assert len(everything.vectors) == len(everything.tokens)
    assert len(everything.vectors) - len(some.vectors) == 10  # the augmentation tokens
    assert "".join(some.tokens).replace("Ġ", " ").count("two words") == 1
    for row in some.vectors:
        assert np.abs(everything.vectors - row).max(axis=1).min() < 1e-6


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_query_is_refused(text, embedder):
    with pytest.raises(UsageError, match="empty"):
        embedder("colpali").embed_query(text)


def test_every_model_that_fastembed_lists_has_its_record():
    from fastembed import LateInteractionMultimodalEmbedding

    listed = {row["model"]: row for row in LateInteractionMultimodalEmbedding.list_supported_models()}
    assert listed.keys() == {record.fastembed_name for record in RECORDS}
    assert {record.fastembed_name: record.model_file for record in RECORDS} == {
        name: row["model_file"] for name, row in listed.items()
    }


def test_threads_do_not_take_each_others_inputs(embedder):
    model = embedder("colmodernvbert")
    page, query = model.embed_pages(PAGES[:1])[0].full, model.embed_query("how much wood").vectors
    with ThreadPoolExecutor(4) as threads:
        pages = [threads.submit(model.embed_pages, PAGES[:1]) for _ in range(20)]
        queries = [threads.submit(model.embed_query, "how much wood") for _ in range(40)]
    for found in pages:
        np.testing.assert_allclose(found.result()[0].full, page, atol=1e-6)
    for found in queries:
        np.testing.assert_allclose(found.result().vectors, query, atol=1e-6)
