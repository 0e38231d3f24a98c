"""Every view in three looks: nothing sticks out, nothing breaks a rule of WCAG 2 AA, and a picture of it is kept."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from tests.serve.web.conftest import LOOKS, Watched, keep

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
COLOURS = {"type": "rule", "values": ["color-contrast"]}  # the rest is the same in the dark
DIFFERENT = (
    "home",
    "hits",
    "answer",
    "answer-with-page",
    "page",
    "documents",
)  # on a phone; the others only wrap their lines elsewhere
ASKED = "/?q=How+much+revenue+came+from+freight"

PICTURES = """() => Promise.all([...document.images].filter((image) => image.src).map((image) => {
    image.loading = "eager";
    return image.decode();
}))"""


def open_page(page):
    page.locator(".hit-link").first.click()
    page.locator(".why .standing").wait_for()
    page.locator(".page-image").evaluate("image => image.decode()")


def heat(page):
    open_page(page)
    page.get_by_role("button", name="Heat", exact=True).click()
    page.locator(".page-heat").evaluate("image => image.decode()")
    page.get_by_text("The numbers").click()


def edit(page):
    page.locator(".edit").first.click()


def keys(page):
    page.evaluate("document.getElementById('keys').click()")  # where there is no keyboard the button is hidden


def open_quote(page):
    page.locator(".quote a.cite").first.click()
    page.locator(".quote-panel .frame").first.wait_for()
    page.locator(".quote-panel .page-image").evaluate("image => image.decode()")


VIEWS = {
    "home": ("/", ".shelf li", None),
    "hits": (ASKED, ".hit-link", None),
    "hits-by-document": ("/?q=energy+of+the+year&by=document&f.year=2024&f.year=2025", ".group", None),
    "no-hits": ("/?q=ferry&f.year=1999", ".notice", None),
    "ask": ("/ask", ".welcome", None),
    "answer": (f"/ask{ASKED[1:]}", ".quote", None),
    "answer-with-page": (f"/ask{ASKED[1:]}", ".quote", open_quote),
    "answer-nothing": ("/ask?q=ferry&f.year=1999", ".nothing", None),
    "page": (ASKED, ".hit", open_page),
    "page-with-heat": (ASKED, ".hit", heat),
    "documents": ("/documents", ".document h2", None),
    "documents-edited": ("/documents", ".document h2", edit),
    "keys": ("/documents", ".document h2", keys),
    "jobs": ("/jobs", ".notice", None),
    "reports": ("/reports", ".report h2, .report a", None),
    "report": ("/reports?open=ferries", "iframe", None),
    "nowhere": ("/search", ".notice", None),
}


@pytest.fixture(scope="module", params=LOOKS)
def looking(chromium, site, request):
    """A look, and a page that has it."""
    watched = Watched(chromium, site, request.param)
    yield request.param, watched.page
    watched.close()


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_fits_and_can_be_read_by_everybody(looking, view):
    look, page = looking
    address, ready, act = VIEWS[view]
    page.goto(address)
    page.locator(ready).first.wait_for()
    if act:
        act(page)
    page.evaluate(PICTURES)
    keep(page, view, look)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    if look != "phone" or view in DIFFERENT:
        assert broken_rules(page, COLOURS if look == "dark" else RULES) == []


def broken_rules(page, rules):
    """Rules that what is shown breaks, and where."""
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response["violations"]
    return [(rule["id"], node["target"], node["failureSummary"]) for rule in found for node in rule["nodes"]]


def test_the_pictures_of_the_docs_can_be_taken_again(chromium, site, tmp_path):
    screens = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "screens.py"))
    for picture in screens["take"](chromium, site, tmp_path):
        assert 50_000 < picture.stat().st_size < screens["MOST_BYTES"]
        kept = screens["PICTURES"] / picture.name
        assert kept.stat().st_size < screens["MOST_BYTES"]
        assert unlike(picture, kept) < 6, "run: python docs/screens.py"


def unlike(one, other):
    """Mean difference in grey, 0 to 255, of two pictures so small that fonts of other machines hardly matter."""
    small = [np.asarray(Image.open(file).convert("L").resize((60, 38)), np.float32) for file in (one, other)]
    return float(np.abs(small[0] - small[1]).mean())
