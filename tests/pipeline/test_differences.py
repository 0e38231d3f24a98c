"""What two pipelines say differently: what it costs to have it, the dearest first, and one sentence about it."""

import pytest

from vrag.errors import IndexMismatchError
from vrag.pages.page import PageSpec
from vrag.pipeline.differences import Cost
from vrag.pipeline.pipeline import load_pipeline, make_pipeline

TABLE = {
    "model": "builtin",
    "page": {"dpi": 144},
    "vectors": {"runs": {"pooling": "runs", "size": 8}},
    "text": {},
    "context": ["name"],
    "cascades": {"fast": "runs:9 > full"},
}


def made(**tables):
    return make_pipeline("mine", {**TABLE, **tables}, "here")


def told(one, other, model=None):
    return [(found.key, found.cost) for found in one.differences(other, model)]


@pytest.mark.parametrize("name", ["builtin", "plain", "paper-colpali-rows"])
def test_a_pipeline_agrees_with_itself_and_with_what_is_kept_of_it_in_an_index(name):
    one = load_pipeline(name)
    assert told(one, make_pipeline(name, one.source, "index.json")) == []


@pytest.mark.parametrize(
    ("tables", "found"),
    [
        ({"model": "vidore/colpali-v1.3"}, [("model", Cost.EVERYTHING)]),
        ({"page": {"dpi": 72}}, [("dpi", Cost.EVERYTHING)]),
        ({"page": {"dpi": 144, "crop": True}}, [("crop", Cost.EVERYTHING)]),
        ({"page": {}}, [("dpi", Cost.EVERYTHING)]),
        ({"vectors": {"runs": {"pooling": "runs", "size": 9}}}, [("vectors.runs", Cost.POOLED)]),
        ({"vectors": {**TABLE["vectors"], "g": {"pooling": "mean"}}}, [("vectors.g", Cost.POOLED)]),
        ({"text": {"language": "german"}}, [("text", Cost.POOLED)]),
        ({"context": []}, [("a context of documents", Cost.POOLED), ("context", Cost.NOTHING)]),
        ({"cascades": {}}, [("cascades", Cost.NOTHING)]),
        ({"search": {"cascade": "fast"}}, [("default_cascade", Cost.NOTHING)]),
        ({"server": {"shards": 6}}, [("server", Cost.NOTHING)]),
        ({"vectors": {}, "cascades": {}, "page": {"dpi": 72}},
         [("dpi", Cost.EVERYTHING), ("vectors.runs", Cost.POOLED), ("cascades", Cost.NOTHING)]),
    ],
)  # fmt: skip
def test_what_differs_is_told_by_what_it_costs(tables, found):
    assert told(made(), made(**tables)) == found
    assert sorted(told(made(**tables), made()), key=str) == sorted(found, key=str)


def test_another_name_parts_pages_and_another_search_does_not():
    other = make_pipeline("other", {**TABLE, "cascades": {}}, "here")
    assert [(one.key, one.parts_pages) for one in made().differences(other)] == [
        ("pipeline", True),
        ("cascades", False),
    ]


def test_over_another_one_it_says_what_it_names_and_leaves_the_rest():
    plain = make_pipeline("other", {"page": {"ocr": "never"}}, "here").over(made(model="x/y"))
    assert (plain.model, dict(plain.page)) == ("x/y", {"dpi": 144, "ocr": "never"})
    assert made(model="vidore/colpali-v1.3").over(made()).model == "vidore/colpali-v1.3"


def test_what_a_pipeline_leaves_to_the_model_is_the_models_choice_where_that_is_known():
    left = made(page={})
    assert told(left, made(), PageSpec(dpi=144)) == []
    assert told(left, made(), PageSpec(dpi=100)) == [("dpi", Cost.EVERYTHING)]


def test_the_sentence_names_the_index_and_both_values():
    (one,) = made().differences(made(vectors={}, cascades={}))[:1]
    error = one.error("here", "Do that.")
    assert isinstance(error, IndexMismatchError)
    assert str(error) == (
        'The index at here was made with vectors.runs {"name": "runs", "pooling": "runs", "options": {"size": 8}, '
        '"single": false, "centred": false}, not none. Do that.'
    )


def test_a_folder_is_the_same_model_however_it_is_written(tmp_path, monkeypatch):
    (tmp_path / "ckpt").mkdir()
    monkeypatch.chdir(tmp_path)
    kept = made(model=str(tmp_path / "ckpt"))
    assert made(model="./ckpt").over(kept).model == kept.model
    assert kept.differences(made(model="./ckpt").over(kept)) == []


def test_what_was_not_kept_cannot_be_had_back():
    kept = made(bits={"full": 2, "alone": True})
    assert told(made(bits={"full": 2}), kept) == [("bits.alone", Cost.POOLED)]
    assert told(kept, made(bits={"full": 2}))[0] == ("bits.alone", Cost.EVERYTHING)
    assert told(kept, made(bits={"full": 1, "alone": True}))[0] == ("bits.alone", Cost.EVERYTHING)
    assert told(kept, kept) == []
