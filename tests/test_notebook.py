"""docs/notebook.ipynb shows what its cells show when they are run: they are run here."""

import io
import json
import re
import runpy
from pathlib import Path

import pytest
from PIL import Image

from tests.golden.comparing import difference
from vrag.runtime.data_url import data_in

MADE = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "notebook.py"))
FILE = MADE["NOTEBOOK"]
PICTURE = re.compile(r'src="(data:[^"]+)"')
SHARE = re.compile(r"\d+%")  # of a relevance, which another CPU rounds otherwise


@pytest.fixture
def folder(tmp_path):
    """Where the cells find the sample PDFs, as in the repository."""
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "samples").symlink_to(MADE["ROOT"] / "eval" / "samples")
    return tmp_path


def said(notebook):
    """Every cell with what it shows, as text; pictures are left out."""
    parts = []
    for cell in notebook["cells"]:
        parts.append("".join(cell["source"]))
        for output in cell.get("outputs", ()):
            shown = output["text"] if output["output_type"] == "stream" else next(iter(output["data"].values()))
            parts.append(SHARE.sub("0%", PICTURE.sub("", "".join(shown))))
    return "\n".join(parts)


def test_the_cells_show_what_the_notebook_says(folder):
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert difference(said(kept), said(MADE["notebook"](folder))) == "", "run: python docs/notebook.py"


def test_it_is_a_notebook_that_everybody_may_open():
    text = FILE.read_text(encoding="utf-8")
    kept = json.loads(text)
    assert (kept["nbformat"], kept["nbformat_minor"]) == (4, 5)
    assert {cell["cell_type"] for cell in kept["cells"]} == {"markdown", "code"}
    assert len({cell["id"] for cell in kept["cells"]}) == len(kept["cells"])
    assert all(set(cell) >= {"outputs", "execution_count"} for cell in kept["cells"] if cell["cell_type"] == "code")
    assert len(text) < 200_000
    assert str(MADE["ROOT"]) not in text


def test_its_pictures_are_pages():
    addresses = PICTURE.findall(json.loads(json.dumps(FILE.read_text(encoding="utf-8"))).replace('\\"', '"'))
    widths = [Image.open(io.BytesIO(data_in(address))).width for address in addresses]
    assert widths == [120, 120, 120, 480]


def test_what_a_cell_awaits_prints_and_ends_with_is_shown():
    names = {}
    outputs = MADE["shown"]("import asyncio\nawait asyncio.sleep(0)\nprint(1)\n2 + 3", names)
    assert [output["output_type"] for output in outputs] == ["stream", "execute_result"]
    assert outputs[1]["data"] == {"text/plain": ["5"]}
    assert MADE["shown"]("x = 4", names) == []
    assert names["x"] == 4
