"""The options that say where an index is, the same for every command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index; default: the nearest .vrag.")]
UrlOption = Annotated[
    str | None, typer.Option("--url", help="Qdrant server instead of a folder; also QDRANT_URL, QDRANT_API_KEY.")
]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", help='Collection on the server; also VRAG_COLLECTION; default "vrag".')
]
TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", min=0.1, help="Seconds a server has to answer; default 30.")
]
