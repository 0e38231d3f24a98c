"""A page found, as `vrag.Index.search` returns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vrag.grid import Box


@dataclass(frozen=True, slots=True)
class Hit:
    """A page found.

    Args:
        rank: From 1.
        score: Score of the last stage; MaxSim when that stage is `full`.
        doc: Name of the document, as `--where doc=` takes it.
        path: Absolute path of its file.
        page: Page number from 1.
        stages: Score of this page in every stage, whichever branch found it, by the stage's label.
        id: Id of the page's record.
        rows: First row and end of the best passage in the page's `full` multivector, where a stage looked for regions.
        region: Where that lies: x0, y0, x1, y1 as shares of the page.
        words: First word and end of that passage; None where rows are patches, or no stage looked for regions.
        context_words: Words of the query that the document's own context answers better than this page does.
        doc_id: Id of the document: SHA-256 of the file's bytes.
        relevance: How likely it is that the index has what was asked for, as this page shows it: 0 to 1; None where
            words cannot tell, see `vrag.search.relevance`.
    """

    rank: int
    score: float
    doc: str
    path: str
    page: int
    stages: dict[str, float]
    id: str
    rows: tuple[int, int] | None = None
    region: Box | None = None
    context_words: tuple[str, ...] = ()
    words: tuple[int, int] | None = None
    doc_id: str = ""
    relevance: float | None = None
