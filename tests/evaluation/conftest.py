"""The tiny benchmark, and `vrag eval` with a cache that all tests share."""

import pytest

from tests.evaluation.tiny import write_tiny, write_tiny_answers


@pytest.fixture(scope="session")
def eval_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("eval-cache")


@pytest.fixture
def vrag_eval(cli, eval_cache):
    """Run `vrag eval` with the shared cache."""

    def run(*arguments, env=None, **more):
        return cli("eval", *arguments, env={"VRAG_EVAL_CACHE": str(eval_cache), **(env or {})}, **more)

    return run


@pytest.fixture
def tiny(tmp_path):
    return write_tiny(tmp_path / "tiny")


@pytest.fixture
def answered(tmp_path):
    return write_tiny_answers(tmp_path / "answered")
