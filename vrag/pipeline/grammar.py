"""What a pipeline may say: its tables, their keys, and the values allowed; every error names file, key and remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from vrag.errors import UsageError
from vrag.pages.crop import CropRules
from vrag.store.layout import QUANTIZATIONS, ServerLayout


@dataclass(frozen=True, slots=True)
class Key:
    """The values that a key may have.

    Args:
        kind: Type of the value; a whole number will do for a float.
        allowed: The only words allowed, when there are such.
        low: Least number allowed.
        high: Greatest number allowed.
    """

    kind: type
    allowed: tuple[str, ...] = ()
    low: float = 1
    high: float = math.inf

    def __str__(self) -> str:
        if self.kind not in (int, float):
            return _KINDS[self.kind]
        number = "a whole number" if self.kind is int else "a number"
        limits = f"of at least {self.low:g}" if self.high == math.inf else f"from {self.low:g} to {self.high:g}"
        return f"{number} {limits}"


_KINDS: Mapping[type, str] = {bool: "true or false", str: "text", dict: "a table", list: "a list"}
_TEXT, _TABLE, _FLAG = Key(str), Key(dict), Key(bool)
_SHARE = Key(float, low=0, high=1)

PIPELINE: Mapping[str, Key] = {
    "description": _TEXT,
    "model": _TEXT,
    "page": _TABLE,
    "vectors": _TABLE,
    "text": _TABLE,
    "regions": _TABLE,
    "context": Key(list),
    "bits": _TABLE,
    "cascades": _TABLE,
    "search": _TABLE,
    "server": _TABLE,
}
SEARCH: Mapping[str, Key] = {"cascade": _TEXT}
CONTEXT_PARTS = ("name", "title", "opening", "head")
REGIONS: Mapping[str, Key] = {"window": Key(int), "stride": Key(int)}
BITS: Mapping[str, Key] = {"full": Key(int, low=1, high=2), "alone": _FLAG}
LANE: Mapping[str, Key] = {"language": _TEXT}
PAGE: Mapping[str, Key] = {
    "dpi": Key(int),
    "max_side": Key(int),
    "ocr_side": Key(int),
    "ocr_language": Key(str),
    "ocr": Key(str, ("auto", "always", "never")),
    "renderer": Key(str, ("pdfium", "poppler")),
}
CROP: Mapping[str, Key] = {
    "white": Key(int, low=0, high=255),
    "white_share": _SHARE,
    "uniform": Key(float, low=0, high=255),
    "sides": _SHARE,
    "content": _SHARE,
    "text": _SHARE,
    "page_number": _FLAG,
    "border": Key(int, low=0),
}
SERVER: Mapping[str, Key] = {
    "shards": Key(int),
    "replication": Key(int),
    "write_consistency": Key(int),
    "on_disk": _FLAG,
    "quantization": Key(str, QUANTIZATIONS),
}
assert set(SERVER) == {field.name for field in fields(ServerLayout)}
assert set(CROP) == {field.name for field in fields(CropRules)}


def checked_table(table: Any, keys: Mapping[str, Key], where: str, prefix: str = "") -> dict[str, Any]:
    """The table, when it has no other keys than these and every value is allowed.

    Args:
        table: As parsed from TOML.
        keys: What is allowed.
        where: File, for error messages.
        prefix: Path of the table in the file, with a dot at its end.

    Raises:
        UsageError: File, key, and what is allowed.
    """
    for key in checked(table, _TABLE, f"{where}: {prefix.rstrip('.') or 'pipeline'}"):
        if key not in keys:
            raise UsageError(f"{where}: unknown key {prefix}{key!r}.", f"Allowed: {', '.join(keys)}.")
    return {key: checked(value, keys[key], f"{where}: {prefix}{key}") for key, value in table.items()}


def checked(value: Any, key: Key, at: str) -> Any:
    """The value, when the key may have it; `at` is file and key."""
    number = key.kind in (int, float)
    fits = type(value) is key.kind or (key.kind is float and type(value) is int)
    if not fits or (number and not key.low <= value <= key.high):
        raise UsageError(f"{at} = {_shown(value)} must be {key}.")
    if key.allowed and value not in key.allowed:
        raise UsageError(f"{at} = {value!r} is not allowed.", f"Allowed: {', '.join(key.allowed)}.")
    return value


def page_settings(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The pipeline's [page], as keyword arguments of `PageSpec`."""
    plain = {key: value for key, value in table.items() if key != "crop"}
    if unknown := [key for key in plain if key not in PAGE]:
        raise UsageError(f"{where}: unknown key page.{unknown[0]!r}.", f"Allowed: {', '.join((*PAGE, 'crop'))}.")
    settings = checked_table(plain, PAGE, where, "page.")
    return {**settings, "crop": _crop(table["crop"], where)} if "crop" in table else settings


def server_layout(table: Mapping[str, Any], where: str) -> ServerLayout:
    """The pipeline's [server]: how a server lays the collection out."""
    layout = ServerLayout(**checked_table(table, SERVER, where, "server."))
    if layout.write_consistency > layout.replication:
        problem = f"server.write_consistency = {layout.write_consistency} is more than server.replication"
        raise UsageError(f"{where}: {problem} = {layout.replication}.", "No write could ever be acknowledged.")
    return layout


def _crop(value: Any, where: str) -> CropRules | None:
    if isinstance(value, bool):
        return CropRules() if value else None
    if not isinstance(value, dict):
        raise UsageError(
            f"{where}: page.crop = {_shown(value)} must be true or false, or a table.", f"Allowed: {', '.join(CROP)}."
        )
    return CropRules(**checked_table(value, CROP, where, "page.crop."))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
