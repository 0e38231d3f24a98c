"""vrag's requests, filters and vectors in the words of Qdrant Edge, and its records back again."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, cast

import numpy as np
import qdrant_edge as qe

from vrag.grid import FloatArray
from vrag.store.interface import (
    RRF_K,
    AnyVector,
    Interval,
    Record,
    SparseVector,
    StageRequest,
    TextCondition,
    VectorField,
)

_NO_GRAPH = qe.HnswIndexConfig(m=0, ef_construct=16, full_scan_threshold=10_000)
_GRAPH = qe.HnswIndexConfig(m=16, ef_construct=128, full_scan_threshold=10_000)
_EXACT = qe.SearchParams(exact=True)
_RRF: Any = qe.Fusion.Rrf(RRF_K)
KEY_INDEXES: dict[str, Any] = {
    "keyword": qe.PayloadSchemaType.Keyword,
    "integer": qe.PayloadSchemaType.Integer,
    "float": qe.PayloadSchemaType.Float,
    "datetime": qe.PayloadSchemaType.Datetime,
    "text": qe.TextIndexParams(
        tokenizer=qe.TokenizerType.Word,
        lowercase=True,
        ascii_folding=True,
        phrase_matching=True,
        max_token_len=64,
        memory=qe.Memory.Cold,
    ),
}
# A merge maps the old segments and the new one, so their size bounds its memory; a segment takes some hundred mappings.
SEGMENT_BYTES = 192 << 20
_IDF = qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf, memory=qe.Memory.Cold)  # by default it is kept in memory
NOBODY_ID = str(uuid.UUID(int=0))  # no record has it
_last: tuple[AnyVector | None, str, qe.Query | None] = (None, "", None)


def config(fields: Iterable[VectorField], thorough: bool = False) -> qe.EdgeConfig:
    """How a shard with these named vectors is kept.

    Args:
        fields: Named vectors.
        thorough: Whether merging rewrites every segment that has a deleted point, not only those that have many.
    """
    fields = list(fields)
    vacuum: dict[str, Any] = {"deleted_threshold": 0.0, "vacuum_min_vector_number": 1} if thorough else {}
    return qe.EdgeConfig(
        vectors={field.name: _vector_params(field) for field in fields if field.kind != "sparse"},
        sparse_vectors={field.name: _IDF for field in fields if field.kind == "sparse"},
        optimizers=qe.EdgeOptimizersConfig(max_segment_size=SEGMENT_BYTES >> 10, **vacuum),
    )


def _vector_params(field: VectorField) -> qe.EdgeVectorParams:
    """How a dense vector or multivector is stored: float16 or packed, a graph only where one was asked for."""
    multi = field.kind == "multi"
    return qe.EdgeVectorParams(
        size=field.kept_dim,
        distance=qe.Distance.Dot,  # page rows are unit length; a query row's length is its weight
        multivector_config=qe.MultiVectorConfig(qe.MultiVectorComparator.MaxSim) if multi else None,
        datatype=qe.VectorStorageDatatype.Uint8 if field.packing else qe.VectorStorageDatatype.Float16,
        hnsw_config=_GRAPH if field.hnsw else _NO_GRAPH,
        memory=qe.Memory.Cold if multi else qe.Memory.Cached,  # cached: read into memory whenever a shard is opened
    )


class EdgeSpelling:
    """The words of the embedded engine (implements `vrag.store.translating.Spelling`)."""

    def prefetch(self, stage: StageRequest, prefetches: list[qe.Prefetch], chosen: qe.Filter | None) -> qe.Prefetch:
        """A stage that another one goes on from."""
        return qe.Prefetch(**self.request(stage, prefetches, chosen))

    def fused_prefetch(self, limit: int, prefetches: list[qe.Prefetch]) -> qe.Prefetch:
        """Branches that another stage goes on from."""
        return qe.Prefetch(**self.fused_request(limit, prefetches))

    def request(self, stage: StageRequest, prefetches: list[qe.Prefetch], chosen: qe.Filter | None) -> dict[str, Any]:
        """Arguments of a `QueryRequest`, but for what is wanted of the points found."""
        params = None if stage.hnsw else _EXACT
        query = _nearest(stage)
        return {
            "limit": stage.limit, "query": query, "prefetches": prefetches or None, "params": params, "filter": chosen
        }  # fmt: skip

    def fused_request(self, limit: int, prefetches: list[qe.Prefetch]) -> dict[str, Any]:
        """As `request`, of branches."""
        return {"limit": limit, "query": _RRF, "prefetches": prefetches}

    def has_value(self, key: str, values: list[str] | list[int]) -> qe.FieldCondition:
        """One of these values."""
        return qe.FieldCondition(key, match=qe.MatchAny(values))

    def lies_in(self, key: str, interval: Interval) -> qe.FieldCondition:
        """Between two numbers."""
        return qe.FieldCondition(key, range=qe.RangeFloat(**asdict(interval)))

    def is_dated(self, key: str, interval: Interval) -> qe.FieldCondition:
        """Between two dates."""
        return qe.FieldCondition(key, range=qe.RangeDateTime(**asdict(interval)))

    def has_text(self, text: TextCondition) -> qe.FieldCondition:
        """Words, or a phrase."""
        match = qe.MatchPhrase(text.text) if text.phrase else qe.MatchText(text.text)
        return qe.FieldCondition(text.key, match=match)

    def has_id(self, ids: frozenset[str]) -> qe.HasIdCondition:
        """One of these points."""
        return qe.HasIdCondition(set(ids))

    def filter(self, must: list[Any], should: list[Any], must_not: list[Any]) -> qe.Filter:
        """Conditions together."""
        return qe.Filter(must=must or None, should=should or None, must_not=must_not or None)


EDGE = EdgeSpelling()


def _nearest(stage: StageRequest) -> qe.Query:
    """The engine's form of a query; the last one is kept, because an exact rerank asks the same query several times."""
    global _last
    vector, using, made = _last
    if vector is stage.query and using == stage.vector and made is not None:
        return made
    query = _sparse(stage.query) if isinstance(stage.query, SparseVector) else stage.query
    # The engine takes arrays as they are; its type stubs know only lists.
    made = qe.Query.Nearest(cast("list[list[float]]", query), using=stage.vector)
    _last = (stage.query, stage.vector, made)  # in one step: other threads ask queries of their own
    return made


