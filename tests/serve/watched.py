"""What the tests of a service share: how long to wait, and an ingest that stops where the test wants it."""

import threading

from vrag.ingest.report import Silent

SOON_S = 20  # that a thread or process needs at the very most
PAGES = 250  # of an ingest that is not done before it can be stopped
QUERY = "snow leopard"


class Watched(Silent):
    """Progress that says when pages are being embedded, and holds the ingest there."""

    def __init__(self):
        self.told, self.begun, self.go_on = [], threading.Event(), threading.Event()

    def looking(self, files):
        self.told.append(("looking", files))

    def reading(self, path, page):
        self.told.append(("reading", path.name, page))
        self.begun.set()
        assert self.go_on.wait(SOON_S)
