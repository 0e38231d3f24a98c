"""What is known of a document besides its pages: typed values, in layers that say where they come from.

`own` is what the file says of itself, `sidecar` what stands in `NAME.json` beside it, `given` what came with the
ingest (a table, `--meta`). A later layer wins: what somebody typed is meant. A key has one type in the whole index.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from typing import Any

from vrag.catalog.documents import page_id
from vrag.catalog.kinds import TYPES, reading
from vrag.errors import UsageError
from vrag.runtime.parsing import real_number
from vrag.runtime.pathtext import quoted
from vrag.store.interface import Payload, Record, Store

LAYERS = ("own", "sidecar", "given")
KINDS: Mapping[str, str] = {
    "string": "keyword", "number": "float", "date": "datetime", "bool": "keyword", "list": "keyword"
}  # fmt: skip
"""Types of values, and how the store indexes each."""
MAX_LENGTH = 1000
MOST_BYTES = 1 << 16  # of what one place says of a document: each of its pages carries it, too
MOST_KEYS = 1000  # of an index
MOST_INDEXED = 32  # keys of an index that the store indexes: each takes ten files and 5 MB of them
_LOG = logging.getLogger("vrag")
_SHOWN = 5  # keys named in a message
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)  # not 007: that is somebody's number plate
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?([+-]\d{2}:\d{2}|Z)?)?", re.ASCII)
_PDF_DATE = re.compile(r"D?:?(\d{4})(\d{2})?(\d{2})?", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")


class Types:
    """The type of every metadata key of an index, kept as one record of its store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._id = page_id("metadata", 0, TYPES)

    def known(self) -> dict[str, str]:
        """Key to type."""
        return self._read()[0]

    def indexed(self) -> dict[str, str]:
        """Those keys that the store has an index of; filters on the others read every page."""
        known, indexed = self._read()
        return {key: known[key] for key in indexed}

    def fit(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values in the types of this index; keys that are new get theirs now, and the first of them an index.

        Raises:
            UsageError: A value cannot be of its key's type, or there are too many keys or values.
        """
        known, indexed = self._read()
        fitted = self._check(values, known)
        new = {key: kind_of(value) for key, value in fitted.items() if key not in known}
        if new:
            self._learn(known, indexed, new)
        return fitted

    def check(self, values: Mapping[str, Any]) -> None:
        """Make sure that values fit, without learning keys.

        Raises:
            UsageError: As `fit`, but for too many keys.
        """
        self._check(values, self.known())

    def _check(self, values: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
        fitted = {key: _fitted(key, value, known.get(key)) for key, value in values.items()}
        size = len(json.dumps(fitted, ensure_ascii=False).encode())
        if size > MOST_BYTES:
            raise UsageError(
                f"Metadata of {size:,} bytes is more than the {MOST_BYTES:,} that a document may have.",
                "Leave out what nobody filters by.",
            )
        return fitted

    def _read(self) -> tuple[dict[str, str], list[str]]:
        """Key to type, and the keys that are indexed: all of them in an index from before there was a limit."""
        found = self._store.fetch([self._id])
        payload: Payload = found[self._id].payload if found else {"types": {}}
        with reading("metadata"):
            types = dict(payload["types"])
            indexed = list(payload["indexed" if "indexed" in payload else "types"])
            if not (set(types.values()) <= KINDS.keys() and set(indexed) <= types.keys()):
                raise ValueError("a key has an unknown type")
            return types, indexed

    def _learn(self, known: Mapping[str, str], indexed: Sequence[str], new: Mapping[str, str]) -> None:
        if len(known) + len(new) > MOST_KEYS:
            raise UsageError(
                f"With {', '.join(sorted(new)[:_SHOWN])} the index would have {len(known) + len(new):,} metadata keys; "
                f"{MOST_KEYS:,} is the most.",
                "Leave out what nobody filters by.",
            )
        chosen = list(new)[: max(0, MOST_INDEXED - len(indexed))]
        now = [*indexed, *chosen]
        if len(chosen) < len(new) and len(indexed) == len(known):  # the first time that some go without
            _LOG.warning(
                "Of the metadata keys, %d have an index: %s. Filters on others find the same by reading every page.",
                len(now),
                ", ".join(now),
            )
        _index(self._store, {key: new[key] for key in chosen})
        self._store.upsert([Record(self._id, {"kind": TYPES, "types": {**known, **new}, "indexed": now})])


def index_metadata(source: Store, target: Store) -> None:
    """Index the metadata of a copy as that of its source is: a copy of the records alone has no indexes."""
    _index(target, Types(source).indexed())


def _index(store: Store, types: Mapping[str, str]) -> None:
    store.index_keys({f"meta.{key}": KINDS[kind] for key, kind in types.items()})


def kind_of(value: Any) -> str:
    """The type of a value: string, number, date, bool or list."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, list):
        return "list"
    return "date" if is_date(str(value)) else "string"


def from_text(text: str) -> Any:
    """A value as people type it: `true`, `12.5`, `2024-03-01`, `[a, b]`, anything else, or a "string" in quotes.

    Raises:
        MalformedError: A number that is not finite.
    """
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return cleaned(text[1:-1])
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _NUMBER.fullmatch(text):
        return _number(real_number(text))
    if text.startswith("[") and text.endswith("]"):
        return [cleaned(part.strip()) for part in text[1:-1].split(",") if part.strip()]
    return _text(text)


def from_json(value: Any) -> Any:
    """A value as JSON has it; lists are lists of strings.

    Raises:
        ValueError: It is an object, or a number that is not finite.
    """
    if isinstance(value, list):
        return [cleaned(str(part)) for part in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(float(value))
    if isinstance(value, (str, bool)):
        return _text(value) if isinstance(value, str) else value
    raise ValueError("a value must be a string, a number, a date, true or false, or a list")


def key_name(text: str) -> str:
    """A key as filters can name it: letters, digits and `_`, in small letters."""
    return re.sub(r"\W+", "_", text.strip().lower()).strip("_")


def together(layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The values of all layers, as they are shown: the later layer wins."""
    return {key: value for name in LAYERS for key, value in layers.get(name, {}).items()}


def as_filtered(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the store compares them: truth as a word, or engines take it for a number."""
    return {key: str(value).lower() if isinstance(value, bool) else value for key, value in values.items()}


def of_file(title: str, author: str, created: str) -> dict[str, Any]:
    """The layer `own` from a PDF's title, author and date of creation (`D:YYYYMMDD...`)."""
    found: dict[str, Any] = {"title": cleaned(title), "author": cleaned(author), "date": pdf_date(created)}
    return {key: value for key, value in found.items() if value}


def pdf_date(text: str) -> str:
    """The day of a PDF's date, as `YYYY-MM-DD`; empty when it has none or it is no day (PDF 32000-1, 7.9.4)."""
    match = _PDF_DATE.match(text.strip())
    if match is None:
        return ""
    day = "-".join((match[1], match[2] or "01", match[3] or "01"))
    return day if is_date(day) else ""


def is_date(text: str) -> bool:
    """Whether a text is a day, or a moment, in ISO 8601."""
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00")) if len(text) > 10 else date.fromisoformat(text)
    except ValueError:
        return False
    return True


def moment(text: str) -> str:
    """A date with a time of day, as every engine reads it; without a zone it is UTC. A day stays as it is."""
    if len(text) <= 10:
        return text
    when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).isoformat(timespec="seconds")


def cleaned(text: str) -> str:
    """Text without what cannot be shown or stored, at most 1,000 characters."""
    return _CONTROL.sub(" ", text).strip()[:MAX_LENGTH]


def _text(text: str) -> str:
    text = cleaned(text)
    return moment(text) if is_date(text) else text


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise ValueError("a number must be finite")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _fitted(key: str, value: Any, kind: str | None) -> Any:
    """The value in the type that its key has; None is a key that is new."""
    if kind is None or kind_of(value) == kind:
        return value
    if kind == "list":
        return [_as_text(value)]
    if kind == "string" and not isinstance(value, list):
        return _as_text(value)
    if kind == "date" and isinstance(value, int) and is_date(f"{value}-01-01"):
        return f"{value}-01-01"
    raise UsageError(
        f"Metadata {key}={quoted(_as_text(value))} is a {kind_of(value)}, but {key} is a {kind} in this index.",
        "Give it another key, or correct the value.",
    )


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
