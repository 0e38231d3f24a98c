"""What a verification finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be.

    Args:
        path: The document's first file; empty when the document is not known.
        page: From 1; None when it is about the document.
        problem: What is wrong.
        doc_id: The document.
        record_id: The record to throw away, or to make again; empty when there is none.
        derived: Whether it is only what can be made again from the page's `full`, without its file.
    """

    path: str
    page: int | None
    problem: str
    doc_id: str = ""
    record_id: str = ""
    derived: bool = False

    def to_json(self) -> dict[str, Any]:
        """As docs/reference/json.md has it."""
        return {"path": self.path, "page": self.page, "problem": self.problem}
