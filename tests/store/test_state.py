"""What a server says of itself, from answers that real servers gave (Qdrant 1.18.3: alone, and three nodes).

The collection `mm` held 1,200 pages, on the cluster in six shards of two copies each. "one gone": a node was killed;
"one dead": and then something was written, so that the others gave its copies up.
"""

import json
from pathlib import Path

import pytest

from tests.store.backend import Backend, BackendError
from tests.store.rest import Handler, rest_server, serving
from tests.store.test_conformance import LOCAL_MODE
from vrag.errors import StoreError
from vrag.remote.wire import dumps, loads
from vrag.store.server.address import Server
from vrag.store.server.connect import connect
from vrag.store.server.state import read_state

pytestmark = LOCAL_MODE
RECORDED = json.loads((Path(__file__).parent / "recorded_states.json").read_text())
GONE = "http://127.0.0.1:16332"
SHORT = "4 of 6 shards have fewer than 2 copies in use: 0 has 1, 2 has 1, 3 has 1, 5 has 1."


class Recorded(Handler):
    """The answers of a real server, by path; those of `refused` are refused as they are to a key that may not ask."""

    answers = {}
    refused = ()

    def _result(self, body):
        path = self.path.split("?")[0]
        if path == "/":
            return {"title": "qdrant - vector search engine", "version": "1.18.3"}
        if path in self.refused or path not in self.answers:
            raise BackendError(403 if path in self.refused else 404, "planned by the test")
        status, answer = self.answers[path]
        if status != 200:
            raise BackendError(status, answer["status"]["error"])
        return answer


def state_of(name, refused=()):
    with serving(Recorded, backend=Backend(), answers=RECORDED[name], refused=refused) as url:
        return read_state(connect(Server(url, grpc_port=0)), "mm")


def test_a_whole_cluster_has_nothing_to_warn_of():
    state = state_of("whole")
    assert (state.status, state.optimizer, state.points, state.segments) == ("green", "ok", 1238, 12)
    assert (state.shards, state.wanted, len(state.copies), len(state.nodes)) == (6, 2, 12, 3)
    assert {node.answers for node in state.nodes} == {True}
    assert {copy.state for copy in state.copies} == {"active"}
    assert {copy.node for copy in state.copies} == {node.node for node in state.nodes}
    assert 2 * 1200 * 150_000 < state.data_bytes < 2 * 1200 * 200_000
    assert state.data_bytes < state.memory_bytes < state.file_bytes
    assert state.warnings() == []
    assert state.to_json()["shards"] == 6
    assert loads(dumps(state)) == state


def test_a_node_that_is_gone_is_named_with_the_shards_it_leaves_short():
    state = state_of("one gone")
    assert state.gone == [GONE]
    assert state.warnings() == [f"The node {GONE} does not answer.", SHORT]
    assert (state.data_bytes, state.file_bytes, state.memory_bytes) == (None, None, None)


def test_copies_that_were_given_up_are_named():
    state = state_of("one dead")
    dead = [f"The copy of shard {shard} at {GONE} is dead." for shard in (0, 2, 3, 5)]
    assert state.warnings() == [f"The node {GONE} does not answer.", SHORT, *dead]


def test_a_server_alone_has_no_nodes_and_says_its_sizes():
    state = state_of("alone")
    assert (state.nodes, state.shards, state.wanted, state.warnings()) == ((), 1, 1, [])
    assert state.data_bytes == 209984608 + 8076672
    assert state.file_bytes > state.memory_bytes > 0


@pytest.mark.parametrize("name", ["one gone", "alone"])
def test_what_a_key_may_not_ask_is_not_known(name):
    everything = [path for path in RECORDED[name] if path != "/collections/mm"]
    state = state_of(name, refused=everything)
    assert (state.status, state.points) == ("green", 1238)
    assert (state.nodes, state.copies, state.data_bytes, state.file_bytes) == ((), (), None, None)


def test_an_older_server_tells_of_nodes_that_it_cannot_reach():
    state = state_of("one gone", refused=["/cluster/telemetry"])
    assert [node.answers for node in state.nodes] == [None, None, False]
    assert state.gone == [GONE]


def test_what_is_no_answer_is_not_known():
    whole = dict(RECORDED["whole"])
    for path in ("/cluster/telemetry", "/collections/mm/memory", "/collections/mm/cluster", "/cluster"):
        for nonsense in ({"result": []}, {"result": {"total": {}}}, {"result": None}, [], {"result": {"peers": 7}}):
            with serving(Recorded, backend=Backend(), answers={**whole, path: [200, nonsense]}) as url:
                assert read_state(connect(Server(url, grpc_port=0)), "mm").points == 1238


def test_a_failed_optimizer_is_told():
    info = json.loads(json.dumps(RECORDED["alone"]["/collections/mm"]))
    info[1]["result"] |= {"status": "red", "optimizer_status": {"error": "no space left"}}
    with serving(Recorded, backend=Backend(), answers={**RECORDED["alone"], "/collections/mm": info}) as url:
        state = read_state(connect(Server(url, grpc_port=0)), "mm")
    assert (state.status, state.warnings()) == ("red", ["The optimizer has failed: no space left."])


def test_what_a_loader_that_died_left_off_is_told():
    info = json.loads(json.dumps(RECORDED["alone"]["/collections/mm"]))
    info[1]["result"]["config"]["optimizer_config"]["max_optimization_threads"] = 0
    with serving(Recorded, backend=Backend(), answers={**RECORDED["alone"], "/collections/mm": info}) as url:
        state = read_state(connect(Server(url, grpc_port=0)), "mm")
    assert state.optimizer == "off"
    assert ["one was cut off" in warning for warning in state.warnings()] == [True]


def test_no_collection_is_a_sentence():
    with rest_server(Backend()) as url, pytest.raises(StoreError, match="does not have that.*asking how it is"):
        read_state(connect(Server(url, grpc_port=0)), "mm")


def test_the_node_that_answered_is_asked_though_another_thread_moves_on():
    with serving(Recorded, backend=Backend(), answers=RECORDED["whole"]) as url:
        connection = connect(Server(url, grpc_port=0, others=(Server("http://127.0.0.1:1", grpc_port=0),)))
        client = connection.client
        ask = client.get_collection

        def then_left(name):
            info = ask(name)
            connection.nodes.leave(connection.nodes.current)
            return info

        client.get_collection = then_left
        assert len(read_state(connection, "mm").nodes) == 3
