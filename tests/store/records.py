"""Tiny records for the tests of stores."""

import uuid

import numpy as np

from vrag.pooling.poolings import normalise
from vrag.store.interface import Record, SparseVector, VectorField

FIELDS = [
    VectorField("full", "multi", 8),
    VectorField("rows", "multi", 8),
    VectorField("global", "single", 8, hnsw=True),
    VectorField("text", "sparse"),
]
KEYS = {"doc": "keyword", "page": "integer", "body": "text"}


def page(number, doc="a", seed=None):
    rng = np.random.default_rng(number if seed is None else seed)
    full = normalise(rng.normal(size=(rng.integers(1, 12), 8)))
    vectors = {"full": full, "rows": full[:4], "global": normalise(full.mean(axis=0))}
    terms = {"text": SparseVector(np.array([number % 5, 9], np.uint32), np.array([1.0, 0.5], np.float32))}
    payload = {"doc": doc, "page": number, "body": f"Page {number % 3} of the pump manual, édition {number}"}
    return Record(str(uuid.uuid5(uuid.NAMESPACE_OID, f"{doc}{number}")), payload, vectors, terms)


def maxsim(query, full):
    return float((query @ full.T).max(axis=1).sum())


def query(m=3, seed=99):
    return normalise(np.random.default_rng(seed).normal(size=(m, 8)))
