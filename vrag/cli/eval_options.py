"""Options that `vrag eval` and its commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vrag.errors import UsageError

if TYPE_CHECKING:
    from vrag.places.place import Place

CACHE_ENV = "VRAG_EVAL_CACHE"
CacheOption = Annotated[
    Path | None, typer.Option(envvar=CACHE_ENV, help="Folder of indexes and page pictures made for evaluation.")
]
OutOption = Annotated[Path, typer.Option(help="Folder of the reports.")]
ResumeOption = Annotated[bool, typer.Option(help="Go on with an interrupted run of the same thing.")]


def default_cache() -> Path:
    """Where indexes made for evaluation are kept, when nothing else is said."""
    import platformdirs

    return platformdirs.user_cache_path("vrag") / "eval"


def eval_place(
    index: Path | None, url: list[str] | None, collection: str | None, timeout: float | None, wait: float
) -> Place | None:
    """The index that was named; None for a cached one, whatever server the environment names."""
    from vrag.places.place import FolderPlace, choose_place

    if not url and collection is None:
        return FolderPlace(index, wait) if index else None
    if not url or collection is None:
        raise UsageError("An evaluation on a server needs --url and --collection.", "It is to hold the corpus alone.")
    return choose_place(index, url, collection, timeout, wait)
