"""Cached indexes: found by content, pipeline and model; outdated ones left alone."""

import json

import pytest

from tests.evaluation.tiny import write_tiny
from vrag import Index
from vrag.embedders.options import ModelOptions
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.evaluation.runs.corpus import digests_of
from vrag.evaluation.runs.indexes import corpus_digest, fill_index, index_bytes, is_whole, open_index
from vrag.ingest.report import IngestReport
from vrag.pipeline.pipeline import load_pipeline


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A cache with the index of the tiny benchmark."""
    root = tmp_path_factory.mktemp("indexes")
    benchmark = load_benchmark(write_tiny(root / "tiny"))
    digests = digests_of(benchmark)
    report = IngestReport("")
    with open_index(digests, root / "cache", load_pipeline(), ModelOptions()) as index:
        assert not is_whole(index, set(digests.values()))
        fill_index(index, benchmark, digests, None, report)
    assert report.added == 5
    return root / "cache", benchmark, digests


def test_a_corpus_is_its_content_whatever_the_names():
    assert corpus_digest({"a": "1", "b": "2"}) == corpus_digest({"x": "2", "y": "1", "z": "2"})
    assert corpus_digest({"a": "1"}) != corpus_digest({"a": "2"})


def test_the_same_corpus_finds_its_index_and_costs_nothing(filled):
    cache, benchmark, digests = filled
    report = IngestReport("")
    with open_index(
        {f"other-{doc}": digest for doc, digest in digests.items()}, cache, load_pipeline(), ModelOptions()
    ) as index:
        assert is_whole(index, set(digests.values()))
        fill_index(index, benchmark, digests, None, report)
        assert index.page_count == 5
        assert index_bytes(index) > 10_000
    assert report.added == report.unchanged == 0  # not even looked at


def test_another_pipeline_gets_another_index(filled):
    cache, _, digests = filled
    with open_index(digests, cache, load_pipeline().with_page(dpi=100), ModelOptions()) as index:
        assert index.page_count == 0


def test_an_index_of_another_version_of_the_model_is_left_alone(filled):
    cache, _, digests = filled
    with open_index(digests, cache, load_pipeline().with_page(dpi=72), ModelOptions()) as index:
        first = index.path
    facts = json.loads((first / "index.json").read_text())
    facts["fingerprint"]["vectors"] = 0
    (first / "index.json").write_text(json.dumps(facts))
    with open_index(digests, cache, load_pipeline().with_page(dpi=72), ModelOptions()) as index:
        assert index.path == first.parent / "2"
    assert json.loads((first / "index.json").read_text()) == facts
    with Index.open(first, force=True) as index:
        assert index.page_count == 0


def test_how_the_model_is_run_makes_another_index_where_vectors_depend_on_it(filled, tmp_path):
    _, _, digests = filled
    places = []
    for how in (ModelOptions(), ModelOptions(device="cpu", batch_size=1), ModelOptions(query_tokens="no_specials")):
        with open_index(digests, tmp_path / "cache", load_pipeline(), how) as index:
            places.append(index.path)
    assert places[0] == places[1] != places[2]
