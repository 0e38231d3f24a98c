"""What is said of claims and quotes beside their own words, the same on the terminal and in reports."""

from __future__ import annotations

import re

from vrag.ask.answer import Claim, Mismatch, Quote

_LEADERS = re.compile(r"\s*(?:\.\s?|…\s?|_){5,}")


def readable(quote: Quote) -> str:
    """The words of a quote for people: the dots that lead to a number in a table say nothing, and fill the screen."""
    return _LEADERS.sub(" … ", quote.text).strip()


def doubt(claim: Claim) -> str:
    """Why a claim is not to be relied on, or not in every number; empty when all of it stands on pages."""
    if not claim.is_supported:
        return f"not supported: {claim.reason.rstrip('.')}" if claim.reason else "not supported"
    if not claim.unquoted:
        return ""
    return f"no quote has {' or '.join(claim.unquoted)}"


def verdict(quote: Quote) -> str:
    """What became of a quote on its page; empty when the page supports it."""
    if quote.status == "changed":
        return ": ".join(filter(None, ("changed", ", ".join(map(_difference, quote.mismatches)))))
    return "" if quote.status == "supported" else "not found on this page"


def _difference(mismatch: Mismatch) -> str:
    if not mismatch.said:
        return f"“{mismatch.stands}” is left out"
    return f"“{mismatch.said}” is {f'“{mismatch.stands}”' if mismatch.stands else 'not'} there"
