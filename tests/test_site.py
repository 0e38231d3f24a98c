"""The docs build into a site: strictly, offline, with a search that needs no server."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import vrag

ROOT = Path(__file__).parent.parent
BUILD = [sys.executable, "-m", "mkdocs", "build", "--site-dir"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built = build(folder, ROOT)
    assert built.returncode == 0, built.stderr
    return folder


def build(folder, cwd):
    return subprocess.run(
        [*BUILD, str(folder)], cwd=cwd, capture_output=True, text=True, env={"NO_MKDOCS_2_WARNING": "1"}, timeout=120
    )


def test_nothing_of_the_site_is_fetched_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        sources = re.findall(r'<(?:script|img|link|iframe)[^>]*?(?:src|href)="?([^" >]+)', page.read_text("utf-8"))
        assert [source for source in sources if source.startswith(("http:", "https:", "//"))] == [], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", style.read_text("utf-8")), style.name


def test_the_search_works_from_a_folder(site):
    index = (site / "search" / "search_index.js").read_text("utf-8")
    assert index.startswith("var __index = {")
    assert "how-to/ask.html" in index
    assert "iframe-worker" in (site / "index.html").read_text("utf-8")


def test_programs_that_draw_are_no_part_of_it(site):
    assert [file.name for file in site.rglob("*.py")] == []


@pytest.mark.parametrize("name", vrag.__all__)
def test_every_public_name_is_in_the_reference(site, name):
    page = (site / "reference" / "python.html").read_text("utf-8")
    assert re.search(rf'<h2 id="[\w.]+\.{name}"', page)


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path):
    """The rules of the real site, on a page with a wrong link, one with a wrong anchor, and one that no menu names."""
    rules = (ROOT / "mkdocs.yml").read_text("utf-8")
    strict = re.search(r"^strict:.*\n", rules, re.M)[0] + re.search(r"^validation:\n(?:  .*\n)+", rules, re.M)[0]
    (tmp_path / "mkdocs.yml").write_text(f"site_name: small\n{strict}nav: [index.md]\n")
    (tmp_path / "docs").mkdir()
    for text, said in (("[a](gone.md)", "gone.md"), ("[a](#gone)", "#gone"), ("fine", None)):
        (tmp_path / "docs" / "index.md").write_text(f"# Page\n\n{text}\n")
        built = build(tmp_path / "site", tmp_path)
        assert (built.returncode != 0, said is None or said in built.stderr) == (said is not None, True), built.stderr
    (tmp_path / "docs" / "lost.md").write_text("# Lost\n")
    assert "lost.md" in build(tmp_path / "site", tmp_path).stderr
