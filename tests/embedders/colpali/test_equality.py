"""Our vectors are colpali-engine's own, whatever shares the batch."""

import numpy as np
import pytest

from tests.embedders.colpali.conftest import DENSE, LATE
from tests.embedders.painting import noise
from tests.embedders.tiny_checkpoints import FAMILIES
from vrag.embedders.options import ModelOptions
from vrag.errors import UsageError

SIZES = [(210, 297), (297, 210), (60, 480), (16, 16), (700, 500)]
PAGES = [noise(width, height, seed) for seed, (width, height) in enumerate(SIZES)]


def engines_own(folder, family):
    """Model and processor as colpali-engine's documentation loads them, and the id of its image token."""
    import colpali_engine.models as engine
    import torch

    from vrag.embedders.colpali.repairs import prepared_config, repaired_class

    kind = repaired_class(engine, FAMILIES[family][1])
    mapping = dict(getattr(kind, "_checkpoint_conversion_mapping", None) or {})
    config = prepared_config(kind, folder)
    model = kind.from_pretrained(folder, config=config, dtype=torch.float32, key_mapping=mapping).eval()
    processor = getattr(engine, FAMILIES[family][2]).from_pretrained(folder)
    token = getattr(model.config, "image_token_id", None) or model.config.image_token_index
    return model, processor, token


@pytest.mark.parametrize("family", LATE)
def test_page_and_query_vectors_are_those_of_colpali_engine(family, checkpoint, embedder):
    import torch

    model, processor, token = engines_own(checkpoint(family), family)
    batch = processor.process_images([page.image for page in PAGES])
    query = processor.process_queries(["how much wood"])
    with torch.inference_mode():
        expected, expected_query = model(**batch), model(**query)
    ours = embedder(family, batch_size=len(PAGES)).embed_pages(PAGES)
    for vectors, rows, ids, attended in zip(ours, expected, batch["input_ids"], batch["attention_mask"], strict=True):
        np.testing.assert_allclose(vectors.full, rows[(ids == token) & (attended == 1)].numpy(), atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(vectors.full, axis=1), 1, atol=1e-4)
        assert len(vectors.grid) == len(vectors.full)
    np.testing.assert_allclose(embedder(family).embed_query("how much wood").vectors, expected_query[0], atol=1e-5)


@pytest.mark.parametrize("family", DENSE)
def test_dense_vectors_are_those_of_colpali_engine(family, checkpoint, embedder):
    import torch

    model, processor, _ = engines_own(checkpoint(family), family)
    with torch.inference_mode():
        expected = model(**processor.process_images([page.image for page in PAGES]))
        expected_query = model(**processor.process_queries(["how much wood"]))
    ours = embedder(family, batch_size=len(PAGES)).embed_pages(PAGES)
    np.testing.assert_allclose(np.concatenate([vectors.full for vectors in ours]), expected, atol=1e-5)
    np.testing.assert_allclose(embedder(family).embed_query("how much wood").vectors, expected_query, atol=1e-5)
    assert {len(vectors.grid) for vectors in ours} == {1}
    assert embedder(family).dim == expected.shape[1]


@pytest.mark.parametrize("family", [*LATE, *DENSE])
def test_a_batch_of_mixed_sizes_equals_its_pages_one_by_one(family, embedder):
    together = embedder(family, batch_size=len(PAGES)).embed_pages(PAGES)
    for vectors, page in zip(together, PAGES, strict=True):
        alone = embedder(family, batch_size=1).embed_pages([page])[0]
        np.testing.assert_allclose(vectors.full, alone.full, atol=1e-5)
        np.testing.assert_array_equal(vectors.grid.boxes, alone.grid.boxes)


@pytest.mark.parametrize("family", LATE)
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_changes_nothing(family, side, checkpoint, embedder):
    from vrag.embedders.families import load_embedder

    padded = load_embedder(str(checkpoint(family)), options=ModelOptions(device="cpu", batch_size=3))
    padded._loaded.processor.tokenizer.padding_side = side
    for vectors, page in zip(padded.embed_pages(PAGES[:3]), PAGES[:3], strict=True):
        alone = embedder(family, batch_size=1).embed_pages([page])[0]
        np.testing.assert_allclose(vectors.full, alone.full, atol=1e-5)


@pytest.mark.parametrize("family", LATE)
def test_query_modes(family, embedder):
    everything = embedder(family).embed_query("two words")
    some = embedder(family, query_tokens="no_specials").embed_query("two words")
    assert len(some.vectors) == len(some.tokens) < len(everything.vectors) == len(everything.tokens)
    assert "".join(some.tokens).replace("Ġ", " ").count("two words") == 1
    if family != "colgemma3":  # the only processor that adds none
        assert len(everything.vectors) - len(some.vectors) >= 10
    for row in some.vectors:
        assert np.abs(everything.vectors - row).max(axis=1).min() < 1e-6


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_query_is_refused(text, embedder):
    with pytest.raises(UsageError, match="empty"):
        embedder("colqwen2").embed_query(text)


def test_half_precision_comes_out_as_float32_and_near(checkpoint, embedder):
    from vrag.embedders.families import load_embedder

    half = load_embedder(str(checkpoint("colqwen2")), options=ModelOptions(device="cpu", dtype="bfloat16"))
    vectors, exact = half.embed_pages(PAGES[:1])[0].full, embedder("colqwen2").embed_pages(PAGES[:1])[0].full
    assert vectors.dtype == np.float32
    assert (vectors * exact).sum(axis=1).min() > 0.99
