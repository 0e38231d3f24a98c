from dataclasses import replace

import pytest

from vrag.embedders.options import ModelOptions
from vrag.errors import UsageError


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"device": "gpu"}, "'gpu'"),
        ({"dtype": "int8"}, "'int8'"),
        ({"query_tokens": "some"}, "no_specials"),
        ({"batch_size": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_is_refused(option, says):
    with pytest.raises(UsageError, match=says):
        ModelOptions(**option)


def test_the_index_decides_what_vectors_depend_on_and_the_machine_the_rest():
    here = ModelOptions(device="cuda:1", dtype="float16", batch_size=3, query_tokens="all", revision="main")
    facts = {"query_tokens": "no_specials", "revision": "abc", "allow_random_weights": True, "dim": 128, "device": "x"}
    kept = here.of_index(facts)
    assert (kept.device, kept.dtype, kept.batch_size) == ("cuda:1", "float16", 3)
    assert (kept.query_tokens, kept.revision, kept.allow_random_weights) == ("no_specials", "abc", True)
    assert here.of_index({"revision": "", "weights": "1a"}).weights == "1a"
    assert here.of_index({"revision": ""}).revision is None
    assert here.of_index({}) == replace(here, named="")


def test_only_a_model_that_the_user_named_may_be_fetched():
    assert ModelOptions().may_fetch("a/b")
    assert not ModelOptions().of_index({}).may_fetch("a/b")
    named = ModelOptions(named="a/b").of_index({"named": "x/y"})
    assert (named.may_fetch("a/b"), named.may_fetch("x/y")) == (True, False)
