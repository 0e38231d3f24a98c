"""A server that lies: an HTTP proxy on loopback that asks a real one and tells something else.

A lie is a function of the handler, the request's body and the answer; what it returns is sent as JSON, and None means
that it has sent something itself.
"""

import contextlib
import json

from tests.store.flaky import Proxy
from tests.store.rest import serving


class Liar(Proxy):
    lie = None
    only = ""

    def _pass(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, data = self._ask(body)
        if self.path.split("?")[0].endswith(self.only):
            answer = type(self).lie(self, json.loads(body or b"null"), json.loads(data))
            if answer is None:
                return
            data = json.dumps(answer).encode()
        self._send(status, data)

    def say(self, data, status=200, reason=None, **headers):
        """Send these bytes with these headers (`Retry_After` is `Retry-After`)."""
        self.send_response(status, reason)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def say_for_ever(self, chunk, most):
        """Send a chunk again and again, `most` times or until nobody listens; how often it was."""
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        sent = 0
        with contextlib.suppress(OSError):
            while sent < most:
                self.wfile.write(chunk)
                sent += 1
        return sent


def lying(upstream, lie, only=""):
    """A server that lies to requests whose path ends with `only`; yields its URL."""
    return serving(Liar, upstream=upstream, lie=staticmethod(lie), only=only)