def engine_vectors(record: Record) -> dict[str, Any]:
    """A record's vectors, dense and sparse, as the engine has them: it takes lists faster than arrays."""
    dense = {name: vector.tolist() for name, vector in record.vectors.items()}
    return {**dense, **{name: _sparse(vector) for name, vector in record.sparse.items()}}


def stored_bytes(record: Record) -> int:
    """Bytes that the engine keeps of a record's dense vectors, as float16."""
    return sum(2 * vector.size for vector in record.vectors.values())


def _sparse(vector: SparseVector) -> qe.SparseVector:
    return qe.SparseVector(vector.indices.tolist(), vector.values.tolist())


def record_of(found: Any) -> Record:
    """A record of the engine with its vectors as arrays."""
    dense: dict[str, FloatArray] = {}
    sparse: dict[str, SparseVector] = {}
    for name, vector in (found.vector or {}).items():
        if isinstance(vector, qe.SparseVector):
            sparse[name] = SparseVector(np.array(vector.indices, np.uint32), np.array(vector.values, np.float32))
        else:
            dense[name] = _array(vector)
    return Record(str(found.id), found.payload or {}, dense, sparse)


def _array(vector: Any) -> FloatArray:
    """Numbers of Python as float32; a multivector is packed row by row, which takes half the time of `np.asarray`."""
    if not vector or not isinstance(vector[0], list):
        return np.asarray(vector, dtype=np.float32)
    pack = struct.Struct(f"{len(vector[0])}f").pack
    rows = b"".join([pack(*row) for row in vector])
    return np.frombuffer(bytearray(rows), np.float32).reshape(len(vector), -1)
