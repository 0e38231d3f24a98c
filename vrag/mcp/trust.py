"""How far the words of a page can be trusted."""

from __future__ import annotations

from vrag.pages.page import TextSource

FEW_WORDS = 30  # fewer on a page, and most of what it says is in pictures
_LOOK = "Look at the page with show_page."
_TRUST = {
    "none": f"This page has no words that could be read. {_LOOK}",
    "ocr": "The words were read from a scan and may be wrong, numbers above all. To be sure, use show_page.",
    "layer+ocr": "Part of this page is a picture whose words were read and may be wrong. Use show_page for charts.",
}


def trust_of(words: int, source: TextSource) -> str:
    """What to know of a page's words; empty when they are good.

    Args:
        words: That it has.
        source: Where they come from.
    """
    if not words:
        return _TRUST["none"]
    few = f"The page has few words: most of it may be pictures. {_LOOK}" if words < FEW_WORDS else ""
    return " ".join(filter(None, (_TRUST.get(source, ""), few)))
