"""Pipelines: what is shipped is valid, what is wrong is named."""

import numpy as np
import pytest

from vrag.embedders.protocol import PageVectors
from vrag.errors import UsageError
from vrag.grid import Grid, Tile
from vrag.pages.crop import CropRules
from vrag.pages.page import PageSpec
from vrag.pipeline.choosing import choose_pipeline
from vrag.pipeline.named_vectors import VectorSpec
from vrag.pipeline.pipeline import FULL, list_pipelines, load_pipeline, make_pipeline
from vrag.pooling.poolings import normalise


def unit(*shape, seed=0):
    return normalise(np.random.default_rng(seed).normal(size=shape))


def test_every_shipped_pipeline_is_valid_and_has_the_three_names():
    pipelines = list(list_pipelines())
    assert "builtin" in [pipeline.name for pipeline in pipelines]
    for pipeline in pipelines:
        assert {"exact", "two-stage", "three-stage"} <= set(pipeline.cascades)
        assert pipeline.description


# The experiments of arXiv 2602.12510: the pooled vectors of a page of that family's shape, global tile last.
SQUARE = Grid.patches([Tile(32, 32)])
TALL = Grid.patches([Tile(46, 33)])
TILED = Grid.patches(
    [Tile(8, 8, (c / 3, r / 4, (c + 1) / 3, (r + 1) / 4)) for r in range(4) for c in range(3)]
    + [Tile(8, 8, is_global=True)]
)
EXPERIMENTS = {
    "paper-colpali-rows": (SQUARE, 32),
    "paper-colpali-sliding": (SQUARE, 34),
    "paper-colsmol-tiles": (TILED, 13),
    "paper-colsmol-neighbours": (TILED, 13),
    "paper-colsmol-tiles-and-last": (TILED, 12 + 64),
    "paper-colqwen-adaptive-rows": (TALL, 32),
    "paper-colqwen-smooth": (TALL, 32),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_of_the_paper_is_a_pipeline(name):
    grid, vectors = EXPERIMENTS[name]
    pipeline, page = load_pipeline(name), PageVectors(unit(len(grid), 8), grid)
    assert pipeline.page_spec(PageSpec()).crop == CropRules(white_share=0.99, border=1)
    pooled, single = pipeline.vectors
    assert pooled.of_page(page, None).shape == (vectors, 8)
    assert single.of_page(page, None).shape == (8,)
    assert str(pipeline.cascade("two-stage")) == f"{pooled.name}:256 > full"
    assert str(pipeline.cascade("three-stage")) == f"global:1000 > {pooled.name}:300 > full:100"


def test_all_pipelines_of_the_paper_are_tested():
    assert {pipeline.name for pipeline in list_pipelines() if pipeline.name.startswith("paper-")} == set(EXPERIMENTS)


def test_a_pipeline_survives_being_kept_in_an_index():
    pipeline = load_pipeline("builtin")
    assert make_pipeline(pipeline.name, pipeline.source, "index.json") == pipeline


def test_schema_has_full_first_and_a_graph_for_single_vectors():
    fields = {field.name: field for field in load_pipeline().schema(16)}
    assert fields[FULL].kind == "multi"
    assert not fields[FULL].hnsw
    assert fields["global"].kind == "single"
    assert fields["global"].hnsw


def test_page_settings_override_what_the_embedder_wants():
    pipeline = load_pipeline().with_page(dpi=72, renderer=None)
    assert pipeline.page_spec(PageSpec(image=False)).dpi == 72
    assert pipeline.page_spec(PageSpec(image=False)).image is False


def test_crop_is_a_flag_or_a_table_of_rules():
    def crop_of(value):
        return make_pipeline("x", {"page": {"crop": value}}, "here").page_spec(PageSpec()).crop

    assert crop_of(True) == CropRules()
    assert crop_of(False) is None
    assert crop_of({"sides": 0, "border": 2}) == CropRules(sides=0, border=2)


def test_a_file_is_a_pipeline_too(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[vectors.halves]\npooling = "bands"\ncount = 2\n[cascades]\nfast = "halves:10 > full"\n')
    pipeline = load_pipeline(str(file))
    assert pipeline.name == "mine"
    assert pipeline.cascade(None).name == "exact"
    assert str(pipeline.cascade("fast")) == "halves:10 > full"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1", "unknown key 'x'"),
        ("[page]\ndip = 3", "unknown key page.'dip'"),
        ("[page]\ndpi = 0", "page.dpi = 0"),
        ('[page]\ndpi = "x"', "page.dpi = 'x'"),
        ('[page]\nocr = "maybe"', "page.ocr = 'maybe' is not allowed"),
        ("[vectors.a]\nsize = 3", "vectors.a: needs a pooling"),
        ('[vectors.a]\npooling = "p"', "unknown pooling 'p'"),
        ('[vectors.a]\npooling = "runs"\nwidth = 3', "no option 'width'"),
        ('[vectors.full]\npooling = "runs"', "no pooled vector"),
        ('[vectors.a]\npooling = "runs"\nsingle = true', "only these poolings .*: mean, muvera"),
        ('[vectors.a]\npooling = "muvera"', "muvera gives a single vector"),
        ('[vectors.a]\npooling = "muvera"\nsingle = true\ncentred = true', "not centred"),
        ('[cascades]\nfast = "rows:3 > full"', "unknown cascade or vector 'rows'"),
        ("[cascades]\nfast = 3", "cascades.fast = 3 must be text"),
        ("vectors = 3", "vectors = 3 must be a table"),
        ('[vectors.Rows]\npooling = "rows"', "begins with a to z"),
        ('[vectors.a]\npooling = "mean"\nsingle = 1', "vectors.a.single = 1 must be true or false"),
        ("[search]\nk = 3", "unknown key search.'k'"),
        ("[page]\ncrop = 3", "page.crop = 3 must be true or false, or a table"),
        ("[page.crop]\nwhite = 256", "page.crop.white = 256 must be a whole number from 0 to 255"),
        ("[page.crop]\nsides = -0.1", "page.crop.sides = -0.1 must be a number from 0 to 1"),
        ("[page.crop]\ncolour = 3", "unknown key page.crop.'colour'"),
        ("not toml", "not a readable TOML file"),
        ("x = " + "[" * 5000 + "]" * 5000, "not a readable TOML file: nested more than 64 deep"),
        ("x = " + "9" * 5000, "not a readable TOML file"),
        ("x = inf", "not a readable TOML file: not a finite number"),
        ("#" * 70_000, "not a readable TOML file: larger than 64 KiB"),
    ],
)
def test_errors_name_file_and_key(tmp_path, text, says):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        load_pipeline(str(file))
    assert str(file) in caught.value.message


