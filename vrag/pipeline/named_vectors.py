"""Named vectors of a page: how each is pooled from `full`, and what a query looks like to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vrag.cascade.bm25 import TEXT
from vrag.embedders.protocol import PageVectors
from vrag.errors import UsageError
from vrag.grid import FloatArray
from vrag.pipeline.grammar import Key, checked
from vrag.pooling.poolings import SINGLE, make_pooling, normalise, query_encoding

FULL = "full"
CONTEXT = "context"
_NAME = re.compile(r"[a-z][\w-]*")
_FLAGS = ("single", "centred")


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """A pooled vector of the pipeline.

    Args:
        name: Named vector in the store.
        pooling: A key of `vrag.pooling.poolings.POOLINGS`.
        options: The pooling's options.
        single: Stored as one vector with an HNSW graph instead of a multivector.
        centred: The model's mean vector is subtracted before normalising, on pages and queries alike.
    """

    name: str
    pooling: str
    options: Mapping[str, int | str] = field(default_factory=dict)
    single: bool = False
    centred: bool = False

    def of_page(self, page: PageVectors, model_mean: FloatArray | None) -> FloatArray:
        """This vector of a page: float32 [k, d], or [d] when single."""
        pooled = make_pooling(self.pooling, self.options, self.name)(page.full, page.grid).vectors
        if self.centred:
            pooled = centre(pooled, model_mean, self.name)
        return pooled[0] if self.single else pooled

    def of_query(self, query: FloatArray, model_mean: FloatArray | None, mean: bool) -> FloatArray:
        """The query form that scores this vector, from the query's rows float32 [m, d].

        A single vector is always scored with the mean of the query's rows, or as its pooling encodes queries.
        """
        encoded = query_encoding(self.pooling, query, self.options)
        if encoded is not None:
            return encoded.reshape(-1)
        if not (mean or self.single):
            return query
        pooled = normalise(query.sum(axis=0, keepdims=True))
        if self.centred:
            pooled = centre(
                query.sum(axis=0, keepdims=True) / np.linalg.norm(query, axis=1).sum(), model_mean, self.name
            )
        return pooled[0] if self.single else pooled


def centre(rows: FloatArray, model_mean: FloatArray | None, name: str) -> FloatArray:
    """Rows [k, d] with the model's mean [d] subtracted, unit length again (a raw mean says little)."""
    if model_mean is None:
        raise UsageError(f"Vector {name!r} is centred, but this model has no mean vector.", "Set centred = false.")
    return normalise(rows - model_mean)


def parse_vector(name: str, table: Any, where: str) -> VectorSpec:
    """A pooled vector from its table.

    Args:
        name: Of the vector.
        table: As parsed from TOML.
        where: File named in error messages.

    Raises:
        UsageError: Key, and what is allowed.
    """
    at = f"{where}: vectors.{name}"
    if name in (FULL, TEXT, CONTEXT):
        raise UsageError(f"{at}: {name!r} is no pooled vector.", "Choose another name.")
    if not _NAME.fullmatch(name):
        raise UsageError(f"{at}: a name begins with a to z and has only letters, digits, _ and -.")
    if not isinstance(table, Mapping) or not isinstance(table.get("pooling"), str):
        raise UsageError(f"{at}: needs a pooling.", 'e.g. pooling = "runs"')
    options = {k: v for k, v in table.items() if k not in ("pooling", *_FLAGS)}
    make_pooling(table["pooling"], options, at)
    flags = {key: checked(table.get(key, False), Key(bool), f"{at}.{key}") for key in _FLAGS}
    if flags["single"] and table["pooling"] not in SINGLE:
        raise UsageError(f"{at}: only these poolings give a single vector: {', '.join(SINGLE)}.")
    if table["pooling"] == "muvera" and (flags["centred"] or not flags["single"]):
        raise UsageError(f"{at}: muvera gives a single vector that is not centred.", "Set single = true.")
    return VectorSpec(name, table["pooling"], options, **flags)
