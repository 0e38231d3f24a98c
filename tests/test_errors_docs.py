"""docs/reference/errors.md lists the errors that the code has, with their codes."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from vrag import errors

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "reference" / "errors.md").read_text("utf-8")
CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, errors.VragError)]
ROWS = re.findall(r"^\| (.*?) \| [^|]+ \|$", TEXT.split("## What you may meet")[1], re.MULTILINE)
MESSAGES = [row for row in ROWS if row not in ("message", "---")]


def row_of(error):
    return f"| `{error.__name__}` | {error.exit_code} | {error.__doc__.splitlines()[0]} |"


def test_the_classes_are_these():
    section = TEXT.split("## In Python")[1].split("\n## ")[0]
    assert re.findall(r"^\| `.*$", section, re.MULTILINE) == [row_of(error) for error in CLASSES]


def raised():
    """The sentences of all errors that are made in the code, with … for what is filled in."""
    names = {error.__name__ for error in CLASSES}
    for file in (ROOT / "vrag").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
                yield sentence(node.args[0])


def sentence(node):
    if isinstance(node, ast.JoinedStr):
        return "".join(sentence(part) for part in node.values)
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "…"


SENTENCES = frozenset(raised())


def test_sentences_are_found():
    assert len(SENTENCES) > 250
    assert len(MESSAGES) > 35


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_in_the_code(message):
    assert message in SENTENCES


def test_exit_codes_are_those_of_the_code():
    table = TEXT.split("## Exit codes")[1].split("\n## ")[0]
    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == ["0", "1", "2", "3", "130"]
    assert {error.exit_code for error in CLASSES} == {1, 2}
