"""Answers as JSON, the same for the command line and the service; docs/json.md has the keys."""

from __future__ import annotations

from typing import Any

from vrag.ask.answer import Answer, Quote
from vrag.search.hits_json import hits_json


def reply_json(answer: Answer) -> dict[str, Any]:
    """An answer with its quotes and pages."""
    return {
        "question": answer.question,
        "found": answer.found,
        "answer": answer.answer,
        "model": answer.model,
        "quotes": [_quote_json(quote) for quote in answer.quotes],
        "pages": hits_json(answer.pages),
    }


def _quote_json(quote: Quote) -> dict[str, Any]:
    keys = {key: getattr(quote, key) for key in ("text", "doc", "path", "page")}
    said = {**keys, "boxes": [list(box) for box in quote.boxes], "status": quote.status}
    changed = [{"said": one.said, "stands": one.stands} for one in quote.mismatches]
    return {**said, "mismatches": changed} if changed else said
