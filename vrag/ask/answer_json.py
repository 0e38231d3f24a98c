"""Answers as JSON, the same for the command line and the service; docs/reference/json.md has the keys."""

from __future__ import annotations

from typing import Any

from vrag.ask.answer import Answer, Claim, Quote
from vrag.search.hits_json import hits_json


def reply_json(answer: Answer) -> dict[str, Any]:
    """An answer with its quotes and pages; with its claims where a model wrote it."""
    reply: dict[str, Any] = {
        "question": answer.question,
        "found": answer.found,
        "answer": answer.answer,
        "model": answer.model,
        "quotes": [quote_json(quote) for quote in answer.quotes],
        "pages": hits_json(answer.pages),
    }
    if answer.model is not None:
        reply["claims"] = [claim_json(claim) for claim in answer.claims]
    if answer.searched:
        reply["searched"] = answer.searched
    if answer.left_out:
        reply["left_out"] = [*answer.left_out]
    return reply


def claim_json(claim: Claim) -> dict[str, Any]:
    """A claim; why it is not supported, and numbers of its own, only where there are any."""
    said: dict[str, Any] = {"text": claim.text, "quotes": [*claim.quotes], "supported": claim.is_supported}
    if claim.reason:
        said["reason"] = claim.reason
    if claim.unquoted:
        said["unquoted"] = [*claim.unquoted]
    return said


def quote_json(quote: Quote) -> dict[str, Any]:
    """A quote; what is changed only where something is."""
    keys = {key: getattr(quote, key) for key in ("text", "doc", "path", "page")}
    said = {**keys, "boxes": [list(box) for box in quote.boxes], "status": quote.status}
    changed = [{"said": one.said, "stands": one.stands} for one in quote.mismatches]
    return {**said, "mismatches": changed} if changed else said
