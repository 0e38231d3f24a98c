"""`/docs`: the routes, as a page that needs no script and no other server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request, Response

from vrag.serve.http.pages_of_ours import page

router = APIRouter(include_in_schema=False)
_METHODS = ("get", "post", "patch", "delete")
Schema = Mapping[str, Any]


@router.get("/docs")
def docs(request: Request) -> Response:
    """The page."""
    api = request.app.openapi()
    body = "".join((f"<h1>{escape(api['info']['title'])}</h1>", *_intro(api), *_routes(api), *_shapes(api)))
    return page(api["info"]["title"], body, headers={"Cache-Control": "no-cache"})


def _intro(api: Schema) -> Iterator[str]:
    yield f"<p>{escape(api['info']['description'])}</p>"
    yield "<p>For programs: <a href='/openapi.json'>openapi.json</a>.</p><nav><ul>"
    for path, method, _ in _operations(api):
        yield f"<li><a href='#{_anchor(method, path)}'><code>{method.upper()} {escape(path)}</code></a></li>"
    yield "</ul></nav>"


def _routes(api: Schema) -> Iterator[str]:
    for path, method, operation in _operations(api):
        yield f"<h2 id='{_anchor(method, path)}'><span class='method'>{method.upper()}</span> "
        yield f"<code>{escape(path)}</code></h2><p><b>{escape(operation.get('summary', ''))}.</b> "
        yield f"{_prose(operation.get('description', ''))}</p>"
        if parameters := operation.get("parameters"):
            rows = (
                (p["name"], p["in"], _type(p["schema"]), _default(p), _prose(p.get("description", "")))
                for p in parameters
            )
            yield _table(("name", "in", "type", "default", "meaning"), rows, raw=(4,))
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"<p>Body, <code>{escape(kind)}</code>: {_link(content.get('schema', {}))}</p>"
        answers = ((status, _answers(answer), answer["description"]) for status, answer in _sorted(operation))
        yield f"<details><summary>Answers</summary>{_table(('status', 'body', ''), answers, raw=(1,))}</details>"


def _shapes(api: Schema) -> Iterator[str]:
    yield "<h1>Bodies</h1>"
    for name, shape in sorted(api["components"]["schemas"].items()):
        yield f"<h2 id='{escape(name)}'>{escape(name)}</h2><p>{_prose(shape.get('description', ''))}</p>"
        needed = shape.get("required", ())
        rows = (
            (key, _type(value), "yes" if key in needed else "", _prose(value.get("description", "")))
            for key, value in shape.get("properties", {}).items()
        )
        yield _table(("key", "type", "always", "meaning"), rows, raw=(3,))
        for example in shape.get("examples", ()):
            yield f"<pre>{escape(json.dumps(example, indent=1, ensure_ascii=False))}</pre>"


def _operations(api: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in api["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield path, method, methods[method]


def _sorted(operation: Schema) -> list[tuple[str, Schema]]:
    return sorted(operation["responses"].items())


def _answers(answer: Schema) -> str:
    content = answer.get("content", {})
    return ", ".join(f"<code>{escape(kind)}</code> {_link(body.get('schema', {}))}" for kind, body in content.items())


def _parameter(one: Schema) -> tuple[str, ...]:
    return one["name"], one["in"], _type(one["schema"]), _default(one), _prose(one.get("description", ""))


def _default(parameter: Schema) -> str:
    if parameter.get("required"):
        return "needed"
    return json.dumps(parameter["schema"]["default"]) if "default" in parameter["schema"] else ""


def _link(schema: Schema) -> str:
    name = _type(schema)
    return f"<a href='#{escape(name)}'>{escape(name)}</a>" if "$ref" in schema else escape(name)


def _type(schema: Schema) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if options := schema.get("anyOf"):
        return " or ".join(_type(option) for option in options)
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))


def _table(head: tuple[str, ...], rows: Any, raw: tuple[int, ...] = ()) -> str:
    lines = [
        "".join(f"<td>{cell if i in raw else escape(str(cell))}</td>" for i, cell in enumerate(row)) for row in rows
    ]
    if not lines:
        return ""
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    return (
        f"<table><thead><tr>{names}</tr></thead><tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table>"
    )


def _prose(text: str) -> str:
    """A description as HTML: what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _anchor(method: str, path: str) -> str:
    return escape(f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""))
