"""The REST face of the test server; it packs its answers for whoever takes them so, as Qdrant does."""

import gzip
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from qdrant_client import models

from tests.store.backend import BackendError, info

ROUTES = {
    ("GET", ""): "_info",
    ("GET", "/exists"): "_exists",
    ("PUT", ""): "_create",
    ("DELETE", ""): "_drop",
    ("PATCH", ""): "_update",
    ("PUT", "/index"): "_index",
    ("PUT", "/points"): "_upsert",
    ("POST", "/points"): "_retrieve",
    ("POST", "/points/query"): "_query",
    ("POST", "/points/query/batch"): "_query_batch",
    ("POST", "/points/scroll"): "_scroll",
    ("POST", "/points/count"): "_count",
    ("POST", "/points/delete"): "_delete",
    ("POST", "/points/payload"): "_set_payload",
}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    backend = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self._answer()

    def do_PUT(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def do_PATCH(self):
        self._answer()

    def do_DELETE(self):
        self._answer()

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            result = self._result(body)
        except BackendError as error:
            self._send(error.status, {"status": {"error": str(error)}, "time": 0.0})
        else:
            self._send(200, result)

    def _result(self, body):
        path = self.path.split("?")[0]
        if path == "/":
            return json.loads(info(self.backend).model_dump_json())
        self.backend.check_key(self.headers.get("api-key"))
        if len(body) > self.backend.max_request:
            raise BackendError(413, "payload too large")
        match = re.fullmatch(r"/collections/([^/]+)(.*)", path)
        route = ROUTES.get((self.command, match[2])) if match else None
        if route is None:
            raise BackendError(404, f"no route {self.command} {path}")
        result = getattr(self, route)(match[1], json.loads(body or b"null"))
        return {"result": result, "status": "ok", "time": 0.0}

    def _send(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            data = gzip.compress(data)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _call(self, what, name, **arguments):
        return self.backend.call("rest", what, name, **arguments)

    def _info(self, name, _):
        return json.loads(self._call("get_collection", name).model_dump_json())

    def _exists(self, name, _):
        return {"exists": self._call("collection_exists", name)}

    def _create(self, name, body):
        asked = models.CreateCollection.model_validate(body)
        sparse = {"sparse_vectors_config": asked.sparse_vectors} if asked.sparse_vectors else {}
        return self._call("create_collection", name, vectors_config=asked.vectors, **sparse)

    def _drop(self, name, _):
        return self._call("delete_collection", name)

    def _update(self, name, body):
        asked = models.UpdateCollection.model_validate(body)
        return self._call("update_collection", name, optimizers_config=asked.optimizers_config)

    def _index(self, name, body):
        self._call("create_payload_index", name, field_name=body["field_name"], field_schema=body["field_schema"])
        return _done()

    def _upsert(self, name, body):
        self._call("upsert", name, points=models.PointsList.model_validate(body).points)
        return _done()

    def _retrieve(self, name, body):
        found = self._call(
            "retrieve",
            name,
            ids=body["ids"],
            with_payload=_payload(body.get("with_payload", True)),
            with_vectors=body.get("with_vector") or False,
        )
        return [_plain(record) for record in found]

    def _query(self, name, body):
        asked = models.QueryRequest.model_validate(body)
        answer = self._call(
            "query_points",
            name,
            prefetch=asked.prefetch,
            query=asked.query,
            using=asked.using,
            query_filter=asked.filter,
            search_params=asked.params,
            limit=asked.limit,
            with_payload=asked.with_payload,
        )
        return _plain(answer)

    def _query_batch(self, name, body):
        return [self._query(name, search) for search in body["searches"]]

    def _scroll(self, name, body):
        asked = models.ScrollRequest.model_validate(body)
        points, after = self._call(
            "scroll",
            name,
            scroll_filter=asked.filter,
            limit=asked.limit,
            offset=asked.offset,
            with_payload=asked.with_payload,
            with_vectors=asked.with_vector or False,
        )
        return {"points": [_plain(point) for point in points], "next_page_offset": after}

    def _count(self, name, body):
        asked = models.CountRequest.model_validate(body)
        return _plain(self._call("count", name, count_filter=asked.filter, exact=True))

    def _delete(self, name, body):
        self._call("delete", name, points_selector=_selector(body))
        return _done()

    def _set_payload(self, name, body):
        asked = models.SetPayload.model_validate(body)
        self._call("set_payload", name, payload=asked.payload, points=asked.points or asked.filter)
        return _done()


def _selector(body):
    kind = models.FilterSelector if "filter" in body else models.PointIdsList
    return kind.model_validate(body)


def _payload(wanted):
    return models.PayloadSelectorExclude.model_validate(wanted) if isinstance(wanted, dict) else wanted


def _plain(model):
    return json.loads(model.model_dump_json())


def _done():
    return {"operation_id": 0, "status": "completed"}


class LoopbackServer(ThreadingHTTPServer):
    """Threads end with the test; a client that went away is no news."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


@contextmanager
def serving(handler, **attributes):
    """A server of `handler` on a free loopback port; yields its URL."""
    server = LoopbackServer(("127.0.0.1", 0), type("Bound", (handler,), attributes))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def rest_server(backend):
    return serving(Handler, backend=backend)
