"""One word for one thing: the glossary's names exist, and the words that it has dropped are gone."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
NAMES = re.findall(r"`(vrag(?:\.\w+)+)`", TEXT)
DROPPED = re.findall(r"^\| (\w+) \| \w+ \|$", TEXT.split("## Words that are not used")[1], re.MULTILINE)[1:]
ALLOWED = {  # a key of JSON that older programs read
    "vrag/embedders/catalogue.py",
    "docs/reference/json.md",
    "docs/reference/glossary.md",
}


def resolve(name):
    """The module or attribute of a dotted name."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return found
    raise LookupError(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_exists(name):
    resolve(name)


def test_no_word_is_explained_twice():
    words = re.findall(r"^\| ([\w -]+) \|", TEXT.split("## Words")[0], re.MULTILINE)
    words = [word for word in words if word not in ("word", "---")]
    assert sorted(set(words)) == sorted(words)
    assert len(words) > 40


@pytest.mark.parametrize("word", DROPPED)
def test_dropped_words_are_gone(word):
    files = [
        *(file for folder in ("vrag", "eval", "pipelines", "docs") for file in (ROOT / folder).rglob("*")),
        ROOT / "README.md",
    ]
    texts = [file for file in files if file.suffix in (".py", ".md", ".toml", ".html")]
    assert len(texts) > 200
    found = [
        file.relative_to(ROOT).as_posix() for file in texts if re.search(word, file.read_text("utf-8"), re.IGNORECASE)
    ]
    assert set(found) <= ALLOWED


def test_no_two_classes_have_one_name():
    places = {}
    for file in sorted((ROOT / "vrag").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(file.relative_to(ROOT).as_posix())
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_two_modules_have_one_name():
    """A command is called as what it runs, and the main module of a room may be called as the room."""
    places = {}
    for file in sorted((ROOT / "vrag").rglob("*.py")):
        path = file.relative_to(ROOT / "vrag")
        if path.parts[0] != "cli" and file.stem not in ("__init__", file.parent.name):
            places.setdefault(file.stem, []).append(path.as_posix())
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
