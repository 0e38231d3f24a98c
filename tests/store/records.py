"""Tiny records for the tests of stores."""

import uuid

import numpy as np

from vrag.pooling import normalise
from vrag.store.base import Record, VectorField

FIELDS = [
    VectorField("full", 8, multi=True),
    VectorField("rows", 8, multi=True),
    VectorField("global", 8, multi=False, hnsw=True),
]
KEYS = {"doc": "keyword", "page": "integer"}


def page(number, doc="a", seed=None):
    rng = np.random.default_rng(number if seed is None else seed)
    full = normalise(rng.normal(size=(rng.integers(1, 12), 8)))
    vectors = {"full": full, "rows": full[:4], "global": normalise(full.mean(axis=0))}
    return Record(str(uuid.uuid5(uuid.NAMESPACE_OID, f"{doc}{number}")), {"doc": doc, "page": number}, vectors)


def maxsim(query, full):
    return float((query @ full.T).max(axis=1).sum())


def query(m=3, seed=99):
    return normalise(np.random.default_rng(seed).normal(size=(m, 8)))
