"""The conversation of `vrag ask`, at a real terminal."""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import command
from vrag import Index

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are of other systems", allow_module_level=True)

from tests.terminal import CTRL_C, CTRL_D, Terminal

PROMPT = "vrag> "
VIEWER = """#!/bin/sh
echo "$1" > "$SHOWN"
"""


@pytest.fixture
def chat(indexed, tmp_path):
    def start(*arguments, **environment):
        environment = {key: value for key, value in os.environ.items() if "DISPLAY" not in key} | environment
        return Terminal(command("ask", "--index", indexed, "-k", 2, *arguments), environment, tmp_path)

    return start


def test_a_conversation_is_answered_line_by_line(chat, indexed):
    with chat() as terminal:
        assert "5 pages; answers are quotes, word for word. /help lists" in terminal.until(PROMPT)
        assert terminal.says("/pages", PROMPT) == "Error: Nothing has been answered yet. Ask something first."
        first = terminal.says("How often is the oil filter replaced?", PROMPT)
        assert first.startswith("[1] “Replace the oil filter")
        assert "    machines.pdf, page 1" in first
        with Index.open(indexed, wait=0) as others:  # get in while nothing is asked
            assert others.page_count == 5
        assert "Searched for: How often is the oil filter replaced? and why?" in terminal.says("and why?", PROMPT)
        assert terminal.says("/pages", PROMPT).startswith("  1. machines.pdf, page 1\n  2. ")
        written = terminal.says("/open 1", PROMPT).replace("\n", "")
        path = Path(re.search(r"(/\S+\.png)$", written)[1])
        assert written.startswith("Written, for this conversation: ")
        assert path.parent.stat().st_mode & 0o077 == 0
        _is_framed(path, indexed)
        assert terminal.says("/open 9", PROMPT).startswith("Error: The last answer has quotes 1 to ")
        assert terminal.says("/open two", PROMPT).startswith("Error: The last answer has quotes 1 to ")
        assert terminal.says("/nope", PROMPT) == "Error: There is no '/nope'. /help lists what there is."
        assert "/open 2" in terminal.says("/help", PROMPT)
        assert terminal.says("  ", PROMPT).strip() == ""
        terminal.type("half a line")
        terminal.until("half a line")
        terminal.press_until(CTRL_C, PROMPT)
        terminal.type("/quit\n")
        assert terminal.code() == 0
        assert not path.parent.exists()


def test_a_viewer_shows_the_page_where_there_is_a_screen(chat, tmp_path):
    (tmp_path / "bin").mkdir()
    for name in ("xdg-open", "open"):
        (tmp_path / "bin" / name).write_text(VIEWER)
        (tmp_path / "bin" / name).chmod(0o755)
    shown = tmp_path / "shown"
    os.mkfifo(shown)  # whoever reads it waits for the viewer
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "DISPLAY": ":0", "SHOWN": str(shown)}
    with chat(**environment) as terminal:
        terminal.until(PROMPT)
        terminal.says("Where do honey bees find nectar?", PROMPT)
        said = terminal.says("/open 1", PROMPT)
        named = shown.read_text().strip()
        terminal.type(CTRL_D)
        assert terminal.code() == 0
    assert said.startswith("Shown: ")
    assert named == said.removeprefix("Shown: ").replace("\n", "")


def test_an_index_that_is_not_there_ends_it_before_it_begins(tmp_path):
    with Terminal(command("ask", "--index", "nowhere"), dict(os.environ), tmp_path) as terminal:
        assert "No index at nowhere." in terminal.until("\n")
        assert terminal.code() == 2


def _is_framed(path, index):
    """Its quote has a frame, and the page is otherwise as it is."""
    with Index.open(index) as opened:
        plain = np.asarray(opened.page_image("machines.pdf", 1))
        box = opened.ask("How often is the oil filter replaced?", 1).quotes[0].boxes[0]
    with Image.open(path) as picture:
        changed = (np.asarray(picture.convert("RGB")) != plain).any(axis=2)
    rows, columns = np.nonzero(changed)
    height, width = changed.shape
    assert 0 < changed.mean() < 0.05
    assert abs(columns.min() / width - box[0]) < 0.02
    assert abs(rows.min() / height - box[1]) < 0.02
