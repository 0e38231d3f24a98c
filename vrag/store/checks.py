"""What must hold for a record before any engine sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vrag.errors import StoreError, UsageError
from vrag.grid import FloatArray
from vrag.store.interface import FusionRequest, Payload, Record, Request, VectorField


def check_record(record: Record, fields: Mapping[str, VectorField]) -> None:
    """Every vector of the record is known, of its field's shape, and finite.

    NaN is accepted by the engines and then matches nothing, so it stops here.

    Raises:
        StoreError: One is not; the vector and both values are named.
    """
    for name in record.sparse.keys() - fields.keys():
        raise StoreError(f"Unknown vector {name!r}: the index has {', '.join(fields)}.")
    for name, array in record.vectors.items():
        field = fields.get(name)
        if field is None:
            raise StoreError(f"Unknown vector {name!r}: the index has {', '.join(fields)}.")
        if not fits(array, field):
            raise StoreError(f"Vector {name!r} has shape {list(array.shape)}, the index needs dimension {field.dim}.")
        if not np.isfinite(array).all():
            raise StoreError(f"Vector {name!r} of record {record.id} has values that are not finite.")


def check_stored(record: Record, fields: Mapping[str, VectorField]) -> None:
    """A payload is there, and every vector has its field's shape: an engine with damaged files may read anything.

    Raises:
        StoreError: Not so.
    """
    check_payload(record.id, record.payload)
    for name, array in record.vectors.items():
        field = fields.get(name)
        if field is not None and not fits(array, field):
            raise StoreError(
                f"Vector {name!r} of record {record.id} has shape {list(array.shape)}, not dimension {field.dim}: "
                "files of the index are damaged.",
                "vrag verify --repair makes again what is damaged.",
            )


def check_scored(stages: Sequence[Request], fields: Mapping[str, VectorField]) -> None:
    """No stage asks the engine for scores of a vector that it has only packed.

    Raises:
        UsageError: One does.
    """
    for stage in stages:
        if isinstance(stage, FusionRequest):
            for branch in stage.branches:
                check_scored(branch, fields)
        elif stage.vector in fields and fields[stage.vector].packing:
            raise UsageError(
                f"This index keeps {stage.vector!r} as bits, which the engine cannot score by itself.",
                f"Let another stage come first, and score regions: ... > {stage.vector}@bits@regions+context",
            )


def check_payload(record_id: str, payload: Payload | None) -> Payload:
    """The payload that an engine has read, of which something was asked for; no record is written without one.

    Raises:
        StoreError: There is none.
    """
    if not payload:
        raise StoreError(
            f"Record {record_id} has lost what was stored with its vectors: files of the index are damaged.",
            "vrag verify --repair makes again what is damaged.",
        )
    return payload


def fits(array: FloatArray, field: VectorField) -> bool:
    """Whether an array [d] or [n, d] has the shape of a field, and numbers at all."""
    return array.ndim == (2 if field.kind == "multi" else 1) and array.shape[-1] == field.dim and array.size > 0
