"""Take the pictures of the web page that docs and README show: `python docs/screens.py` writes docs/pictures/web-*.png.

Needs Chromium (VRAG_CHROMIUM, or on the path) and playwright; `vrag serve` answers it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

PICTURES = Path(__file__).parent / "pictures"
SAMPLES = Path(__file__).parents[1] / "eval" / "samples" / "pdfs"
SEARCHED, OPENED = "How much energy is used in a year?", "How much revenue came from freight in 2025?"
NAMES = ("chromium", "chromium-browser", "google-chrome")
MOST_BYTES = 250_000  # of a picture in the docs
_SIZE = {"width": 1200, "height": 760}


def find_chromium() -> str | None:
    """Path of the browser, or None."""
    return os.environ.get("VRAG_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def take(browser: Any, address: str, folder: Path) -> list[Path]:
    """Pictures of hits, of a page, and of an answer beside the page that it quotes.

    Args:
        browser: Of playwright.
        address: Of a service with the samples in its index.
        folder: Where the pictures go.
    """
    context = browser.new_context(base_url=address, viewport=_SIZE, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.goto("/")
    page.locator("input[type=search]").fill(SEARCHED)
    page.locator(".hit-link").first.wait_for()
    page.wait_for_load_state("networkidle")
    hits, viewer = folder / "web-search.png", folder / "web-page.png"
    page.screenshot(path=hits)
    page.locator("input[type=search]").fill(OPENED)
    page.locator(".hit:first-child[data-page='3'] .hit-link").click()
    page.locator(".why .standing").wait_for()
    page.get_by_role("button", name="Heat", exact=True).click()
    for picture in (".page-image", ".page-heat"):
        page.locator(picture).evaluate("image => image.decode()")
    page.screenshot(path=viewer)
    page.goto(f"/ask?{urlencode({'q': OPENED})}")
    page.locator(".quote a.cite").first.click()
    page.locator(".quote-panel .frame").first.wait_for()
    page.locator(".quote-panel .page-image").evaluate("image => image.decode()")
    answer = folder / "web-ask.png"
    page.screenshot(path=answer)
    context.close()
    return [hits, viewer, answer]


def main() -> None:
    """Index the samples, serve them, take the pictures."""
    from playwright.sync_api import sync_playwright

    vrag = [sys.executable, "-m", "vrag"]
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        subprocess.run([*vrag, "ingest", str(SAMPLES), "--index", str(index)], check=True)
        serve = [*vrag, "serve", "--index", str(index), "--port", "0", "--json"]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as service, sync_playwright() as started:
            assert service.stdout is not None
            address = json.loads(service.stdout.readline())["url"].rstrip("/")
            browser = started.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
            for picture in take(browser, address, PICTURES):
                assert picture.stat().st_size < MOST_BYTES, picture
            browser.close()
            service.terminate()


if __name__ == "__main__":
    main()
