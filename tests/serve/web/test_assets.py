"""The files of the page: few bytes, nothing missing or left over, and such that a strict policy lets them run."""

import re
from pathlib import Path

import pytest

import vrag.serve.web

PAGE = Path(vrag.serve.web.__file__).with_name("index.html")
ASSETS = PAGE.with_name("assets")
SCRIPTS = sorted(ASSETS.glob("*.js"))
HTML = PAGE.read_text(encoding="utf-8")
MOST_BYTES = 100_000  # of the first view, as they lie there
NAMESPACE = "http://www.w3.org/2000/svg"


def imports(script):
    """Modules that are loaded with a module, and those that it loads later."""
    text = script.read_text(encoding="utf-8")
    at_once = re.findall(r'^import (?:[^;]* from )?"\./([\w.]+)";$', text, re.MULTILINE)
    return at_once, re.findall(r'import\("\./([\w.]+)"\)', text)


def first_view():
    """Files that the start page loads, the page itself among them."""
    named = set(re.findall(r'(?:src|href)="/assets/([\w.]+)"', HTML))
    waiting = [name for name in named if name.endswith(".js")]
    while waiting:
        new = {name for name in imports(ASSETS / waiting.pop())[0] if name not in named}
        named |= new
        waiting += new
    return [PAGE, *(ASSETS / name for name in sorted(named))]


def test_the_first_view_is_small():
    sizes = {file.name: file.stat().st_size for file in first_view()}
    assert {"main.js", "search_view.js", "base.css"} <= sizes.keys()
    assert sum(sizes.values()) < MOST_BYTES, sizes


def test_the_page_names_all_modules_of_the_first_view_so_that_they_come_side_by_side():
    needed, waiting = set(), ["main.js"]
    while waiting:
        new = {name for name in imports(ASSETS / waiting.pop())[0] if name not in needed}
        needed |= new
        waiting += new
    assert re.findall(r'<link rel="modulepreload" href="/assets/([\w.]+)">', HTML) == sorted(needed)


def test_every_file_is_there_and_wanted():
    named = set(re.findall(r'"/assets/([\w.]+)"', HTML))
    for script in SCRIPTS:
        text = script.read_text(encoding="utf-8")
        named |= {name for names in imports(script) for name in names} | set(re.findall(r'"(\w+\.css)"', text))
    assert named == {file.name for file in ASSETS.iterdir()}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_says_what_it_is_for_and_makes_no_markup_of_text(script):
    text = script.read_text(encoding="utf-8")
    assert text.startswith("// ")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|cssText", text)
    assert len(text.splitlines()) < 300
    assert max(map(len, text.splitlines())) <= 120, "npx prettier --print-width 120 --write vrag/serve/web/assets"


def test_the_page_has_nothing_inline_and_asks_nobody_else():
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", HTML)
    for file in [PAGE, *ASSETS.iterdir()]:
        assert "//" not in re.sub(r"//(?= )|/\*", "", file.read_text("utf-8").replace(NAMESPACE, "")), file.name
