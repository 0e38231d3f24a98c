"""Pages that were found, as pictures in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from vrag.cli import output
from vrag.cli.place import path_option
from vrag.errors import PageError, UsageError
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.remote.any_index import AnyIndex
    from vrag.search.hit import Hit


ImageDirOption = Annotated[
    Path | None,
    path_option(
        "Write the pages as PNG into this folder; 1 is returned if one cannot be drawn.", "--image-dir", "--save-pages"
    ),
]
_LONGEST = 200  # bytes of a document's name in the name of a file, which may have 255


def save_hits(index: AnyIndex, hits: Sequence[Hit], folder: Path) -> list[str | None]:
    """Write the pages that can be drawn, and give the file of each; None where it cannot be drawn, which is said.

    Args:
        index: Draws them.
        hits: Of a search.
        folder: Made when it is missing.

    Raises:
        UsageError: It is no folder, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if isinstance(error, FileExistsError):
            raise UsageError(f"{folder} is no folder.", "Name one for the pages: --image-dir ./hits") from error
        raise UsageError(f"{folder} cannot be made: {error.strerror}.") from error
    files: list[str | None] = []
    for hit in hits:
        file = folder / picture_name(hit.rank, hit.doc, hit.page)
        try:
            index.page_image(hit.doc, hit.page).save(file)
            files.append(str(file))
        except (PageError, UsageError) as error:  # somebody may have removed it since
            output.note(f"Not written: {error}")
            files.append(None)
    output.note(f"{len(hits) - files.count(None)} of {counted(len(hits), 'page')} written to {folder}.")
    return files


def picture_name(number: int, doc: str, page: int) -> str:
    """Name of the file of a page's picture; whatever a document is called, it is none of a folder."""
    name = "".join(c if c.isalnum() or c in "._- " else "_" for c in doc)
    name = name.encode()[:_LONGEST].decode(errors="ignore")
    return f"{number:02d}-{name}-p{page}.png"
