"""A service on a real socket, in a thread of this process."""

import threading
import time
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from vrag.index import Index
from vrag.serve.http.app import make_app
from vrag.serve.http.guard import Guard
from vrag.serve.http.server import server_config
from vrag.serve.service import Service


class Running:
    """What a test asks."""

    def __init__(self, service, app, port):
        self.service = service
        self.app = app
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def __getattr__(self, name):  # get, post, ...
        return getattr(self.client, name)


@contextmanager
def serving(service, guard=None, **how):
    """The service's app on a free port."""
    app = make_app(service, guard or Guard(), **how)
    with listening(app) as port:
        running = Running(service, app, port)
        with running.client:
            yield running


@contextmanager
def listening(app):
    """Any app on a free port; a mere function, which would take the server's begin for a request, is not told of it."""
    config = server_config(app, port=0)
    config.lifespan = config.lifespan if isinstance(app, FastAPI) else "off"
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.002)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def service_of(path, **how):
    """The service of an index on disk."""
    service = Service(Index.open(path), **how)
    try:
        yield service
    finally:
        service.close()
