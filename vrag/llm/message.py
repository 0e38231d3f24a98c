"""What is said to a language model, and in which form it shall answer."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PIL.Image import Image

from vrag.runtime.data_url import data_url

_QUALITY = 85  # of a JPEG: print stays sharp, and a page takes some 250 kB
_PIXELS = 750  # a token: what hosted models count; those of 28 x 28 patches count nearly the same
_MOST_LETTERS = 6  # of ASCII in a token, on average of a text; four to five is usual
_BYTES = 3  # of UTF-8 a token, for pages full of numbers; running English text has four


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a message shows.

    Args:
        jpeg: Its bytes.
        tokens: That it takes of a model's room, about.
    """

    jpeg: bytes
    tokens: int

    @classmethod
    def of(cls, image: Image) -> Picture:
        """An RGB picture as JPEG."""
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=_QUALITY)
        return cls(buffer.getvalue(), pixel_tokens(image))


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Args:
        role: Who says it.
        parts: Texts and pictures, in order.
    """

    role: Literal["system", "user", "assistant"]
    parts: tuple[str | Picture, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of an answer.

    Args:
        name: Letters only.
        schema: As JSON Schema, every key required and no other allowed, as hosted models want it.
    """

    name: str
    schema: Mapping[str, Any]


def pixel_tokens(image: Image) -> int:
    """How much of a model's room a picture takes, about."""
    return -(-image.width * image.height // _PIXELS)


def tokens_in(part: str | Picture) -> int:
    """How much of a model's room a part takes, about; no tokenizer is the same for all models."""
    return part.tokens if isinstance(part, Picture) else -(-len(part.encode("utf-8", "replace")) // _BYTES)


def least_tokens(messages: Sequence[Message]) -> int:
    """Fewer tokens than any model can have read, if it read all of these messages."""
    texts = (part for message in messages for part in message.parts if isinstance(part, str))
    return sum(len(text.encode("ascii", "ignore")) for text in texts) // _MOST_LETTERS


def message_json(message: Message) -> dict[str, Any]:
    """A message as the protocol has it; one of text alone as a plain string, which every endpoint takes."""
    if all(isinstance(part, str) for part in message.parts):
        return {"role": message.role, "content": _clean("\n".join(map(str, message.parts)))}
    return {"role": message.role, "content": [_part_json(part) for part in message.parts]}


def _part_json(part: str | Picture) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": _clean(part)}
    return {"type": "image_url", "image_url": {"url": data_url(part.jpeg)}}


def _clean(text: str) -> str:
    """Without halves of characters, which no endpoint reads."""
    return text.encode("utf-8", "replace").decode("utf-8")
