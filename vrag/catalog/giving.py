"""Metadata given to a document that is in the index already, as `--meta` gives it with an ingest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vrag.catalog.documents import Document
from vrag.catalog.metadata import Types, as_filtered, from_json, key_name, together
from vrag.catalog.stored import Stored
from vrag.errors import UsageError

GIVEN = "given"  # of `vrag.catalog.metadata.LAYERS`


def read_values(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Values by key from a JSON object; None stays None.

    Args:
        row: The object.
        place: Where it stands, for messages.

    Raises:
        UsageError: A key has no letter, or a value is of no type that metadata has.
    """
    values: dict[str, Any] = {}
    for name, value in row.items():
        key = key_name(name)
        if not key:
            raise UsageError(f"{place}: {name!r} is no key.", "A key has letters or digits, e.g. year.")
        try:
            values[key] = None if value is None else from_json(value)
        except (ValueError, OverflowError) as error:
            raise UsageError(f"{place}: {name}: {error}.") from error
    return values


def give(stored: Stored, document: Document, values: Mapping[str, Any]) -> Document:
    """Write a document's metadata, on its pages too.

    Args:
        stored: The index.
        document: As it is now.
        values: From `read_values`; None takes away what was given before, so that what the file says shows again.

    Raises:
        UsageError: A value cannot be of its key's type, or there are too many.
    """
    merged = {**document.layers.get(GIVEN, {}), **values}
    given = Types(stored.store).fit({key: value for key, value in merged.items() if value is not None})
    layers = {name: layer for name, layer in {**document.layers, GIVEN: given}.items() if layer}
    changed = replace(document, layers=layers, meta=as_filtered(together(layers)))
    if changed != document:
        stored.documents.describe(changed)
    return changed
