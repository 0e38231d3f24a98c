"""The tool that shows: pages as JPEG, with a line around what answers a query, as many and as large as hosts take."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from mcp_types import CallToolResult, ContentBlock, ImageContent, TextContent

from vrag.errors import VragError
from vrag.explain.heatmap import frame
from vrag.mcp.call_bounds import MOST_PICTURE_BYTES, MOST_PICTURES
from vrag.mcp.page_refs import NamedPage, read_ref
from vrag.mcp.tool_answers import ShownPage, ShownPages, result_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.remote.any_index import AnyIndex

_QUALITIES = (85, 70, 50)  # of a JPEG, tried until it is small enough
_SMALLER = 0.7  # of each side, when none is
_MARKS = 5  # words that answer best, where the cascade knows no regions


def show_pages(index: AnyIndex, names: Sequence[str], width: int, query: str) -> CallToolResult:
    """Pictures of pages, each behind its title.

    Args:
        index: Has them.
        names: Ids of pages, at least one; those beyond the fourth are named in the answer.
        width: Pixels, at most.
        query: What answers it is marked; nothing when empty.

    Raises:
        UsageError: An id is none.
        VragError: None of them can be shown, and why.
    """
    refs = list(dict.fromkeys(map(read_ref, names)))
    blocks: list[ContentBlock] = []
    answer, errors = ShownPages(shown=[]), list[VragError]()
    chosen = refs[:MOST_PICTURES]
    for ref in chosen:
        try:
            picture, is_marked = _drawn(index, ref, width, query)
        except VragError as error:
            errors.append(error)
            answer.failed.append(f"{ref.id}: {error}")
            continue
        image, jpeg = _packed(picture, MOST_PICTURE_BYTES // len(chosen))
        blocks += [TextContent(type="text", text=f"{ref.title} ({ref.id}):"), _block(jpeg)]
        size = {"width": image.width, "height": image.height}
        answer.shown.append(ShownPage(id=ref.id, title=ref.title, marked=is_marked, **size))
    if not answer.shown:
        raise errors[0]
    answer.more = _rest(refs[MOST_PICTURES:])
    notes = [*(f"Not shown: {line}" for line in answer.failed), *filter(None, (answer.more,))]
    return result_of(answer, *blocks, *(TextContent(type="text", text=note) for note in notes))


def _drawn(index: AnyIndex, ref: NamedPage, width: int, query: str) -> tuple[Image, bool]:
    """A page's picture, and whether something is marked in it."""
    picture = index.page_image(ref.doc, ref.page, width=width).convert("RGB")
    if not query.strip():
        return picture, False
    found = index.explain(query, ref.doc, ref.page)
    region = found.counted.region if found.counted else None
    best = sorted(found.matches, key=lambda match: -match.contribution)[:_MARKS]
    marks = () if region else [match.box for match in best]
    return frame(picture, marks, region), bool(marks or region)


def _packed(picture: Image, most: int) -> tuple[Image, bytes]:
    """A picture and its JPEG of at most so many bytes; it is made smaller until it fits."""
    while True:
        for quality in _QUALITIES:
            buffer = BytesIO()
            picture.save(buffer, "JPEG", quality=quality, optimize=True)
            if buffer.tell() <= most:
                return picture, buffer.getvalue()
        picture = picture.resize([max(1, int(side * _SMALLER)) for side in picture.size])


def _block(jpeg: bytes) -> ImageContent:
    return ImageContent(type="image", data=b64encode(jpeg).decode("ascii"), mime_type="image/jpeg")


def _rest(refs: Sequence[NamedPage]) -> str:
    """How to get pages that had no room."""
    if not refs:
        return ""
    ids = ", ".join(repr(ref.id) for ref in refs)
    return f"At most {MOST_PICTURES} pages are shown at once. For the others: show_page(ids=[{ids}])"
