"""The pages of docs say what vrag does: drawings of concepts are made again, examples in Python run."""

import re
import runpy
import shutil
from pathlib import Path

import pytest

from vrag.pipeline.pipeline import pipeline_file

DOCS = Path(__file__).parent.parent / "docs"
DRAWN = runpy.run_path(str(DOCS / "drawings.py"))
CONCEPTS = ("page", "multivector", "maxsim", "pooling", "cascade", "region", "context", "relevance")
PAGES = [f"{name}.md" for name in CONCEPTS]
NUMBER = re.compile(r"(?<![#\w.])-?\d+(?:\.\d+)?")
ALMOST = 0.12  # of a shade or a score, which differ by a little from processor to processor; places are whole pixels


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with an index of the samples, called my-index as in the examples, and the drawings of it."""
    folder = tmp_path_factory.mktemp("concepts")
    return folder, DRAWN["drawings"](folder)


@pytest.mark.parametrize("draw", DRAWN["DRAWINGS"], ids=lambda draw: draw.__name__)
def test_a_drawing_is_what_vrag_does(made, draw):
    kept = (DOCS / "pictures" / f"concept-{draw.__name__}.svg").read_text(encoding="utf-8")
    again = made[1][draw.__name__]
    assert NUMBER.sub("0", again) == NUMBER.sub("0", kept), "run: python docs/drawings.py"
    pairs = zip(map(float, NUMBER.findall(again)), map(float, NUMBER.findall(kept)), strict=True)
    apart = [(one, other) for one, other in pairs if abs(one - other) > max(ALMOST, 0.03 * abs(other))]
    assert apart == [], "run: python docs/drawings.py"


def test_every_drawing_is_shown():
    text = "".join((DOCS / "concepts" / page).read_text(encoding="utf-8") for page in PAGES)
    shown = set(re.findall(r"\.\./pictures/(concept-\w+\.svg)", text))
    assert shown == {file.name for file in (DOCS / "pictures").glob("concept-*.svg")}
    assert len(shown) == len(DRAWN["DRAWINGS"])


OTHERS = ["how-to/ask.md", "how-to/explain.md", "how-to/tune.md", "reference/pooling.md"]
ELSEWHERE = {"how-to/frameworks.md", "reference/api.md", "tutorial.md"}  # tests of their own run these


@pytest.mark.parametrize("page", [*(f"concepts/{page}" for page in PAGES), *OTHERS])
def test_the_examples_run(made, page, tmp_path, monkeypatch, capsys, endpoint):
    blocks = examples(page)
    assert blocks
    shutil.copytree(made[0] / "my-index", tmp_path / "my-index")
    shutil.copy(pipeline_file("builtin"), tmp_path / "mine.toml")
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block.replace("http://localhost:11434/v1", endpoint.url), page, "exec"), {})  # noqa: S102
        assert capsys.readouterr().out or "print(" not in block


def test_no_example_is_left_out():
    with_examples = {
        file.relative_to(DOCS).as_posix() for file in DOCS.rglob("*.md") if "```python\n" in file.read_text()
    }
    assert with_examples - ELSEWHERE == {*(f"concepts/{page}" for page in PAGES), *OTHERS}


def examples(page):
    """The blocks of Python of a page."""
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
