"""The real service on a real socket, and a real Chromium that watches itself: what it logs or blocks fails a test."""

import os
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from tests.conftest import copy_index
from vrag.index import Index
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.metadata_files import given
from vrag.serve.http.app import make_app
from vrag.serve.http.guard import Guard
from vrag.serve.http.server import server_config
from vrag.serve.service import Service

SAMPLES = Path(__file__).parents[3] / "eval" / "samples" / "pdfs"
SCREENS = Path(__file__).parents[3] / "build" / "screens"  # pictures of every view, for people to look at
PATIENCE_MS = 60_000  # of every wait: a shared machine is slow now and then
expect.set_options(timeout=PATIENCE_MS)
LEFT_OUT = "The web page was not tested: no Chromium. Install the package chromium, or name one in VRAG_CHROMIUM."
NAMES = ("chromium", "chromium-browser", "google-chrome")
LOOKS = {
    "desktop": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 375, "height": 812},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    },
}
_BLOCKED = """addEventListener("securitypolicyviolation", (event) =>
    console.error(`blocked: ${event.violatedDirective} ${event.blockedURI}`));"""


def find_chromium():
    """Path of the browser, or None."""
    return os.environ.get("VRAG_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def pytest_terminal_summary(terminalreporter):
    """Say in a line what was left out, and how to have it."""
    if any(LEFT_OUT in str(report.longrepr) for report in terminalreporter.stats.get("skipped", ())):
        terminalreporter.write_line(LEFT_OUT)


@pytest.fixture(scope="module")
def chromium():
    """A browser, for all tests of a file: as long as it is driven, nobody else may run an event loop in this thread."""
    path = find_chromium()
    if path is None:
        pytest.skip(LEFT_OUT)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A page of the browser, and what went wrong on it."""

    def __init__(self, browser, address, look="desktop", **options):
        self.context = browser.new_context(base_url=address, reduced_motion="reduce", **LOOKS[look] | options)
        self.context.add_init_script(_BLOCKED)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.wrong = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", lambda asked: self._see(asked.url, address))

    def _hear(self, message):
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text}")

    def _see(self, url, address):
        if not url.startswith((f"{address}/", "data:", "blob:")):
            self.wrong.append(f"asked elsewhere: {url}")

    def forget(self, text):
        """A refusal that the test has asked for is no fault."""
        assert any(text in wrong for wrong in self.wrong)
        self.wrong = [wrong for wrong in self.wrong if text not in wrong]

    def close(self):
        self.context.close()
        assert self.wrong == []


@pytest.fixture
def browse(chromium):
    """Open a page of a service; at the end nothing may have gone wrong on it.

    To be named after the service in a test's arguments, so that the service is still there when pages are closed.
    """
    opened = []

    def start(address, look="desktop", **options):
        opened.append(Watched(chromium, address, look, **options))
        return opened[-1]

    yield start
    for watched in opened:
        watched.close()


def keep(page, name, look="desktop"):
    """A picture of what is shown now, for people to look at."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}-{look}.png")


@contextmanager
def serving(path, read_only=False, token=""):
    """The address of a service of the index there, which runs while the block does."""
    with running(path, read_only, token) as (_, address):
        yield address


@contextmanager
def running(path, read_only=False, token=""):
    """The same, with the service."""
    service = Service(Index.open(path), read_only=read_only)
    server = uvicorn.Server(server_config(make_app(service, Guard(token=token)), port=0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.01)
        yield service, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        service.close()


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """An index of two samples, with metadata; tests must not change it."""
    path = tmp_path_factory.mktemp("samples") / "index"
    with Index.create(path) as index:
        for name, year in (("ferry-annual-report.pdf", 2025), ("bees-on-the-roof-slides.pdf", 2024)):
            index.ingest([SAMPLES / name], workers=1, options=IngestOptions(given=given([f"year={year}"])))
    report = path / "reports" / "ferries" / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text(
        "<!doctype html><html lang='en'><title>Questions of travellers</title><h1>NDCG@10: 0.81</h1></html>"
    )
    return path


@pytest.fixture(scope="session")
def running_samples(samples):
    """A service of that index, and its address."""
    with running(samples) as served:
        yield served


@pytest.fixture(scope="session")
def site(running_samples):
    """The address of that service."""
    return running_samples[1]


@pytest.fixture
def writing(running_samples, endpoint, monkeypatch):
    """The same, while it has a language model: the one at the endpoint."""
    service, address = running_samples
    monkeypatch.setattr(service, "llm", endpoint.llm())
    return address


@pytest.fixture
def site_of_own(indexed, tmp_path):
    """The address of a service that a test may change, with two documents of five pages."""
    with serving(copy_index(indexed, tmp_path / "index")) as address:
        yield address
