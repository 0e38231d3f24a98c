"""Multipart bodies, taken in as they come: files go to the disk, one field of text is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from vrag.catalog.metadata import MOST_BYTES as MOST_FIELD
from vrag.serve.http.problems import ProblemError
from vrag.serve.http.upload_limits import UploadLimits
from vrag.serve.http.upload_names import HEAD, clean_name, kind_of_album, kind_of_file, kind_of_printed, printed_endings

FILES, METADATA = "files", "metadata"
_BETWEEN = 1 << 20  # bytes that boundaries and headers may add
_SHAPE = "Send multipart/form-data with one or more `files`, and `metadata` as a JSON object if you like."
_TYPES = "PDF, PNG, JPEG, TIFF, WebP and CBZ files can be indexed"


@dataclass(slots=True)
class Received:
    """A file that came in.

    Args:
        draft: Where its bytes are.
        sent_as: The name that came with it.
        name: A clean one, with the ending of what it is.
        bytes: Its size.
    """

    draft: Path
    sent_as: str
    name: str = ""
    bytes: int = 0


@dataclass(slots=True)
class Parts:
    """Takes the bytes of one body; everything that is wrong with it is a `ProblemError`.

    Args:
        kind: Content-Type of the request.
        limits: How much it may have.
        new_draft: A path for one more file.
    """

    kind: str
    limits: UploadLimits
    new_draft: Callable[[], Path]
    files: list[Received] = field(default_factory=list)
    metadata: bytes = b""
    _parser: MultipartParser = field(init=False)
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _name: bytes = b""
    _value: bytes = b""
    _file: IO[bytes] | None = None
    _head: bytes = b""
    _seen: int = 0
    _is_whole: bool = False

    def __post_init__(self) -> None:
        content, options = parse_options_header(self.kind)
        if content != b"multipart/form-data" or not options.get(b"boundary"):
            raise ProblemError(415, "That is no multipart/form-data.", _SHAPE)
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._opened,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                    "on_end": self._whole,
                },
            )
        except FormParserError as error:
            raise ProblemError(422, "The boundary of the parts is too long.", _SHAPE) from error

    def take(self, data: bytes) -> None:
        """The next bytes of the body."""
        self._seen += len(data)
        self.expect(self._seen)
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise ProblemError(422, "The parts of the body are malformed.", _SHAPE) from error

    def expect(self, length: int) -> None:
        """So many bytes are announced."""
        if length > self.limits.upload_bytes + _BETWEEN:
            raise self._too_much()

    def finish(self) -> list[Received]:
        """The files, once all of the body is there."""
        if not self._is_whole:
            raise ProblemError(422, "The body ends in the middle of a part.", "Send it again.")
        if not self.files:
            raise ProblemError(422, "There is no file in it.", _SHAPE)
        return self.files

    def close(self) -> None:
        """Close what is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._headers, self._name, self._value = {}, b"", b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _opened(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b"").decode("latin-1"))
        name, file = options.get(b"name", b""), options.get(b"filename")
        if name == FILES.encode() and file is not None:
            self._open(file.decode("utf-8", "replace"))
        elif name != METADATA.encode() or self.metadata:
            shown = name.decode("utf-8", "replace")
            raise ProblemError(
                422, f"There is a field {shown!r} that is no file, or not known, or there twice.", _SHAPE
            )

    def _open(self, sent_as: str) -> None:
        if len(self.files) >= self.limits.files:
            raise ProblemError(413, f"More than {self.limits.files} files at once.", "Send some of them later.")
        received = Received(self.new_draft(), sent_as)
        self.files.append(received)
        self._head = b""
        self._file = received.draft.open("xb")

    def _data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._file is None:
            self.metadata += piece
            if len(self.metadata) > MOST_FIELD:
                raise ProblemError(413, f"`metadata` is longer than {MOST_FIELD >> 10} KiB.", "Leave some of it out.")
            return
        file = self.files[-1]
        file.bytes += len(piece)
        if file.bytes > self.limits.file_bytes or sum(one.bytes for one in self.files) > self.limits.upload_bytes:
            raise self._too_much()
        before = len(self._head)
        if before < HEAD:
            self._head += piece[: HEAD - before]
            if len(self._head) == HEAD:
                self._name_it(file)
        self._file.write(piece)

    def _end(self) -> None:
        if self._file is not None:
            self._name_it(self.files[-1])
            self.close()

    def _whole(self) -> None:
        self._is_whole = True

    def _name_it(self, file: Received) -> None:
        kind = kind_of_file(self._head) or kind_of_album(file.sent_as, self._head)
        kind = kind or kind_of_printed(file.sent_as, self._head)
        if not file.bytes:
            raise ProblemError(422, f"{file.sent_as!r} is empty.", "Send the file again.")
        if kind is None:
            detail = f"{file.sent_as!r} is no PDF and no picture, whatever its name says."
            raise ProblemError(415, detail, f"{_TYPES}{_printed()}.")
        file.name = clean_name(file.sent_as, kind)

    def _too_much(self) -> ProblemError:
        most, each = self.limits.upload_bytes >> 20, self.limits.file_bytes >> 20
        return ProblemError(413, f"More than {each} MiB in one file, or {most} MiB in all.", "Send less at once.")


def _printed() -> str:
    endings = ", ".join(ending[1:] for ending in printed_endings())
    return f", and files whose name and content are those of one of these: {endings}" if endings else ""
