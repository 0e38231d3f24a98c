"""The few pages that the service writes itself, for people who are not, or not yet, on the web page."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:0 auto;padding:2rem 1rem}
h1,h2,h3{line-height:1.25}h2{margin-top:2.5rem;border-top:1px solid #8886;padding-top:1.5rem}
code,pre{font:14px/1.5 ui-monospace,monospace}pre{overflow:auto;background:#8882;padding:.75rem;border-radius:6px}
table{border-collapse:collapse;display:block;overflow:auto}
td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0}
summary{cursor:pointer}input,button{font:inherit;padding:.25rem .5rem}.method{font-weight:700}.quiet{opacity:.75}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def page(title: str, body: str, status: int = 200, headers: dict[str, str] | None = None) -> HTMLResponse:
    """A page.

    Args:
        title: As text.
        body: As HTML, escaped where it must be.
        status: Of HTTP.
        headers: Besides those of every page.
    """
    text = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )
    return HTMLResponse(text, status, {"Content-Security-Policy": POLICY, **(headers or {})})


LOCKED = page(
    "vrag: token",
    "<h1>This index needs a token</h1>"
    "<p>Whoever started the service has it. This browser keeps it from then on.</p>"
    "<form action='/'><label>Token <input name='token' type='password' autocomplete='current-password' required "
    "autofocus></label> <button>Open</button></form>"
    "<p class='quiet'>If you came by a link and this browser has the token: <a href=''>open this page again</a>.</p>",
    401,
    {
        "WWW-Authenticate": 'Bearer realm="vrag"',
        "Content-Security-Policy": POLICY.replace("form-action 'none'", "form-action 'self'"),
    },
)
