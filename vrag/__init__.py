"""vrag: a folder of PDFs becomes a searchable index of pages, by late interaction in Qdrant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vrag.version import __version__ as __version__

if TYPE_CHECKING:
    from vrag.ask.answer import Answer, Quote
    from vrag.catalog.failures import Failure
    from vrag.errors import VragError
    from vrag.index import Index
    from vrag.ingest.report import IngestReport
    from vrag.llm.llm import Llm
    from vrag.remote.any_index import AnyIndex
    from vrag.search.hit import Hit, Hits

__all__ = ["Answer", "AnyIndex", "Failure", "Hit", "Hits", "Index", "IngestReport", "Llm", "Quote", "VragError"]

_HOME = {
    "Answer": "vrag.ask.answer",
    "AnyIndex": "vrag.remote.any_index",
    "Failure": "vrag.catalog.failures",
    "Hit": "vrag.search.hit",
    "Hits": "vrag.search.hit",
    "Index": "vrag.index",
    "IngestReport": "vrag.ingest.report",
    "Llm": "vrag.llm.llm",
    "Quote": "vrag.ask.answer",
    "VragError": "vrag.errors",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when first used, so that `import vrag` loads neither engine nor model."""
    if name not in _HOME:
        raise AttributeError(f"module 'vrag' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
