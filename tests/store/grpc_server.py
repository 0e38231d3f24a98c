"""The gRPC face of the test server: the library's own conversions, from its messages and back."""

from concurrent import futures
from contextlib import contextmanager

import grpc
from qdrant_client import grpc as messages
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc
from qdrant_client.grpc import collections_service_pb2_grpc, points_service_pb2_grpc, qdrant_pb2_grpc

from tests.store.backend import BackendError

CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ALREADY_EXISTS,
}


def answering(method):
    """A method whose refusals become gRPC statuses, after the key was checked."""

    def answer(self, request, context):
        try:
            self.backend.check_key(dict(context.invocation_metadata()).get("api-key"))
            return method(self, request)
        except BackendError as error:
            return context.abort(CODES[error.status], str(error))

    return answer


class Root(qdrant_pb2_grpc.QdrantServicer):
    def __init__(self, backend):
        self.backend = backend

    def HealthCheck(self, request, context):  # noqa: N802 - the protocol's name
        return messages.HealthCheckReply(title="qdrant - vector search engine", version=self.backend.version)


class Collections(collections_service_pb2_grpc.CollectionsServicer):
    def __init__(self, backend):
        self.backend = backend

    def _call(self, what, name, **arguments):
        return self.backend.call("grpc", what, name, **arguments)

    @answering
    def CollectionExists(self, request):  # noqa: N802
        exists = self._call("collection_exists", request.collection_name)
        return messages.CollectionExistsResponse(result=messages.CollectionExists(exists=exists))

    @answering
    def Create(self, request):  # noqa: N802
        vectors = GrpcToRest.convert_vectors_config(request.vectors_config)
        more = {}
        if request.HasField("sparse_vectors_config"):
            more["sparse_vectors_config"] = GrpcToRest.convert_sparse_vector_config(request.sparse_vectors_config)
        self._call("create_collection", request.collection_name, vectors_config=vectors, **more)
        return messages.CollectionOperationResponse(result=True)

    @answering
    def Update(self, request):  # noqa: N802
        changed = GrpcToRest.convert_optimizers_config_diff(request.optimizers_config)
        self._call("update_collection", request.collection_name, optimizers_config=changed)
        return messages.CollectionOperationResponse(result=True)

    @answering
    def Get(self, request):  # noqa: N802
        info = self._call("get_collection", request.collection_name)
        return messages.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(info))


class Points(points_service_pb2_grpc.PointsServicer):
    def __init__(self, backend):
        self.backend = backend

    def _call(self, what, request, **arguments):
        return self.backend.call("grpc", what, request.collection_name, **arguments)

    @answering
    def CreateFieldIndex(self, request):  # noqa: N802
        self._call("create_payload_index", request, field_name=request.field_name, field_schema="keyword")
        return _done()

    @answering
    def Upsert(self, request):  # noqa: N802
        self._call("upsert", request, points=[GrpcToRest.convert_point_struct(point) for point in request.points])
        return _done()

    @answering
    def Delete(self, request):  # noqa: N802
        self._call("delete", request, points_selector=GrpcToRest.convert_points_selector(request.points))
        return _done()

    @answering
    def SetPayload(self, request):  # noqa: N802
        selector = GrpcToRest.convert_points_selector(request.points_selector)
        self._call("set_payload", request, payload=GrpcToRest.convert_payload(request.payload), points=selector)
        return _done()

    @answering
    def Get(self, request):  # noqa: N802
        ids = [GrpcToRest.convert_point_id(point) for point in request.ids]
        found = self._call("retrieve", request, ids=ids, with_payload=_payload(request), with_vectors=_vectors(request))
        return messages.GetResponse(result=[RestToGrpc.convert_record(record) for record in found])

    @answering
    def Count(self, request):  # noqa: N802
        counted = self._call("count", request, count_filter=_filter(request, "filter"), exact=True)
        return messages.CountResponse(result=messages.CountResult(count=counted.count))

    @answering
    def Scroll(self, request):  # noqa: N802
        offset = GrpcToRest.convert_point_id(request.offset) if request.HasField("offset") else None
        found, after = self._call(
            "scroll",
            request,
            scroll_filter=_filter(request, "filter"),
            limit=request.limit,
            offset=offset,
            with_payload=_payload(request),
            with_vectors=_vectors(request),
        )
        for record in found:
            record.payload = record.payload or {}
        records = [RestToGrpc.convert_record(record) for record in found]
        following = None if after is None else RestToGrpc.convert_extended_point_id(after)
        return messages.ScrollResponse(result=records, next_page_offset=following)

    @answering
    def Query(self, request):  # noqa: N802
        return messages.QueryResponse(result=self._found(request))

    @answering
    def QueryBatch(self, request):  # noqa: N802
        found = [messages.BatchResult(result=self._found(one)) for one in request.query_points]
        return messages.QueryBatchResponse(result=found)

    def _found(self, request):
        asked = GrpcToRest.convert_query_points(request)
        answer = self._call(
            "query_points",
            request,
            prefetch=asked.prefetch,
            query=asked.query,
            using=asked.using,
            query_filter=asked.filter,
            search_params=asked.params,
            limit=asked.limit,
            with_payload=_payload(request),
        )
        return [RestToGrpc.convert_scored_point(point) for point in answer.points]


def _filter(request, name):
    return GrpcToRest.convert_filter(getattr(request, name)) if request.HasField(name) else None


def _payload(request):
    return GrpcToRest.convert_with_payload_interface(request.with_payload)


def _vectors(request):
    return GrpcToRest.convert_with_vectors_selector(request.with_vectors) if request.HasField("with_vectors") else False


def _done():
    result = messages.UpdateResult(operation_id=0, status=messages.UpdateStatus.Completed)
    return messages.PointsOperationResponse(result=result)


@contextmanager
def grpc_server(backend):
    """A server on a free loopback port, which packs its answers for whoever takes them so, as Qdrant does; its port."""
    packing = ("grpc.default_compression_level", 1)
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), packing]
    server = grpc.server(futures.ThreadPoolExecutor(4), options=options)
    qdrant_pb2_grpc.add_QdrantServicer_to_server(Root(backend), server)
    collections_service_pb2_grpc.add_CollectionsServicer_to_server(Collections(backend), server)
    points_service_pb2_grpc.add_PointsServicer_to_server(Points(backend), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()
