"""How long the web page of a running `vrag serve` takes until it can be typed into: `python eval/first_view.py URL`.

Every load is one of a new visitor, with nothing in the browser's cache. Needs Chromium and playwright.
"""

from __future__ import annotations

import runpy
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

LOADS = 20
FIND = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "screens.py"))["find_chromium"]
WATCH = "document.addEventListener('focusin', () => { window.usable ??= performance.now(); });"
COUNT = """() => [window.usable, performance.getEntriesByType("resource")
    .filter(({ name }) => name.includes("/assets/")).reduce((sum, { transferSize }) => sum + transferSize, 0)]"""


def load(browser: Browser, address: str) -> tuple[float, int]:
    """Milliseconds until the search box has the focus, and bytes of the page's own files."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    usable, size = page.evaluate(COUNT)
    context.close()
    return usable, size


def main(address: str) -> None:
    """Print the median and the slowest of some loads."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=FIND(), args=["--no-sandbox"])
        loads = sorted(load(browser, address) for _ in range(LOADS))
        browser.close()
    times = [time for time, _ in loads]
    print(f"usable after {statistics.median(times):.0f} ms (median of {LOADS} loads, slowest {times[-1]:.0f} ms)")
    print(f"{loads[0][1] / 1000:.0f} kB of own files")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8321")
