"""The `[server]` table of a pipeline: what it may say, and what reaches the server."""

from types import SimpleNamespace

import pytest
from qdrant_client import QdrantClient

from tests.store.records import FIELDS, KEYS, query
from tests.store.test_conformance import LOCAL_MODE
from vrag.errors import UsageError
from vrag.pipeline.pipeline import make_pipeline
from vrag.store.interface import Selection, StageRequest, VectorField
from vrag.store.layout import ServerLayout
from vrag.store.server.connect import Connection
from vrag.store.server.messages import ServerSpelling, vector_params
from vrag.store.server.nodes import Nodes
from vrag.store.server.retry import Retry
from vrag.store.server.server import ServerStore
from vrag.store.translating import query_of

pytestmark = LOCAL_MODE


def test_a_pipeline_without_the_table_has_the_defaults():
    assert make_pipeline("p", {}, "p.toml").server == ServerLayout()


def test_every_setting_is_read():
    table = {"shards": 6, "replication": 2, "write_consistency": 2, "on_disk": False, "quantization": "scalar"}
    assert make_pipeline("p", {"server": table}, "p.toml").server == ServerLayout(**table)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"shard": 1}, "unknown key server.'shard'"),
        ({"shards": 0}, "server.shards = 0"),
        ({"shards": True}, "server.shards = True"),
        ({"on_disk": 1}, "true or false"),
        ({"quantization": "magic"}, "none, scalar, binary"),
        ({"write_consistency": 2}, "more than server.replication = 1"),
        ("x", "a table"),
    ],
)
def test_what_is_not_allowed_is_a_sentence(table, says):
    with pytest.raises(UsageError) as caught:
        make_pipeline("p", {"server": table}, "p.toml")
    assert says in str(caught.value)
    assert str(caught.value).startswith("p.toml")


class Recorder(QdrantClient):
    """Local mode that remembers how a collection was asked for."""

    def create_collection(self, collection_name, **settings):
        self.asked = settings
        return super().create_collection(collection_name, vectors_config=settings["vectors_config"])


def test_the_settings_reach_the_server():
    client, retry = Recorder(":memory:"), Retry(":memory:", 30)
    layout = ServerLayout(6, 2, 2, on_disk=True, quantization="binary")
    ServerStore.create(Connection(Nodes.of(client), retry, retry, "rest"), "c", FIELDS, KEYS, layout)
    asked = client.asked
    assert (asked["shard_number"], asked["replication_factor"], asked["write_consistency_factor"]) == (6, 2, 2)
    full, rows, single = (asked["vectors_config"][name] for name in ("full", "rows", "global"))
    assert (full.on_disk, rows.on_disk) == (True, False)
    assert full.quantization_config is None
    assert rows.quantization_config.binary.always_ram
    assert (full.hnsw_config.m, single.hnsw_config.m) == (0, 16)


def test_scalar_and_none():
    rows = FIELDS[1]
    assert vector_params(rows, ServerLayout(quantization="scalar"), "full").quantization_config.scalar.type == "int8"
    assert vector_params(rows, ServerLayout(), "full").quantization_config is None


def test_only_vectors_without_a_quantized_form_are_searched_exactly():
    stages = [StageRequest("rows", query(), 5), StageRequest("full", query(), 5)]
    asked = query_of(stages, Selection(), ServerSpelling(frozenset({"rows"})))
    assert asked["prefetch"][0].params is None
    assert asked["search_params"].exact
    graph = [StageRequest("global", query()[0], 5, hnsw=True), StageRequest("full", query(), 5)]
    assert query_of(graph, Selection(), ServerSpelling())["prefetch"][0].params is None


def test_contexts_are_asked_for_one_by_one_and_never_in_a_quantized_form():
    asked = []

    class Answers:
        def query_batch_points(self, _, requests):
            asked.extend(requests)
            return [SimpleNamespace(points=[]) for _ in requests]

    retry, layout = Retry(":memory:", 30), ServerLayout(quantization="binary")
    fields = [*FIELDS, VectorField("context", "multi", 4)]
    store = ServerStore(Connection(Nodes.of(Answers()), retry, retry, "rest"), "c", fields, layout)
    store.query_each([StageRequest(name, query()[:1], 5) for name in ("context", "rows")], Selection())
    assert [one.params.exact if one.params else None for one in asked] == [True, None]
    client = Recorder(":memory:")
    ServerStore.create(Connection(Nodes.of(client), retry, retry, "rest"), "c", fields, KEYS, layout)
    assert client.asked["vectors_config"]["context"].quantization_config is None
