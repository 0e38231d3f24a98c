"""vrag's requests, filters and vectors in the words of Qdrant Edge, and its records back again."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
import qdrant_edge as qe

from vrag.grid import FloatArray
from vrag.store.interface import (
    RRF_K,
    AnyVector,
    Condition,
    FusionRequest,
    Interval,
    Range,
    Record,
    Request,
    Selection,
    SparseVector,
    StageRequest,
    TextCondition,
    VectorField,
    same_type,
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
    """How a dense vector or multivector is stored: float16, a graph only where one was asked for."""
    multi = field.kind == "multi"
    return qe.EdgeVectorParams(
        size=field.dim,
        distance=qe.Distance.Dot,  # page rows are unit length; a query row's length is its weight
        multivector_config=qe.MultiVectorConfig(qe.MultiVectorComparator.MaxSim) if multi else None,
        datatype=qe.VectorStorageDatatype.Float16,
        hnsw_config=_GRAPH if field.hnsw else _NO_GRAPH,
        memory=qe.Memory.Cold if multi else qe.Memory.Cached,  # cached: read into memory whenever a shard is opened
    )


def nested(stages: Sequence[Request], chosen: qe.Filter | None, payload: bool | list[str]) -> qe.QueryRequest:
    """The whole cascade as one request; the filter sits on the innermost prefetch of every branch."""
    *earlier, last = stages
    prefetches = _prefetches(earlier, chosen)
    if isinstance(last, FusionRequest):
        return qe.QueryRequest(
            limit=last.limit or _most(last),
            query=_RRF,
            prefetches=_branches(last, chosen),
            with_payload=payload,
        )
    return qe.QueryRequest(
        limit=last.limit,
        query=_nearest(last),
        prefetches=prefetches or None,
        params=None if last.hnsw else _EXACT,
        filter=None if prefetches else chosen,
        with_payload=payload,
    )


def _prefetches(stages: Sequence[Request], chosen: qe.Filter | None) -> list[qe.Prefetch]:
    """Stages nested into each other, the first one innermost."""
    nested: list[qe.Prefetch] = []
    for stage in stages:
        nested = (
            _branch_prefetches(stage, chosen) if isinstance(stage, FusionRequest) else [_inner(stage, nested, chosen)]
        )
    return nested


def _inner(stage: StageRequest, nested: list[qe.Prefetch], chosen: qe.Filter | None) -> qe.Prefetch:
    return qe.Prefetch(
        limit=stage.limit,
        query=_nearest(stage),
        prefetches=nested or None,
        params=None if stage.hnsw else _EXACT,
        filter=None if nested else chosen,
    )


def _branch_prefetches(fusion: FusionRequest, chosen: qe.Filter | None) -> list[qe.Prefetch]:
    """Without a limit the branches themselves: the engine scores the union of its prefetches."""
    branches = _branches(fusion, chosen)
    if fusion.limit is None:
        return branches
    return [qe.Prefetch(limit=fusion.limit, query=_RRF, prefetches=branches)]


def _branches(fusion: FusionRequest, chosen: qe.Filter | None) -> list[qe.Prefetch]:
    return [prefetch for branch in fusion.branches for prefetch in _prefetches(branch, chosen)]


def _most(fusion: FusionRequest) -> int:
    """Candidates that all branches together can have."""
    return sum(branch[-1].limit for branch in fusion.branches)


def engine_filter(selection: Selection) -> qe.Filter | None:
    """The selection as a filter; None when it holds for all points."""
    must: list[Any] = [_condition(condition) for condition in selection.conditions]
    must += [_text_match(text) for text in selection.texts if not text.absent]
    must_not: list[Any] = [_text_match(text) for text in selection.texts if text.absent]
    if selection.ids is not None:
        must.append(qe.HasIdCondition(set(selection.ids)))
    return qe.Filter(must=must, must_not=must_not or None) if must or must_not else None


def _condition(condition: Condition | Range) -> qe.FieldCondition | qe.Filter:
    fields = _fields(condition)
    if condition.negate:
        return qe.Filter(must_not=fields)
    return fields[0] if len(fields) == 1 else qe.Filter(should=fields)


def _fields(condition: Condition | Range) -> list[Any]:
    """Alternatives, one of which must hold."""
    if isinstance(condition, Condition):
        return [qe.FieldCondition(condition.key, match=qe.MatchAny(same_type(condition.values)))]
    return [qe.FieldCondition(condition.key, range=_range(interval)) for interval in condition.intervals]


def _range(interval: Interval) -> qe.RangeFloat | qe.RangeDateTime:
    bounds = {key: getattr(interval, key) for key in ("gte", "gt", "lte", "lt")}
    dated = any(isinstance(bound, str) for bound in bounds.values())
    return qe.RangeDateTime(**bounds) if dated else qe.RangeFloat(**bounds)


def _text_match(text: TextCondition) -> qe.FieldCondition:
    match = qe.MatchPhrase(text.text) if text.phrase else qe.MatchText(text.text)
    return qe.FieldCondition(text.key, match=match)


def _nearest(stage: StageRequest) -> qe.Query:
    """The engine's form of a query; the last one is kept, because an exact rerank asks the same query several times."""
    global _last
    vector, using, made = _last
    if vector is stage.query and using == stage.vector and made is not None:
        return made
    # The engine takes arrays as they are; its type stubs know only lists.
    made = qe.Query.Nearest(cast("list[list[float]]", _engine_vector(stage.query)), using=stage.vector)
    _last = (stage.query, stage.vector, made)  # in one step: other threads ask queries of their own
    return made


def _engine_vector(vector: AnyVector) -> FloatArray | qe.SparseVector:
    return _sparse(vector) if isinstance(vector, SparseVector) else vector


def engine_vectors(record: Record) -> dict[str, Any]:
    """A record's vectors, dense and sparse, as the engine has them."""
    return {**record.vectors, **{name: _sparse(vector) for name, vector in record.sparse.items()}}


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
