"""`vrag search --like` and `--image`: a page or a picture is searched for instead of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from vrag.cli.completion import complete_pages
from vrag.cli.place import path_option
from vrag.errors import UsageError
from vrag.runtime.pathtext import quoted, shown

if TYPE_CHECKING:
    from vrag.remote.any_index import AnyIndex
    from vrag.search.hit import Hit

_EXAMPLE = "e.g. vrag search --like report.pdf:3"

LikeOption = Annotated[
    str | None,
    typer.Option(
        "--like",
        autocompletion=complete_pages,
        metavar="DOC:PAGE",
        help="Find pages like this page of the index, instead of a query.",
    ),
]
ImageOption = Annotated[
    Path | None,
    path_option("Find pages like this picture (PNG, JPEG), or that say the same, instead of a query.", "--image"),
]


class Example(Protocol):
    """What pages are to be like."""

    @property
    def name(self) -> str:
        """As it was typed."""
        ...

    def search(self, index: AnyIndex, k: int, cascade: str | None, where: Sequence[str]) -> list[Hit]:
        """The `k` pages that are most like it, best first."""
        ...


@dataclass(frozen=True, slots=True)
class ExamplePage:
    """A page of the index.

    Args:
        doc: Document name.
        page: From 1.
    """

    doc: str
    page: int

    @property
    def name(self) -> str:
        """As it was typed."""
        return f"{self.doc}:{self.page}"

    def search(self, index: AnyIndex, k: int, cascade: str | None, where: Sequence[str]) -> list[Hit]:
        """As `Index.search_like`."""
        return index.search_like(self.doc, self.page, k, cascade, where)


@dataclass(frozen=True, slots=True)
class ExamplePicture:
    """A picture.

    Args:
        file: PNG or JPEG.
    """

    file: Path

    @property
    def name(self) -> str:
        """As it was typed."""
        return str(self.file)

    def search(self, index: AnyIndex, k: int, cascade: str | None, where: Sequence[str]) -> list[Hit]:
        """As `Index.search_image`."""
        return index.search_image(self.file, k, cascade, where)


def example_of(like: str | None, image: Path | None, others: dict[str, object]) -> Example | None:
    """What `--like` or `--image` names; None when they are not there.

    Args:
        like: DOC:PAGE.
        image: A file.
        others: What is typed for queries in words, by name: these options stand without it.

    Raises:
        UsageError: Both are there, or something that is for words, or `like` names no page.
    """
    chosen = [name for name, value in (("--like", like), ("--image", image)) if value is not None]
    typed = [name for name, value in others.items() if value]
    if not chosen:
        return None
    if len(chosen) + len(typed) > 1:
        raise UsageError(f"{chosen[0]} stands without {[*chosen[1:], *typed][0]}.", "Leave one of them out.")
    return ExamplePicture(image) if image is not None else _page(like or "")


def _page(like: str) -> ExamplePage:
    doc, _, page = like.rpartition(":")
    if not (doc and page.isdecimal() and page.isascii() and 1 <= int(page[:10]) < 2**31):
        raise UsageError(f"--like {quoted(shown(like))} names no page.", _EXAMPLE)
    return ExamplePage(doc, int(page))
