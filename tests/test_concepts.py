"""The pages of docs/concepts say what vrag does: their drawings are made again, their examples run."""

import re
import runpy
import shutil
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(made, page, tmp_path, monkeypatch, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "concepts" / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    shutil.copytree(made[0] / "my-index", tmp_path / "my-index")
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block, page, "exec"), {})  # noqa: S102
        assert capsys.readouterr().out
