"""Messages made of arrays say what the client library's own say, number for number."""

import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import grpc, models
from qdrant_client.conversions.conversion import RestToGrpc

from vrag.store.interface import Record, SparseVector
from vrag.store.server.grpc_points import GrpcPoints
from vrag.store.server.messages import as_stored, record_of

ID = str(uuid.UUID(int=7))
TERMS = SparseVector(np.array([3, 1 << 31], np.uint32), np.array([0.5, 2], np.float32))
PAYLOAD = {"kind": "page", "page": 3, "meta": {"year": 2024, "tags": ["a", None]}, "share": 0.5, "seen": True}


class Stub:
    """The far end: keeps the request, answers with what it was given."""

    def __init__(self, answer=None):
        self.grpc_points, self.sent, self.answer = self, [], answer

    def _call(self, request, timeout):
        self.sent.append(type(request).FromString(request.SerializeToString()))
        return self.answer

    Upsert = Get = Scroll = _call


def sent(record):
    stub = Stub()
    GrpcPoints(stub, 1.0).upsert("c", [record])
    (request,) = stub.sent
    (point,) = request.points
    return point


def by_library(record):
    dense = {name: as_stored(array).tolist() for name, array in record.vectors.items()}
    sparse = {
        name: models.SparseVector(indices=terms.indices.tolist(), values=terms.values.tolist())
        for name, terms in record.sparse.items()
    }
    return RestToGrpc.convert_point_struct(
        models.PointStruct(id=record.id, vector=dense | sparse, payload=record.payload)
    )


def read(**vectors):
    named = grpc.NamedVectorsOutput(vectors=vectors)
    point = grpc.RetrievedPoint(id=grpc.PointId(uuid=ID), vectors=grpc.VectorsOutput(vectors=named))
    (found,) = GrpcPoints(Stub(grpc.GetResponse(result=[point])), 1.0).retrieve(
        "c", [ID], with_payload=True, with_vectors=True
    )
    return record_of(found)


# Lengths with one, two and three digits of base 128: 4 x 32 bytes are the first that need two.
@given(st.sampled_from([(1, 1), (3, 31), (2, 32), (5, 384), (1, 4096), (2, 20000)]), st.integers(0, 99))
def test_a_point_is_the_library_s_own(shape, seed):
    rows = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    record = Record(ID, PAYLOAD, {"full": rows, "global": rows[0]}, {"text": TERMS})
    assert sent(record) == by_library(record)


def test_a_record_without_vectors_says_that_it_has_none():
    point = sent(Record(ID, {"kind": "document"}))
    assert point.vectors.HasField("vectors")
    assert point == by_library(Record(ID, {"kind": "document"}))


def test_arrays_of_any_order_and_type_are_sent_as_they_read():
    rows = np.arange(24, dtype=np.float64).reshape(4, 6)
    for array in (rows.T, rows[::2], rows.astype(np.float16)):
        record = Record(ID, {}, {"full": array})
        assert sent(record) == by_library(record)


def test_what_is_read_is_what_was_sent():
    rows = np.random.default_rng(1).standard_normal((3, 40)).astype(np.float32)
    vectors = sent(Record(ID, {}, {"full": rows, "global": rows[0]}, {"text": TERMS})).vectors.vectors.vectors
    found = read(**{name: grpc.VectorOutput.FromString(vectors[name].SerializeToString()) for name in vectors})
    np.testing.assert_array_equal(found.vectors["full"], as_stored(rows))
    np.testing.assert_array_equal(found.vectors["global"], as_stored(rows[0]))
    np.testing.assert_array_equal(found.sparse["text"].indices, TERMS.indices)
    assert found.vectors["full"].dtype == np.float32


def test_vectors_in_the_form_of_older_servers_are_read():
    found = read(full=grpc.VectorOutput(data=[1, 2, 3, 4], vectors_count=2), g=grpc.VectorOutput(data=[1, 2]))
    assert found.vectors["full"].tolist() == [[1, 2], [3, 4]]
    assert found.vectors["g"].tolist() == [1, 2]


def test_rows_of_unlike_lengths_are_refused():
    rows = [grpc.DenseVector(data=[1, 2]), grpc.DenseVector(data=[1])]
    with pytest.raises(ValueError, match="inhomogeneous"):
        read(full=grpc.VectorOutput(multi_dense=grpc.MultiDenseVector(vectors=rows)))
