"""A mail as a document: its head and text as a web page, and its attachments, of which some can be printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from pathlib import PurePath
from typing import Any

from vrag.printing.plain_page import cleaned, decoded, plain_page, preformatted

MOST_ATTACHMENTS = 20
DEEPEST = 3  # mails attached to mails
_HEADS = ("From", "To", "Cc", "Date", "Subject")
_LONGEST_HEAD = 1000  # characters
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_TYPES = {"application/pdf": ".pdf", "message/rfc822": ".eml"}  # of attachments whose name says nothing


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is attached to a mail.

    Args:
        name: As the mail calls it; may be anything.
        suffix: Of its kind, such as `.pdf`; may be empty.
        data: Its bytes.
    """

    name: str
    suffix: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was read.

    Args:
        heads: Its heads, in order of `_HEADS`.
        body: Cleaned HTML.
        attachments: In order, at most one more than `MOST_ATTACHMENTS`.
    """

    heads: dict[str, str]
    body: str
    attachments: tuple[Attachment, ...]

    def page(self, shown: list[bool]) -> bytes:
        """The mail as a web page.

        Args:
            shown: For each attachment, whether its pages follow.
        """
        rows = [f"<tr><td><b>{name}:</b></td><td>{escape(text)}</td></tr>" for name, text in self.heads.items()]
        rows += [
            f"<tr><td><b>Attached:</b></td><td>{escape(one.name)}{'' if is_shown else ' (not shown)'}</td></tr>"
            for one, is_shown in zip(self.attachments, shown, strict=True)
        ]
        body = f"<table>{''.join(rows)}</table><hr>{self.body}"
        return plain_page(body, self.heads.get("Subject", ""), self.heads.get("From", ""))


def read_mail(data: bytes) -> Mail:
    """A mail from its bytes; what is wrong with it is left out, as mail programs do."""
    message: Any = message_from_bytes(data, policy=policy.default)
    heads = {name: text for name in _HEADS if (text := _head(message, name))}
    attachments = list[Attachment]()
    for part in message.iter_attachments() if message.is_multipart() else ():
        if len(attachments) <= MOST_ATTACHMENTS and _is_attachment(part):
            attachments.append(_attachment(part))
    return Mail(heads, _body(message), tuple(attachments))


def _head(message: EmailMessage, name: str) -> str:
    with suppress(Exception):  # noqa: BLE001  # the library's own parsers raise whatever they like
        return str(message[name] or "")[:_LONGEST_HEAD]
    return ""


def _body(message: EmailMessage) -> str:
    for kind in ("html", "plain"):
        part: Any = message.get_body((kind,))
        if part is not None:
            text = decoded(part.get_payload(decode=True) or b"", part.get_content_charset() or "")
            return cleaned(text)[0] if kind == "html" else preformatted(text)
    return ""


def _is_attachment(part: EmailMessage) -> bool:
    """Whether it is more than a picture within the text."""
    return not (part.get_content_maintype() == "image" and part["Content-ID"] and not part.is_attachment())


def _attachment(part: Any) -> Attachment:
    kind = part.get_content_type()
    name = str(part.get_filename() or kind)
    ending = PurePath(name).suffix.lower()
    suffix = ending if _SUFFIX.fullmatch(ending) else _TYPES.get(kind, "")
    inner = next(_inner(part), None)
    return Attachment(name, suffix, inner if inner is not None else part.get_payload(decode=True) or b"")


def _inner(part: Any) -> Iterator[bytes]:
    """The mail that is attached as such, which has no bytes of its own."""
    if part.get_content_type() == "message/rfc822" and part.is_multipart():
        yield part.get_payload(0).as_bytes()
