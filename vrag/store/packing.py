"""Records on their way into an engine and back: vectors that are kept as bytes are packed and unpacked here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vrag.grid import FloatArray
from vrag.store.interface import Packing, Record, VectorField


def packed(record: Record, fields: Mapping[str, VectorField]) -> Record:
    """The record as an engine keeps it."""
    kept = {name: packing.pack(record.vectors[name]) for name, packing in _packings(record, fields).items()}
    return replace(record, vectors={**record.vectors, **kept}) if kept else record


def unpacked(record: Record, fields: Mapping[str, VectorField]) -> Record:
    """A record of an engine as everybody else knows it; what is no bytes stays so, and is told by its shape."""
    found = {
        name: packing.unpack(record.vectors[name])
        for name, packing in _packings(record, fields).items()
        if _are_bytes(record.vectors[name], packing.size)
    }
    return replace(record, vectors={**record.vectors, **found}) if found else record


def _packings(record: Record, fields: Mapping[str, VectorField]) -> dict[str, Packing]:
    """How vectors of the record are packed, by name; those that are not are left out."""
    known = {name: fields[name].packing for name in record.vectors if name in fields}
    return {name: packing for name, packing in known.items() if packing}


def _are_bytes(rows: FloatArray, size: int) -> bool:
    if rows.ndim != 2 or not rows.size or rows.shape[1] != size or not np.isfinite(rows).all():
        return False
    return bool(((rows >= 0) & (rows <= 255) & (rows == np.rint(rows))).all())
