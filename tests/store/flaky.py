"""A bad network: an HTTP proxy on loopback that passes requests on, or does to them what was planned.

What it can do: "500", "429", "429 later" (with Retry-After), "413", "cut" (the request never arrives),
"cut after" (it arrives, the answer does not), "truncated" (half the answer), "garbage" (an answer that
is not Qdrant's), "slow" (nothing for longer than any timeout here), "drip" (a byte now and then).
"""

import http.client
import itertools
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.store.rest import serving

SLOW = 60.0  # seconds; no test waits for it


class Plan:
    """What is done to which request; thread-safe.

    Args:
        faults: Names, taken in turn; "ok" lets the request through.
        only: Do it to requests whose path ends so.
    """

    def __init__(self, faults, only=""):
        self._faults = iter(faults)
        self._only = only
        self._lock = threading.Lock()
        self.done = []

    def next(self, path):
        if not path.split("?")[0].endswith(self._only):
            return "ok"
        with self._lock:
            fault = next(self._faults, "ok")
            self.done.append(fault)
            return fault


class Proxy(BaseHTTPRequestHandler):
    upstream = None
    plan = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self._pass()

    def do_PUT(self):
        self._pass()

    def do_POST(self):
        self._pass()

    def do_PATCH(self):
        self._pass()

    def _pass(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.plan.next(self.path)
        if fault == "ok":
            self._send(*self._ask(body))
        elif fault[:3].isdecimal():
            self._refuse(fault)
        else:
            getattr(self, "_" + fault.replace(" ", "_"))(body)

    def _ask(self, body):
        connection = http.client.HTTPConnection(urlsplit(self.upstream).netloc)
        headers = {key: value for key, value in self.headers.items() if key.lower() != "host"}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data

    def _send(self, status, data, length=None, more=()):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for key, value in more:
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)
        if length is not None:
            self.close_connection = True

    def _refuse(self, fault):
        status = int(fault[:3])
        more = [("Retry-After", "1")] if fault.endswith("later") else []
        self._send(status, b'{"status": {"error": "planned by the test"}}', more=more)

    def _cut(self, body):
        self.close_connection = True
        self.connection.close()

    def _cut_after(self, body):
        self._ask(body)
        self._cut(body)

    def _truncated(self, body):
        status, data = self._ask(body)
        self._send(status, data[: len(data) // 2], length=len(data))

    def _garbage(self, body):
        self._send(200, b"<html>Please sign in to this network</html>")

    def _slow(self, body):
        time.sleep(SLOW)
        self.close_connection = True

    def _drip(self, body):
        status, data = self._ask(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for start in range(0, len(data), max(1, len(data) // 40)):
            self.wfile.write(data[start : start + max(1, len(data) // 40)])
            self.wfile.flush()
            time.sleep(SLOW / 40)


def flaky(upstream, faults, only=""):
    """A proxy to `upstream`; `faults` in turn on requests whose path ends with `only`."""
    return serving(Proxy, upstream=upstream, plan=Plan(faults, only))


def always(fault):
    return itertools.repeat(fault)
