"""Values on their way between two processes: JSON in which the types of vrag keep their names.

A tuple, an array or one of vrag's records comes out as what it went in, to the last bit. Only the records named here
are made, and only from their fields, so what a stranger sends is data and never code.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

from vrag import errors
from vrag.errors import StoreError, VragError

# The records that travel, and the modules where they live: imported when the first one comes.
_HOMES = {
    "Hit": "vrag.search.hit",
    "Answer": "vrag.ask.answer",
    "Quote": "vrag.ask.answer",
    "Mismatch": "vrag.ask.answer",
    "Words": "vrag.pages.page",
    "Document": "vrag.catalog.documents",
    "Failure": "vrag.catalog.failures",
    "Match": "vrag.explain.explanation",
    "ScorePart": "vrag.explain.explanation",
    "StageTrace": "vrag.explain.explanation",
    "RowAnswer": "vrag.explain.explanation",
    "RegionAnswers": "vrag.explain.explanation",
    "Explanation": "vrag.explain.explanation",
    "Grid": "vrag.grid",
    "Tile": "vrag.grid",
    "IngestReport": "vrag.ingest.report",
    "IngestOptions": "vrag.ingest.ingest_options",
    "Given": "vrag.ingest.metadata_files",
    "Gone": "vrag.ingest.pruning",
    "Problem": "vrag.upkeep.problem",
    "RepoolReport": "vrag.upkeep.repool",
    "Fingerprint": "vrag.embedders.protocol",
    "QueryVectors": "vrag.embedders.protocol",
    "ServerState": "vrag.store.server.state",
    "NodeState": "vrag.store.server.state",
    "CopyState": "vrag.store.server.state",
    "Difference": "vrag.pipeline.differences",
    "Cost": "vrag.pipeline.differences",
}
_KIND = "$"  # the key of an object that stands for something JSON lacks


def dumps(value: Any) -> bytes:
    """One line, with its end."""
    return json.dumps(_plain(value), separators=(",", ":")).encode("ascii") + b"\n"


def loads(line: bytes) -> Any:
    """Inverse of `dumps`.

    Raises:
        StoreError: It is no line of ours.
    """
    try:
        return _made(json.loads(line))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise StoreError("The process that holds the index answers what this version does not know.", _SAME) from error


_SAME = "Both must be the same version of vrag: start the service anew."


def _plain(value: Any) -> Any:
    """What JSON has for a value."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return _plain_mapping(value)
    if isinstance(value, tuple):
        return {_KIND: "tuple", "of": [_plain(one) for one in value]}
    if isinstance(value, Path):
        return {_KIND: "path", "of": str(value)}
    if isinstance(value, bytes):
        return {_KIND: "bytes", "of": base64.b64encode(value).decode("ascii")}
    return _plain_record(value) if is_dataclass(value) or isinstance(value, Enum) else _plain_array(value)


def _plain_mapping(value: Mapping[Any, Any]) -> Any:
    if all(isinstance(key, str) for key in value) and _KIND not in value:
        return {key: _plain(one) for key, one in value.items()}
    return {_KIND: "dict", "of": [[_plain(key), _plain(one)] for key, one in value.items()]}


def _plain_record(value: Any) -> Any:
    name = type(value).__name__
    if name not in _HOMES:
        raise TypeError(f"{name} does not travel")
    if isinstance(value, Enum):
        return {_KIND: name, "of": {"value": value.value}}
    return {_KIND: name, "of": {field.name: _plain(getattr(value, field.name)) for field in fields(value)}}


def _plain_array(value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    if not hasattr(value, "tobytes") or not hasattr(value, "dtype"):
        raise TypeError(f"{type(value).__name__} does not travel")
    data = base64.b64encode(value.tobytes()).decode("ascii")
    return {_KIND: "array", "of": [value.dtype.str, list(value.shape), data]}


def _made(value: Any) -> Any:
    """The value again."""
    if isinstance(value, list):
        return [_made(one) for one in value]
    if not isinstance(value, dict):
        return value
    if _KIND not in value:
        return {key: _made(one) for key, one in value.items()}
    kind, of = value[_KIND], value["of"]
    if kind in _SIMPLE:
        return _SIMPLE[kind](of)
    record = getattr(import_module(_HOMES[kind]), kind)
    return record(**{key: _made(one) for key, one in of.items()})


def _made_array(of: Any) -> Any:
    import numpy as np

    dtype, shape, data = of
    return np.frombuffer(base64.b64decode(data), np.dtype(dtype)).reshape(shape)


_SIMPLE: dict[str, Callable[[Any], Any]] = {
    "tuple": lambda of: tuple(_made(one) for one in of),
    "dict": lambda of: {_made(key): _made(one) for key, one in of},
    "path": Path,
    "bytes": base64.b64decode,
    "array": _made_array,
}


def error_to_wire(error: VragError) -> dict[str, Any]:
    """An error as it travels: by the name of its class, or of the nearest one that is in `vrag.errors`."""
    name = next(kind.__name__ for kind in type(error).__mro__ if getattr(errors, kind.__name__, None) is kind)
    return {"type": name, "message": error.message, "hint": error.hint, "details": list(error.details)}


def error_from_wire(said: Any) -> VragError:
    """Inverse of `error_to_wire`."""
    kind = getattr(errors, str(said["type"]), None)
    made = kind if isinstance(kind, type) and issubclass(kind, VragError) else VragError
    return made(said["message"], said["hint"], said["details"])
