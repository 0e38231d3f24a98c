"""A Qdrant server for tests, on loopback only: the client library's local mode behind the server's own protocols.

It speaks the REST and gRPC endpoints that vrag uses, so what is tested is the real client over a real
socket. What local mode does otherwise than a server is listed in `test_conformance.py`.
"""

import threading

from qdrant_client import QdrantClient, models

VERSION = "1.19.0"


class BackendError(Exception):
    """A refusal, with the status a server gives it."""

    def __init__(self, status, says):
        super().__init__(says)
        self.status = status


class Backend:
    """Collections in memory. One request at a time: local mode is not made for threads."""

    def __init__(self, api_key=None, version=VERSION, max_request=32 << 20):
        self.api_key = api_key
        self.version = version
        self.max_request = max_request
        self.client = QdrantClient(":memory:")
        self.requests = []  # (wire, what) in order
        self.indexed = []  # payload keys; local mode itself has no indexes
        self.threads = {}  # by collection, for optimizing; local mode has nothing to optimize
        self._lock = threading.Lock()

    def call(self, wire, what, collection, **arguments):
        """Run one method of the client; its complaints become statuses."""
        with self._lock:
            self.requests.append((wire, what))
            if what == "create_payload_index":
                self.indexed.append(arguments["field_name"])
            if what != "collection_exists" and what != "create_collection":
                self._need(collection)
            try:
                if what == "update_collection":
                    return self._update(collection, **arguments)
                found = getattr(self.client, what)(collection, **arguments)
                if what == "get_collection":
                    found.config.optimizer_config.max_optimization_threads = self.threads.get(collection)
                return found
            except (ValueError, KeyError, AssertionError) as error:
                raise BackendError(409 if "already exists" in str(error) else 400, str(error)) from error

    def count_of(self, what):
        return sum(name == what for _, name in self.requests)

    def check_key(self, key):
        if self.api_key is not None and key != self.api_key:
            raise BackendError(401, "Must provide an API key or an Authorization bearer token")

    def _update(self, collection, optimizers_config):
        threads = optimizers_config.max_optimization_threads
        self.threads[collection] = None if threads == models.MaxOptimizationThreadsSetting.AUTO else threads
        return True

    def _need(self, collection):
        if not self.client.collection_exists(collection):
            raise BackendError(404, f"Not found: Collection `{collection}` doesn't exist!")


def info(backend):
    return models.VersionInfo(title="qdrant - vector search engine", version=backend.version, commit=None)
