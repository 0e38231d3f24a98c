"""Writes docs/notebook.ipynb: its cells, which are below, with what they show on the sample PDFs.

    python docs/notebook.py

The cells are run here as a notebook runs them, in order and in one namespace, without Jupyter: it would bring 25
packages for what 30 lines do. A test runs them again and compares what they show (`tests/test_notebook.py`).
"""

from __future__ import annotations

import ast
import asyncio
import base64
import inspect
import io
import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
_SEPARATOR = "\n# %%"
_CELLS = """
# %% md
# vrag in a notebook

An index of the four sample PDFs of the repository: a report, slides, a paper, and two notices that are scans. Start
Jupyter in the repository, or name a folder of your own as `pdfs`.
# %%
from pathlib import Path

from vrag import Index

here = [Path.cwd(), *Path.cwd().parents]
pdfs = next(folder / "eval/samples/pdfs" for folder in here if (folder / "eval/samples/pdfs").is_dir())

index = Index.open_or_create("sample-index")  # the second time it is only opened
report = index.ingest([pdfs])
index
# %% md
## Search

A search gives hits, best first. A notebook shows them with their pages: the region that answers is framed, and words of
the question are marked.
# %%
hits = index.search("How much revenue came from freight in 2025?", k=3)
hits
# %% md
One hit is its page.
# %%
best = hits[0]
best
# %% md
## What a hit gives

The passage that answers, all words of the page, and the page as a picture of `PIL`.
# %%
print(best.snippet)
# %%
print(best.text[:200])
# %%
picture = best.image(width=600)
picture.size
# %% md
The index gives the words of any page.
# %%
print(index.page_text("old-notices-scanned.pdf", 1)[:200])
# %% md
## Many questions

`search_many` gives what `search` gives for each question. The built-in model reads the questions on all cores at once,
and an index that a service holds is asked once for 64 of them.
# %%
questions = [
    "At what pressure does the relief valve of pump number 3 open?",
    "How long does it take to dry oak in the solar kiln?",
    "When is honey harvested on the roof?",
]
for found in index.search_many(questions, k=1):
    print(f"{found.query} -> {found[0].doc}, page {found[0].page}")
# %% md
## An answer in quotes

Without a language model an answer is made of quotes, word for word.
# %%
answer = index.ask("At what pressure does the relief valve of pump number 3 open?")
print(answer.answer)
# %% md
## In an asynchronous program

A search computes, so that there is nothing to wait for: it has no asynchronous form. Where an event loop must go on
meanwhile, let a thread search. Any number of threads may use one index.
# %%
import asyncio

first, second = await asyncio.gather(
    asyncio.to_thread(index.search, "freight revenue", 1),
    asyncio.to_thread(index.search, "honey harvest", 1),
)
print(first[0].doc, second[0].doc)
# %% md
## At the end

Close the index: others can open it then. A hit reads its page as long as the index is open.
# %%
from vrag import VragError

index.close()
try:
    print(best.text)
except VragError as error:
    print(error)
"""


def cells() -> list[tuple[str, str]]:
    """Kind of each cell, "markdown" or "code", and its text."""
    found = []
    for part in _CELLS.split(_SEPARATOR)[1:]:
        head, _, text = part.partition("\n")
        found.append(("markdown" if head.strip() == "md" else "code", text.strip()))
    return found


def shown(code: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    """What a cell shows when it is run: what it prints, and the value of its last line.

    Args:
        code: Of the cell.
        names: That the cells before have made; those of this one come to them.
    """
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with redirect_stdout(printed):
        _run(compile(tree, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if last is not None:
            value = _run(compile(ast.Expression(last.value), "cell", "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())})
    if value is not None:
        outputs.append({"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": _data(value)})
    return outputs


def _run(code: Any, names: dict[str, Any]) -> Any:
    value = eval(code, names)
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def _data(value: Any) -> dict[str, Any]:
    """The forms in which a notebook shows a value."""
    if hasattr(value, "_repr_html_"):
        return {"text/html": _lines(value._repr_html_().replace(f"{os.getcwd()}{os.sep}", ""))}
    if hasattr(value, "_repr_png_"):
        return {"image/png": base64.b64encode(value._repr_png_()).decode("ascii")}
    return {"text/plain": _lines(repr(value))}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def notebook(folder: Path) -> dict[str, Any]:
    """The notebook, its cells run in a folder."""
    names: dict[str, Any] = {"__name__": "__main__"}
    before = os.getcwd()
    os.chdir(folder)
    made = []
    try:
        for number, (kind, text) in enumerate(cells(), 1):
            cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": _lines(text)}
            if kind == "code":
                cell |= {"execution_count": number, "outputs": shown(text, names)}
            made.append(cell)
    finally:
        os.chdir(before)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def written(made: dict[str, Any]) -> str:
    """A notebook as the text of its file."""
    return f"{json.dumps(made, indent=1, ensure_ascii=False)}\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=ROOT / "eval" / "samples", prefix=".notebook-") as folder:
        NOTEBOOK.write_text(written(notebook(Path(folder))), encoding="utf-8")
    sys.stdout.write(f"{NOTEBOOK} written\n")