def test_an_unknown_pipeline_lists_the_known_ones():
    with pytest.raises(UsageError, match="No pipeline 'nope'") as caught:
        load_pipeline("nope")
    assert "builtin" in caught.value.hint


def test_a_query_form_follows_the_vector():
    query = unit(5, 8)
    multi, single = VectorSpec("runs", "runs"), VectorSpec("global", "mean", single=True)
    assert multi.of_query(query, None, mean=False) is query
    assert multi.of_query(query, None, mean=True).shape == (1, 8)
    np.testing.assert_allclose(single.of_query(query, None, mean=False), normalise(query.mean(axis=0)), atol=1e-6)


def test_centring_subtracts_the_mean_on_both_sides():
    spec = VectorSpec("global", "mean", single=True, centred=True)
    middle = unit(8, seed=3) * np.float32(0.5)
    page = PageVectors(unit(6, 8), Grid.free(np.zeros((6, 4))))
    raw = normalise(page.full.mean(axis=0))
    np.testing.assert_allclose(spec.of_page(page, middle), normalise(raw - middle), atol=1e-6)
    query = unit(4, 8, seed=1)
    np.testing.assert_allclose(np.linalg.norm(spec.of_query(query, middle, mean=True)), 1, atol=1e-6)
    with pytest.raises(UsageError, match="no mean vector"):
        spec.of_page(page, None)


@pytest.mark.parametrize("name", ["colpali", "colqwen2", "colidefics3", "colmodernvbert", "colqwen3"])
def test_pipelines_of_patch_models_let_regions_and_context_be_asked_for(name):
    pipeline = load_pipeline(name)
    first = next(spec.name for spec in pipeline.vectors if not spec.single)
    cascade = pipeline.cascade(f"{first}:100 > full@regions+context")
    assert str(cascade) == f"{first}:100 > full@regions+context"
    assert pipeline.has_context


def test_the_compact_recipe_searches_as_the_default_does_but_for_more_candidates():
    whole, compact = load_pipeline("builtin"), load_pipeline("compact")
    for name in ("best", "read"):
        assert str(compact.cascade(name)) == str(whole.cascade(name)).replace("runs@bits:384", "runs@bits:512")
    assert (compact.page, compact.text, compact.regions, compact.context) == (
        whole.page, whole.text, whole.regions, whole.context
    )  # fmt: skip
    assert compact.default_cascade == whole.default_cascade


@pytest.mark.parametrize(
    ("pipeline", "model", "language", "made"),
    [
        (None, None, None, ("builtin", "builtin", "english")),
        (None, None, "english", ("builtin", "builtin", "english")),
        (None, None, "german", ("multilingual", "multilingual", "german")),
        (None, None, "multilingual", ("multilingual", "multilingual", "multilingual")),
        (None, "multilingual", None, ("multilingual", "multilingual", "multilingual")),
        ("builtin", None, "german", ("builtin", "builtin", "german")),
        (None, "builtin", "german", ("builtin", "builtin", "german")),
    ],
)
def test_another_language_than_english_has_the_multilingual_model(pipeline, model, language, made):
    chosen = choose_pipeline(pipeline, model, None, language)
    assert (chosen.name, chosen.model, chosen.text.language) == made


def test_a_pipeline_without_words_has_no_language():
    with pytest.raises(UsageError, match="keeps no words"):
        choose_pipeline("dense", None, None, "german")
