"""README and tutorial, followed by somebody who types what they say: everything prints what is shown there."""

import json
import re
import sys
from pathlib import Path

import pytest
from mcp.client.stdio import StdioServerParameters

from tests.mcp.talking import talk
from tests.walk import HOME, PAGES, ROOT, Walk, clone, differ, shown_anew, steps


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: clone the repository to run this test")
    return clone(tmp_path_factory.mktemp("walk") / "vrag", Path(sys.prefix))


def test_the_pages_show_what_is_printed(folder):
    """In one folder and in this order: the tutorial begins where README ends."""
    wrong = []
    for name in PAGES:
        walked = Walk(folder).follow((ROOT / name).read_text("utf-8"))
        shown = [(step, printed) for step, printed in walked if step.shown.strip()]
        assert len(shown) >= 2
        wrong += [(name, step.typed, printed) for step, printed in shown if differ(step.shown, printed)]
    assert wrong == [], "if that is meant: python -m tests.walk --here --write"
    assert_the_assistant_finds_a_server(folder)


def assert_the_assistant_finds_a_server(folder):
    """What the tutorial has to be pasted starts a server of the index that it has made."""
    (block,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/tutorial.md").read_text("utf-8"), re.DOTALL)
    pasted = json.loads(block.replace(HOME, str(folder)))["mcpServers"]["vrag"]
    server = StdioServerParameters(command=pasted["command"], args=pasted["args"], env={"VRAG_LOG": "off"})
    assert len(talk(server, lambda client: client.list_tools()).tools) == 4


def test_steps_are_found_in_order():
    page = "```console\n$ one  # a note\nsaid\n$ two\n```\n\n```python\nprint(3)\n```\n\n```text\n3\n```\n"
    assert [(s.typed, s.shown, s.is_program) for s in steps(page)] == [
        ("one", "said\n", False),
        ("two", "", False),
        ("print(3)\n", "3\n", True),
    ]


@pytest.mark.parametrize(
    ("shown", "printed", "apart"),
    [
        ("4 pages in 70 ms.", "4 pages in 81 ms.", False),
        ("4 pages in 70 ms.", "5 pages in 70 ms.", True),
        ("score 16.162", "score 16.17", False),
        ("score 16.162", "score 16.5", True),
        ("pump number 3", "pump number 4", True),
        ("report.pdf", "reports.pdf", True),
        ("one\ntwo", "one two", True),
        (f"{HOME}: 4 documents", f"{HOME}: 4\ndocuments", False),
    ],
)
def test_what_may_differ_is_little(shown, printed, apart):
    assert differ(shown, printed) == apart


def test_a_page_is_shown_anew_where_it_differs():
    page = "```console\n$ one\nold\n$ two\n$ three\nkept 2 s\n```\n"
    printed = ["new\n", "not shown\n", "kept 3 s\n"]
    assert shown_anew(page, list(zip(steps(page), printed, strict=True))) == page.replace("old", "new")
